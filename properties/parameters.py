"""Laws of eps, momentum, gamma and beta: each is used, and enters as the formula says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from bncheck.case import Case, Native
from bncheck.comparison import Comparison, Elements, compare
from bncheck.law import law
from bncheck.properties.relation import (
    channel_bound,
    equal,
    exactly,
    follows,
    offered,
    scaled,
    sum_of,
    with_unit_affine,
)
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.oracle import Exact
from bncheck.reference.problem import as_pair
from bncheck.regions import TRAINING
from bncheck.trial import Trial, as_rows, shape_of

ALGORITHM_1 = "Ioffe and Szegedy 2015, Algorithm 1"
CHAIN_RULE = "Ioffe and Szegedy 2015, section 3: y = gamma xhat + beta, and dx is linear in dy"
MOVING = "Ioffe and Szegedy 2015, section 3.1: moving averages"
MOMENTA = (0.75, 1.0, 0.25, 0.0)


@law("parameters.eps", region=TRAINING, source=ALGORITHM_1, needs=("train", "free_eps", "train_bounds"))
def eps_is_used_as_it_is_given(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With another eps, near the variance, y, dx and dgamma differ by what they differ by exactly; nothing else does.

    |a(eps') - a(eps) - (t(eps') - t(eps))| <= E(eps') + E(eps), a computed, t exact.  For y, dx and dgamma the signal
    is |t(eps') - t(eps)|, so that an element decides only where it would show an eps that is ignored; the others, which
    hardly feel eps, are compared but not counted.
    """
    eps = other_eps(case)
    other = trial.derive(case, f"eps {eps!r}", lambda case: case.changed(eps=eps))
    here, there = trial.bounds(case), trial.bounds(other)
    for name in offered(case, trial):
        if name not in {"y", "dx", "dgamma"}:
            yield follows(case, other, trial, name)
            continue
        moved = trial.exact(other, name).minus(trial.exact(case, name))
        limit = replace(sum_of(here[name], there[name]), scale=np.abs(moved.hi))
        expected = moved.plus(trial.rows(case, name))
        found = compare(name, trial.rows(other, name), expected, limit, shape_of(name, other))
        yield replace(found, elements=Elements(judged=found.elements.judged))


def other_eps(case: Case) -> float:
    """The power of two near the median variance, from 2^-20 to 1, or what is four times off where that is eps."""
    median = float(np.median(as_rows(case.x).var(axis=1)))
    near = float(np.clip(2.0 ** np.round(np.log2(median)), 2.0**-20, 1.0)) if median > 0 else 1.0
    if not case.eps / 2 <= near <= 2 * case.eps:
        return near
    return 4 * case.eps if case.eps <= 0.25 else case.eps / 4


@law("parameters.momentum", region=TRAINING, source=MOVING, needs=("train", "statistics", "momentum"))
def statistics_move_in_proportion_to_momentum(case: Case, trial: Trial) -> Iterator[Comparison]:
    """w' (r(w) - r) = w (r(w') - r), r the statistics before the step and r(w) those after it with weight w.

    w is the case's, 1 / (batches seen) for a cumulative average; w' is 0.75, 1 (the statistic itself), 0.25 or 0 (the
    old value).  The sides may differ by w' E(w) + w E(w').
    """
    if case.running_mean is None or case.running_var is None:
        return
    (own,) = case.weights()
    frozen = own and trial.capabilities.frozen
    momentum = next(
        each for each in _rotated(case.count) if each not in {own, case.momentum} and (each or frozen)
    )
    still = trial.without_gradients(case)
    # A layer whose first batch replaces the statistics, or is corrected for, goes on from the batches that it has seen.
    seen = case.batches if case.replaces or case.debiased else 0
    other = trial.derive(
        still, f"momentum {momentum}", lambda case: case.changed(momentum=momentum, batches=seen)
    )
    (rest,) = other.weights()
    here, there, weight = trial.bounds(case), trial.bounds(other), float(own)
    for name, old in (("running_mean", case.running_mean), ("running_var", case.running_var)):
        before = DoubleDouble.of(as_rows(old))
        left = _number(rest) * (DoubleDouble.of(trial.rows(case, name)) - before)
        right = _number(own) * (DoubleDouble.of(trial.rows(other, name)) - before)
        one, two = scaled(here[name], float(rest)), scaled(there[name], weight)
        # Where a weight is 0 its increment counts in full, and the other's not at all.
        signal = np.maximum(one.scale, two.scale)
        limit = channel_bound(one.largest + two.largest, signal, one.judged & two.judged)
        yield equal(f"increment of {name}", left, right, limit)


def _rotated(count: int) -> tuple[float, ...]:
    start = count % len(MOMENTA)
    return (*MOMENTA[start:], *MOMENTA[:start])


def _number(value: Fraction) -> DoubleDouble:
    high, low = as_pair(value)
    return DoubleDouble(np.full((1, 1), high), np.full((1, 1), low))


@law(
    "parameters.affine_off",
    region=TRAINING,
    source=ALGORITHM_1,
    needs=("train", "affine", "plain", "some_train_bounds"),
)
def without_gamma_and_beta_they_are_one_and_zero(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y, dx and the statistics without gamma and beta are those with gamma 1 and beta 0.

    A target that compiles is asked where its shapes come without them, which leaves one function to compile.
    """
    if trial.capabilities.compiles and case.affine:
        return
    if case.affine:
        given = trial.derive(case, "unit affine", with_unit_affine)
        plain = trial.derive(case, "affine off", _without_affine)
    else:
        given, plain = trial.derive(case, "affine on", _with_affine), case
    profile = trial.implementation.profile
    here = trial.bounds(plain)
    # gamma 1 and beta 0 add nothing to a bound; only in what they are stored may differ.
    there = here if profile(plain) == profile(given) else trial.bounds(given)
    for name in offered(plain, trial):
        expected, limit = exactly(trial.rows(given, name)), sum_of(here[name], there[name])
        yield compare(name, trial.rows(plain, name), expected, limit, shape_of(name, plain))


def _without_affine(case: Case) -> Case:
    return case.changed(gamma=None, beta=None)


def _with_affine(case: Case) -> Case:
    """gamma 1 and beta 0 in the dtype of the statistics, as parameters have it."""
    dtype = case.x.dtype if case.running_mean is None else case.running_mean.dtype
    return case.changed(
        gamma=np.ones(case.channels).astype(dtype), beta=np.zeros(case.channels).astype(dtype)
    )


@law(
    "parameters.linearity", region=TRAINING, source=CHAIN_RULE, needs=("train", "affine", "some_train_bounds")
)
def outcome_is_linear_in_gamma_beta_and_dy(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With -2 gamma, beta' = 1 - beta and 2^k dy: y' - beta' = -2 (y - beta), dx' = -2 2^k dx, and dgamma and dbeta are
    2^k times as large; the statistics are the same.

    Powers of two multiply exactly, beta' is what 1 - beta is rounded to, and k such that nothing of dy is lost.
    """
    if case.gamma is None or case.beta is None:
        return
    power = _power_of_dy(case.dy)
    other = trial.derive(case, f"-2 gamma, 1 - beta, 2^{power} dy", lambda case: _stretched(case, power))
    assert other.beta is not None
    factors = {"y": -2.0, "dx": -2.0 * 2.0**power, "dgamma": 2.0**power, "dbeta": 2.0**power}
    here, there = trial.bounds(case), trial.bounds(other)
    for name in offered(case, trial):
        factor = factors.get(name, 1.0)
        expected = DoubleDouble.of(factor * trial.rows(case, name))
        if name == "y":
            beta = DoubleDouble.of(as_rows(case.beta))
            expected = expected + (beta + beta + DoubleDouble.of(as_rows(other.beta)))
        limit = sum_of(scaled(here[name], factor), there[name])
        exact = Exact(expected.hi, expected.lo)
        yield compare(name, trial.rows(other, name), exact, limit, shape_of(name, other))


def _power_of_dy(dy: Native | None) -> int:
    """3, or -3 where that would leave the range, or 0 where that loses digits."""
    if dy is None:
        return 0
    values = dy.astype(np.float64)
    for power in (3, -3):
        there = np.ldexp(values, power).astype(dy.dtype).astype(np.float64)
        if np.array_equal(np.ldexp(there, -power), values) and np.isfinite(there).all():
            return power
    return 0


def _stretched(case: Case, power: int) -> Case:
    assert case.gamma is not None and case.beta is not None
    dy = case.dy
    return case.changed(
        gamma=(-2.0 * case.gamma.astype(np.float64)).astype(case.gamma.dtype),
        beta=(1.0 - case.beta.astype(np.float64)).astype(case.beta.dtype),
        dy=None if dy is None else np.ldexp(dy.astype(np.float64), power).astype(dy.dtype),
    )


PARAMETERS = (
    eps_is_used_as_it_is_given,
    statistics_move_in_proportion_to_momentum,
    without_gamma_and_beta_they_are_one_and_zero,
    outcome_is_linear_in_gamma_beta_and_dy,
)
