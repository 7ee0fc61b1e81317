"""How far rounding can carry a sum, a mean and an inner product: gamma_n of the standard model, by depth of summation.

Source: Higham 2002, Accuracy and Stability of Numerical Algorithms, Lemma 3.1 (gamma_n = n u / (1 - n u)) and
section 4.2 (any order of summation: depth m - 1; pairwise: ceil(log2 m)).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, log, log2

import numpy as np
from numpy.typing import NDArray

from .formats import Array
from .profile import Profile


def gamma(count: float, unit_roundoff: float) -> float:
    """n u / (1 - n u): bound of (1 + d)^n - 1 over n roundings; infinite once n u reaches 1."""
    product = count * unit_roundoff
    return product / (1.0 - product) if product < 1.0 else inf


@dataclass(frozen=True, slots=True)
class Summation:
    """Sums of `count` numbers under `profile`."""

    profile: Profile
    count: int

    @property
    def depth(self) -> int:
        """Accumulator roundings on the worst path."""
        return ceil(log2(self.count)) if self.profile.depth == "tree" else self.count - 1

    @property
    def narrowing(self) -> int:
        """1 where the accumulator is wider than the arithmetic: the sum is rounded once more when it leaves."""
        return int(self.profile.arithmetic.is_narrower_than(self.profile.accumulator))

    def growth(self, extra: float) -> float:
        """Relative error of a sum of nonnegative terms that each carry `extra` roundings of the arithmetic."""
        return self.growth_of_depth(self.depth, extra)

    def growth_of_depth(self, depth: float, extra: float) -> float:
        """The same for an explicit number of accumulator roundings."""
        in_sum = gamma(depth, self.profile.accumulator.unit_roundoff)
        in_terms = gamma(extra, self.profile.arithmetic.unit_roundoff)
        return in_sum + in_terms + in_sum * in_terms

    @property
    def welford_growth(self) -> float:
        """Growth of Welford's running mean, relative to mean|x|.

        e_m = (1/m) sum_k [3 u |x_k - mean_(k-1)| + u k |mean_k|] with k |mean_k| <= m A and
        |mean_(k-1)| <= m A / (k - 1), so depth m - 1 becomes m + 3 + 3 ln m.  Merged by a tree (Chan, Golub and
        LeVeque 1983), every level costs three roundings of the mean.
        """
        if self.profile.depth == "tree":
            return self.growth(2.0 * self.depth + 3.0)
        return self.growth(4.0 + 3.0 * log(self.count))


def lattice_step(values: Array) -> Array:
    """Per row, the largest 2^k of which all values are integer multiples; infinity for a row of zeros. (C, 1)."""
    mantissa, exponent = np.frexp(values)
    integer = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = (integer & -integer).astype(np.float64)
    steps = np.where(values == 0, np.inf, np.ldexp(lowest, exponent - 53))
    return np.asarray(np.min(steps, axis=-1, keepdims=True))


def sums_exactly(values: Array, unit_roundoff: float) -> NDArray[np.bool_]:
    """Whether every order of summation of a row is free of rounding: sum|x| < 2^k / u on a lattice of step 2^k.

    The sum itself is taken in float64.  Where it rounds, it does not fall below 2^k / u for u = 2^-53, because rounding
    is monotone; it may come out equal, and so equality does not count.
    """
    step = lattice_step(values)
    total = np.sum(np.abs(values), axis=-1, keepdims=True)
    return np.asarray(np.isinf(step) | (total < step / unit_roundoff))
