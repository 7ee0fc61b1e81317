"""The oracle: the answer to a problem far beyond the precision that is judged.

One set of formulae over two arithmetics: double-double (106 bits) where float64 is judged, float64 two-pass below it,
whose error is 2^-29 of the rounding error of float32.  `exact.py` evaluates the same formulae independently, in
decimal arithmetic of 80 digits, and `self_check.py` holds the two against each other.
Source: Ioffe and Szegedy 2015, Batch Normalization, Algorithm 1 (forward), Algorithm 2 (inference), section 3 (backward).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from .double import Double
from .double_double import DoubleDouble
from .formats import Array
from .problem import Problem, as_pair

N = TypeVar("N", Double, DoubleDouble)


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """An exact array as the unevaluated sum hi + lo of two float64 arrays."""

    hi: Array
    lo: Array

    def error_of(self, actual: Array) -> Array:
        """|actual - exact| elementwise, without the cancellation of subtracting one rounded number."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs((actual - self.hi) - self.lo))

    def plus(self, values: Array) -> Exact:
        """The exact sum with float64 numbers, rounded to about 2^-53 of the larger low part."""
        total = DoubleDouble(self.hi, self.lo) + DoubleDouble.of(values)
        return Exact(total.hi, total.lo)

    def minus(self, other: Exact) -> Exact:
        """The exact difference, rounded to about 2^-53 of the larger low part."""
        difference = DoubleDouble(self.hi, self.lo) - DoubleDouble(other.hi, other.lo)
        return Exact(difference.hi, difference.lo)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The exact outcome, (C, m) or (C, 1) each, None where the problem has no such quantity; and what bounds need.

    `mean`, `variance` (biased), `centred` = x - mean and `inverse_std` = 1/sqrt(variance + eps) are those that the
    output uses: of the batch in training, the running ones in evaluation.
    """

    y: Exact
    running_mean: Exact | None
    running_var: Exact | None
    dx: Exact | None
    dgamma: Exact | None
    dbeta: Exact | None
    mean: Array
    variance: Array
    centred: Array
    inverse_std: Array


def solve(problem: Problem, *, double_double: bool) -> Truth:
    """The exact outcome of `problem`; `double_double` where float64 itself is judged."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        return Solver(problem, DoubleDouble).truth() if double_double else Solver(problem, Double).truth()


def exponent(*arrays: Array) -> Array:
    """Per channel, the power of two just above the largest magnitude; 0 where there is none."""
    largest = np.max([np.max(np.abs(array), axis=-1, keepdims=True) for array in arrays], axis=0)
    return np.where(np.isfinite(largest) & (largest > 0), np.frexp(largest)[1], 0)


def pair(number: Double | DoubleDouble) -> Exact:
    """A number of either arithmetic as hi + lo."""
    return Exact(np.asarray(number.hi), np.asarray(number.lo))


class Solver(Generic[N]):
    """The formulae over one arithmetic.  Channels are scaled by powers of two, so that nothing overflows inside."""

    def __init__(self, problem: Problem, number: type[N]) -> None:
        self.problem: Problem = problem
        self.number: type[N] = number
        column = np.ones((problem.x.shape[0], 1))
        given = [column * np.sqrt(problem.eps)]
        if not problem.training and problem.running_mean is not None and problem.running_var is not None:
            given += [problem.running_mean, np.sqrt(np.abs(problem.running_var))]
        self.power = exponent(problem.x, *given)
        self.ones = column

    def truth(self) -> Truth:
        """All quantities."""
        mean, variance, centred, root = self.moments()
        mean_out, variance_out = mean.scaled(self.power), variance.scaled(2 * self.power)
        running_mean, running_var = self.running(mean_out, variance_out)
        dx, dgamma, dbeta = self.gradients(centred, root)
        return Truth(
            y=self.affine(centred * root),
            running_mean=running_mean,
            running_var=running_var,
            dx=dx,
            dgamma=dgamma,
            dbeta=dbeta,
            mean=mean_out.hi,
            variance=variance_out.hi,
            centred=centred.scaled(self.power).hi,
            inverse_std=root.scaled(-self.power).hi,
        )

    def moments(self) -> tuple[N, N, N, N]:
        """Mean, variance, x - mean and 1 / sqrt(variance + eps), all of x times 2^-power."""
        problem, x = self.problem, self.number.of(self.problem.x).scaled(-self.power)
        if problem.training:
            count = self.number.of(self.ones * problem.count)
            mean = x.total() / count
            centred = x - mean
            variance = (centred * centred).total() / count
        else:
            assert problem.running_mean is not None and problem.running_var is not None
            mean = self.number.of(problem.running_mean).scaled(-self.power)
            variance = self.number.of(problem.running_var).scaled(-2 * self.power)
            centred = x - mean
        root = (variance + self.number.of(self.ones * problem.eps).scaled(-2 * self.power)).inverse_root()
        return mean, variance, centred, root

    def affine(self, normalised: N) -> Exact:
        """y = gamma xhat + beta, gamma scaled to about 1 for the product."""
        gamma, beta = self.problem.gamma, self.problem.beta
        if gamma is not None:
            power = exponent(gamma)
            normalised = (normalised * self.number.of(gamma).scaled(-power)).scaled(power)
        return pair(normalised if beta is None else normalised + self.number.of(beta))

    def running(self, mean: N, variance: N) -> tuple[Exact | None, Exact | None]:
        """old decay + stat (1 - decay), the variance with Bessel's factor; the old values untouched in evaluation."""
        problem = self.problem
        if problem.running_mean is None or problem.running_var is None:
            return None, None
        old = self.number.of(problem.running_mean), self.number.of(problem.running_var)
        if not problem.training or not problem.weights:
            return pair(old[0]), pair(old[1])
        unbiased = variance * self.constant(*as_pair(problem.bessel))
        return self.update(old[0], mean), self.update(old[1], unbiased)

    def update(self, old: N, statistic: N) -> Exact:
        """The exponential or cumulative average after all steps on this batch."""
        power = exponent(old.hi, statistic.hi)
        keep = self.constant(*as_pair(self.problem.decay))
        gain = self.constant(*as_pair(1 - self.problem.decay))
        return pair((old.scaled(-power) * keep + statistic.scaled(-power) * gain).scaled(power))

    def constant(self, high: float, low: float) -> N:
        """A number given as a pair, one a channel."""
        return self.number.of(self.ones * high) + self.number.of(self.ones * low)

    def gradients(self, centred: N, root: N) -> tuple[Exact | None, Exact | None, Exact | None]:
        """dbeta = sum dy; dgamma = sum dy xhat; dx = gamma r (dy - mean dy - xhat mean(dy xhat)), or gamma r dy."""
        problem = self.problem
        if problem.dy is None:
            return None, None, None
        dy_power = exponent(problem.dy)
        dy = self.number.of(problem.dy).scaled(-dy_power)
        normalised = centred * root
        dbeta, dgamma = dy.total(), (dy * normalised).total()
        rest = dy
        if problem.training:
            count = self.number.of(self.ones * problem.count)
            rest = dy - dbeta / count - normalised * (dgamma / count)
        dx = rest * root
        power = dy_power - self.power
        if problem.gamma is not None:
            gamma_power = exponent(problem.gamma)
            dx = dx * self.number.of(problem.gamma).scaled(-gamma_power)
            power = power + gamma_power
        return (
            pair(dx.scaled(power)),
            None if problem.gamma is None else pair(dgamma.scaled(dy_power)),
            None if problem.beta is None else pair(dbeta.scaled(dy_power)),
        )
