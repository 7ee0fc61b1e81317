"""Planted bugs that prove the laws, and sound variants that no law may reject."""
