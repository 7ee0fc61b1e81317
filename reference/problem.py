"""The mathematical problem of one batch normalization: exact numbers, no framework, one row a channel."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from .formats import Array


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be computed, as float64 arrays that hold the very numbers of the case.

    `x`, `dy`: (C, m), one row a channel.  `gamma`, `beta`, `running_mean`, `running_var`: (C, 1), or None where the
    case has none.  `weights`: for each training step on this batch, the weight of the new batch in the running
    statistics (momentum, or 1/(k+1) for a cumulative average).  `biased`: whether the running variance tracks the
    biased batch variance instead of the unbiased one.
    """

    x: Array
    dy: Array | None
    gamma: Array | None
    beta: Array | None
    running_mean: Array | None
    running_var: Array | None
    eps: float
    training: bool
    weights: tuple[Fraction, ...] = ()
    biased: bool = False

    @property
    def count(self) -> int:
        """m, the number of values in a channel."""
        return int(self.x.shape[1])

    @property
    def bessel(self) -> Fraction:
        """m / (m - 1), or 1 where the running variance is biased."""
        return Fraction(1) if self.biased else Fraction(self.count, self.count - 1)

    @property
    def decay(self) -> Fraction:
        """What remains of the old statistics after all steps: the product of 1 - w."""
        return reduce(lambda left, weight: left * (1 - weight), self.weights, Fraction(1))


def as_pair(value: Fraction) -> tuple[float, float]:
    """The two float64 whose sum is nearest to an exact number."""
    high = float(value)
    return high, float(value - Fraction(high))
