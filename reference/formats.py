"""Floating-point formats, and the half ulp that one rounding in them can cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Format:
    """A binary floating-point format: `significand` bits (the hidden one counted) and exponents `low` to `high`.

    Its numbers are those of the standard model fl(a op b) = (a op b)(1 + d) + e with |d| <= `unit_roundoff`
    (Higham 2002, Accuracy and Stability of Numerical Algorithms, eq. 2.4 and 2.8).
    """

    name: str
    significand: int
    low: int
    high: int

    @property
    def unit_roundoff(self) -> float:
        """u = 2^-p for a significand of p bits: half the distance from 1 to the next number."""
        return 2.0**-self.significand

    @property
    def smallest_normal(self) -> float:
        """2^low; numbers below it lose digits, or are flushed to zero."""
        return 2.0**self.low

    @property
    def smallest_subnormal(self) -> float:
        """The distance between neighbours below `smallest_normal`."""
        return float(np.ldexp(1.0, self.low - self.significand + 1))

    @property
    def largest(self) -> float:
        """The largest finite number."""
        return float(np.ldexp(2.0 - 2.0 ** (1 - self.significand), self.high))

    def underflow_error(self, *, flush_to_zero: bool) -> float:
        """The absolute error of one operation whose result is tiny: e of the standard model.

        Half the smallest subnormal; all of it in float64, in whose own numbers its half would be 0.
        """
        half = max(self.smallest_subnormal / 2, FLOAT64.smallest_subnormal)
        return self.smallest_normal if flush_to_zero else half

    def half_ulp(self, values: Array) -> Array:
        """Half an ulp of each |value|: what rounding a number of that size to nearest costs at most."""
        _, exponent = np.frexp(np.abs(values))
        spacing = np.where(values == 0, 0.0, np.ldexp(self.unit_roundoff, exponent - 1))
        return np.asarray(np.maximum(spacing, self.underflow_error(flush_to_zero=False)))

    def is_narrower_than(self, other: Format) -> bool:
        """Whether a number of `other` may need rounding here."""
        return self.significand < other.significand or self.low > other.low


FLOAT64 = Format("float64", 53, -1022, 1023)
FLOAT32 = Format("float32", 24, -126, 127)
FLOAT16 = Format("float16", 11, -14, 15)
BFLOAT16 = Format("bfloat16", 8, -126, 127)

FORMATS = {each.name: each for each in (FLOAT64, FLOAT32, FLOAT16, BFLOAT16)}

_DTYPES: dict[str, np.dtype[Any]] = {
    "float64": np.dtype(np.float64),
    "float32": np.dtype(np.float32),
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
_FORMAT_OF = {dtype: FORMATS[name] for name, dtype in _DTYPES.items()}


def format_of(dtype: DTypeLike) -> Format:
    """The format of a NumPy dtype; raises KeyError for one that is not among the four."""
    given = np.dtype(dtype)
    return _FORMAT_OF[given] if given in _FORMAT_OF else FORMATS[given.name]


def dtype_of(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a format's name; bfloat16 is that of ml_dtypes."""
    return _DTYPES[name]


def at_least_float32(given: Format) -> Format:
    """The format that sound code computes in when its inputs have format `given`: never below float32."""
    return FLOAT32 if given.significand < FLOAT32.significand else given
