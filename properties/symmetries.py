"""Laws of what a batch may be multiplied by and moved by: BN does not feel a shift, nor a scale that eps shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bncheck.case import Case, Native, from_channel_major
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import exactly, follows, offered, sum_of
from bncheck.reference.formats import Array
from bncheck.regions import TRAINING
from bncheck.trial import Trial, as_rows, shape_of

SOURCE = "Ioffe and Szegedy 2015, Algorithm 1: x enters as (x - mu) / sqrt(var + eps)"
# By which power of 2^k a quantity is multiplied when x is multiplied by 2^k.
DEGREES = {"running_mean": 1, "running_var": 2, "dx": -1}
# What changes sign with x and beta.
ODD = {"y", "running_mean", "dgamma"}
POWERS = (1, -2, 3, -1, 2, -3)


@law("symmetry.shift", region=TRAINING, source=SOURCE, needs=("train", "some_train_bounds"))
def outcome_does_not_feel_a_shift(case: Case, trial: Trial) -> Iterator[Comparison]:
    """BN(x + c) = BN(x), c one number a channel: y, dx, dgamma, dbeta and running_var stay, running_mean moves by w c.

    c is a power of two, four to eight times the largest |x - mu|, so that x + c is exact wherever x has the digits to
    spare.  What rounding x + c changes is known exactly and taken off.
    """
    moved = trial.derive(case, "shifted", shifted)
    if is_finite(moved.x):
        for name in offered(case, trial):
            yield follows(case, moved, trial, name)


def shifted(case: Case) -> Case:
    """x + c rounded to its dtype, up in every other channel and down in the others."""
    rows = as_rows(case.x)
    reach = np.max(np.abs(rows - rows.mean(axis=1, keepdims=True)), axis=1, keepdims=True)
    reach = np.where(reach > 0, reach, np.maximum(np.abs(rows[:, :1]), 1.0))
    signs = np.where(np.arange(case.channels) % 2 == 0, 1.0, -1.0)[:, np.newaxis]
    return with_rows(case, rows + signs * np.ldexp(4.0, np.frexp(reach)[1]))


@law("symmetry.scale", region=TRAINING, source=SOURCE, needs=("train", "free_eps", "some_train_bounds"))
def outcome_does_not_feel_a_scale_that_eps_shares(case: Case, trial: Trial) -> Iterator[Comparison]:
    """BN(2^k x) at 4^k eps is BN(x) at eps: y, dgamma and dbeta stay, dx scales by 2^-k.

    running_mean scales by 2^k and running_var by 4^k, as those given do where they can be given; where they cannot,
    what that changes is known exactly and taken off.  k is such that all of it is exact.
    """
    given = trial.capabilities.set_statistics
    power = exact_power(case, POWERS, statistics=given)
    if power is None:
        return
    name = f"times 2^{power}" + (" with its statistics" if given else "")
    other = trial.derive(case, name, lambda case: rescaled(case, power, statistics=given))
    for quantity in offered(case, trial):
        yield follows(case, other, trial, quantity, power=power * DEGREES.get(quantity, 0))


def rescaled(case: Case, power: int, *, statistics: bool) -> Case:
    """2^k x at 4^k eps, with 2^k running_mean and 4^k running_var if they are to scale too."""
    scaled = case.changed(x=_times(case.x, power), eps=float(np.ldexp(case.eps, 2 * power)))
    if not statistics or case.running_mean is None or case.running_var is None:
        return scaled
    return scaled.changed(
        running_mean=_times(case.running_mean, power), running_var=_times(case.running_var, 2 * power)
    )


def exact_power(case: Case, powers: Sequence[int], *, statistics: bool) -> int | None:
    """The first k, from a place in the list that the case decides, for which nothing is rounded; None if none is."""
    start = case.count % len(powers)
    rotated = (*powers[start:], *powers[:start])
    return next((power for power in rotated if _scales_exactly(case, power, statistics=statistics)), None)


def _scales_exactly(case: Case, power: int, *, statistics: bool) -> bool:
    parts = [(case.x, power)]
    if statistics and case.running_mean is not None and case.running_var is not None:
        parts += [(case.running_mean, power), (case.running_var, 2 * power)]
    return all(_survives(array, each) for array, each in parts)


def _survives(array: Native, power: int) -> bool:
    there = _times(array, power)
    return bool(np.array_equal(_times(there, -power), array) and is_finite(there))


def _times(array: Native, power: int) -> Native:
    return np.asarray(np.ldexp(array.astype(np.float64), power).astype(array.dtype))


@law("symmetry.sign", region=TRAINING, source=SOURCE, needs=("train", "some_train_bounds"))
def outcome_turns_with_the_sign_of_the_batch(case: Case, trial: Trial) -> Iterator[Comparison]:
    """BN(-x) with -beta and -running_mean is -BN(x); dx, dbeta and running_var stay, running_mean and dgamma turn.

    The bounds of both are the same: rounding to nearest, and every set of algorithms that a bound is derived for, are
    the same for a number and its negative.
    """
    other = trial.derive(case, "negated", negated)
    limits = trial.bounds(case)
    for name in offered(case, trial):
        expected = exactly((-1.0 if name in ODD else 1.0) * trial.rows(case, name))
        limit = sum_of(limits[name], limits[name])
        yield compare(name, trial.rows(other, name), expected, limit, shape_of(name, other))


def negated(case: Case) -> Case:
    """-x, -beta, -running_mean; statistics that cannot be given are 0, and 0 they stay."""
    parts = {"x": case.x, "beta": case.beta, "running_mean": case.running_mean}
    return case.changed(**{name: None if part is None else -part for name, part in parts.items()})


def with_rows(case: Case, rows: Array) -> Case:
    """The case with other values, (C, m), rounded to the dtype of x."""
    with np.errstate(over="ignore"):
        return case.changed(x=from_channel_major(rows, case.x.shape, case.x.dtype))


def is_finite(array: Native) -> bool:
    """Whether no number of an array of any format is infinite or NaN."""
    return bool(np.isfinite(array.astype(np.float64)).all())


SYMMETRIES = (
    outcome_does_not_feel_a_shift,
    outcome_does_not_feel_a_scale_that_eps_shares,
    outcome_turns_with_the_sign_of_the_batch,
)
