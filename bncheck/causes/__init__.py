"""Causes: executable hypotheses about what an implementation does instead, and how they are proved."""
