"""Double-double arithmetic: unevaluated sums hi + lo of two float64 arrays, about 106 bits.

Source: Dekker 1971, A floating-point technique for extending the available precision (two_product by splitting);
Hida, Li and Bailey 2001, Algorithms for quad-double precision arithmetic (the accurate addition, division, root).
Operands must stay within 2^-900 .. 2^900 in magnitude (or be 0): callers scale by powers of two first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .formats import Array

_SPLITTER = 134217729.0  # 2^27 + 1 cuts 53 bits into 26 + 26


def _two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    shadow = total - a
    return total, (a - (total - shadow)) + (b - shadow)


def _quick_two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    total = a + b
    return total, b - (total - a)


def _split(a: Array) -> tuple[Array, Array]:
    large = _SPLITTER * a
    high = large - (large - a)
    return high, a - high


def _two_product(a: Array, b: Array) -> tuple[Array, Array]:
    product = a * b
    a_high, a_low = _split(a)
    b_high, b_low = _split(b)
    error = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return product, error


@dataclass(frozen=True, slots=True, eq=False)
class DoubleDouble:
    """hi + lo elementwise, |lo| <= ulp(hi) / 2; arrays of one shape, broadcast as NumPy does."""

    hi: Array
    lo: Array

    @staticmethod
    def of(values: Array) -> DoubleDouble:
        """Exactly `values`."""
        values = np.asarray(values, dtype=np.float64)
        return DoubleDouble(values, np.zeros_like(values))

    def __add__(self, other: DoubleDouble) -> DoubleDouble:
        s, e = _two_sum(self.hi, other.hi)
        t, f = _two_sum(self.lo, other.lo)
        s, e = _quick_two_sum(s, e + t)
        return DoubleDouble(*_quick_two_sum(s, e + f))

    def __neg__(self) -> DoubleDouble:
        return DoubleDouble(-self.hi, -self.lo)

    def __sub__(self, other: DoubleDouble) -> DoubleDouble:
        return self + (-other)

    def __mul__(self, other: DoubleDouble) -> DoubleDouble:
        p, e = _two_product(self.hi, other.hi)
        return DoubleDouble(*_quick_two_sum(p, e + (self.hi * other.lo + self.lo * other.hi)))

    def __truediv__(self, other: DoubleDouble) -> DoubleDouble:
        first = self.hi / other.hi
        rest = self - other * DoubleDouble.of(first)
        second = rest.hi / other.hi
        rest = rest - other * DoubleDouble.of(second)
        third = rest.hi / other.hi
        high, low = _quick_two_sum(first, second)
        return DoubleDouble(high, low) + DoubleDouble.of(third)

    def inverse_root(self) -> DoubleDouble:
        """1 / sqrt(a): one float64 guess and two Newton steps r + r (1 - a r^2) / 2 in double-double."""
        guess = DoubleDouble.of(1.0 / np.sqrt(self.hi))
        one, half = DoubleDouble.of(np.ones_like(self.hi)), DoubleDouble.of(np.full_like(self.hi, 0.5))
        for _ in range(2):
            guess = guess + guess * ((one - self * guess * guess) * half)
        return guess

    def total(self) -> DoubleDouble:
        """The sum over the last axis, kept with length 1, by a binary tree."""
        hi, lo = self.hi, self.lo
        while hi.shape[-1] > 1:
            if hi.shape[-1] % 2:
                hi = np.concatenate([hi, np.zeros_like(hi[..., :1])], axis=-1)
                lo = np.concatenate([lo, np.zeros_like(lo[..., :1])], axis=-1)
            pair = DoubleDouble(hi[..., ::2], lo[..., ::2]) + DoubleDouble(hi[..., 1::2], lo[..., 1::2])
            hi, lo = pair.hi, pair.lo
        return DoubleDouble(hi, lo)

    def scaled(self, exponent: Array) -> DoubleDouble:
        """Times 2^exponent, exact unless the result leaves the range of float64."""
        power = exponent.astype(np.int32)
        return DoubleDouble(np.ldexp(self.hi, power), np.ldexp(self.lo, power))
