"""The mathematical problem of one batch normalization: exact numbers, no framework, one row a channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce

import numpy as np

from .formats import Array, Format, dtype_of


@dataclass(frozen=True, slots=True)
class Debias:
    """An exponential average that is corrected for its start at zero.

    With h <- (1 - w) h + w stat from 0, what is shown after t batches is h / (1 - (1 - w)^t).  `weight`: w, above 0.
    `seen`: batches before the first step.  Source: Kingma and Ba 2015, Adam, section 3.
    """

    weight: Fraction
    seen: int

    def share(self, batches: int) -> Fraction:
        """1 - (1 - w)^t: the weights of all batches so far in h, taken together."""
        return 1 - (1 - self.weight) ** batches

    def weights(self, steps: int) -> tuple[Fraction, ...]:
        """The weight of the new batch in what is shown, step by step: w / (1 - (1 - w)^t), which is 1 for the first."""
        return tuple(self.weight / self.share(self.seen + step) for step in range(1, steps + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is to be computed, as float64 arrays that hold the very numbers of the case.

    `x`, `dy`: (C, m), one row a channel.  `gamma`, `beta`, `running_mean`, `running_var`: (C, 1), or None where the
    case has none.  `weights`: for each training step on this batch, the weight of the new batch in the running
    statistics (momentum, 1/(k+1) for a cumulative average, or that of a corrected one).  `biased`: whether the running
    variance tracks the biased batch variance instead of the unbiased one.  `debias`: where the running statistics, the
    given ones too, are corrected for a start at zero.
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
    debias: Debias | None = None

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

    def rounded(self, stored: Format) -> Problem:
        """The same problem with every array rounded to a format."""

        def given(array: Array | None) -> Array | None:
            return None if array is None else nearest(array, stored)

        return replace(
            self,
            x=nearest(self.x, stored),
            dy=given(self.dy),
            gamma=given(self.gamma),
            beta=given(self.beta),
            running_mean=given(self.running_mean),
            running_var=given(self.running_var),
        )


def nearest(values: Array, stored: Format) -> Array:
    """The nearest numbers of a format, infinite beyond its largest."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return values.astype(dtype_of(stored.name)).astype(np.float64)


def as_pair(value: Fraction) -> tuple[float, float]:
    """The two float64 whose sum is nearest to an exact number."""
    high = float(value)
    return high, float(value - Fraction(high))
