"""Plain float64 with the interface of double-double: the arithmetic of the oracle below float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .formats import Array


@dataclass(frozen=True, slots=True, eq=False)
class Double:
    """A float64 array; every operation rounds once.  `lo` is zero, kept so that results read like double-double."""

    hi: Array

    @property
    def lo(self) -> Array:
        """Always zero."""
        return np.zeros_like(self.hi)

    @staticmethod
    def of(values: Array) -> Double:
        """Exactly `values`."""
        return Double(np.asarray(values, dtype=np.float64))

    def __add__(self, other: Double) -> Double:
        return Double(self.hi + other.hi)

    def __neg__(self) -> Double:
        return Double(-self.hi)

    def __sub__(self, other: Double) -> Double:
        return Double(self.hi - other.hi)

    def __mul__(self, other: Double) -> Double:
        return Double(self.hi * other.hi)

    def __truediv__(self, other: Double) -> Double:
        return Double(self.hi / other.hi)

    def inverse_root(self) -> Double:
        """1 / sqrt(a)."""
        return Double(1.0 / np.sqrt(self.hi))

    def total(self) -> Double:
        """The sum over the last axis, kept with length 1."""
        return Double(np.sum(self.hi, axis=-1, keepdims=True))

    def scaled(self, exponent: Array) -> Double:
        """Times 2^exponent."""
        return Double(np.ldexp(self.hi, exponent.astype(np.int32)))
