"""The laws that batch normalization obeys: one module a family, and the catalogue that lists them all."""
