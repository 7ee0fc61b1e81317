"""What relations between evaluations have in common: both sides are rows, and the bound is the sum of their bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, compare, defect_of, same_bits
from bncheck.outcome import QUANTITIES
from bncheck.reference.average_bounds import given_error
from bncheck.reference.bounds import Bound
from bncheck.reference.domain import Mask
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import Array
from bncheck.reference.oracle import Exact
from bncheck.trial import Trial, as_rows, shape_of


def offered(case: Case, trial: Trial) -> tuple[str, ...]:
    """The quantities that have a bound and that the implementation returns; what is missing is told by other laws."""
    outcome, limits = trial.outcome(case), trial.bounds(case)
    return tuple(name for name in QUANTITIES if name in limits and outcome.quantity(name) is not None)


def follows(case: Case, other: Case, trial: Trial, name: str, *, power: int = 0) -> Comparison:
    """The outcome on `other` against 2^power times that on `case`, and what the exact answers differ by besides.

    |b - 2^k a - (t_b - 2^k t_a)| <= E_b + 2^k E_a, where a and b are computed and t_a and t_b exact.
    """
    factor = 2.0**power
    known = trial.exact(case, name)
    moved = trial.exact(other, name).minus(Exact(factor * known.hi, factor * known.lo))
    expected = moved.plus(factor * trial.rows(case, name))
    limit = sum_of(scaled(trial.bounds(case)[name], factor), trial.bounds(other)[name])
    return compare(name, trial.rows(other, name), expected, limit, shape_of(name, other))


def as_given(case: Case, trial: Trial, name: str) -> Comparison:
    """A running statistic against that given: bit for bit, or where it is corrected for its start at zero, as it comes back
    from that (`given_error`).
    """
    given, actual = getattr(case, name), trial.outcome(case).quantity(name)
    if case.debias is None or actual is None or defect_of(name, actual, given.shape) is not None:
        return same_bits(name, actual, given)
    rows, shape = as_rows(given), shape_of(name, case)
    limit = channel_bound(lost(case, trial, rows), np.abs(rows), np.isfinite(rows))
    return compare(name, as_rows(actual), exactly(rows), limit, shape)


def lost(case: Case, trial: Trial, given: Array) -> Array:
    """What of the statistics given, (C, 1), may be lost before they are used."""
    return given_error(case.debias, given, trial.implementation.profile(case))


def exactly(values: Array) -> Exact:
    """An array taken as the exact side of a comparison."""
    return Exact(values, np.zeros_like(values))


def exact_sum(values: Array) -> DoubleDouble:
    """The sum of each row, (C, 1), to 2^-100 of the sum of magnitudes."""
    return DoubleDouble.of(values).total()


def exact_inner(left: Array, right: Array) -> DoubleDouble:
    """The inner product of each pair of rows, (C, 1), to 2^-100 of the sum of magnitudes."""
    return (DoubleDouble.of(left) * DoubleDouble.of(right)).total()


def equal(
    quantity: str,
    left: DoubleDouble,
    right: DoubleDouble,
    limit: Bound,
    shape: tuple[int, ...] | None = None,
) -> Comparison:
    """One number a channel on either side, (C, 1), or rows (C, m) of an array of native `shape`.

    What the left side has beyond float64 is taken off the right one, so that neither is rounded.
    """
    rest = right - DoubleDouble.of(left.lo)
    return compare(
        quantity, left.hi, Exact(rest.hi, rest.lo), limit, (len(left.hi),) if shape is None else shape
    )


def channel_bound(largest: Array, scale: Array, judged: Mask) -> Bound:
    """A bound of one number a channel, judged where all that it was made of is judged and finite."""
    return Bound(largest, np.broadcast_to(scale, largest.shape), judged & np.isfinite(largest))


def sum_of(left: Bound, right: Bound) -> Bound:
    """Two sound evaluations differ by no more than the sum of their bounds."""
    return Bound(
        left.largest + right.largest, np.minimum(left.scale, right.scale), left.judged & right.judged
    )


def scaled(bound: Bound, factor: float) -> Bound:
    """The bound of a quantity times a factor."""
    return Bound(abs(factor) * bound.largest, abs(factor) * bound.scale, bound.judged)


def arranged(bound: Bound, rows: Any, columns: Any = slice(None)) -> Bound:
    """The bound of the chosen channels and values, in the order in which they are named."""
    return Bound(
        bound.largest[rows][:, columns], bound.scale[rows][:, columns], bound.judged[rows][:, columns]
    )


def all_judged(bound: Bound) -> Mask:
    """Per channel, (C, 1): whether every element is inside the domain."""
    return np.asarray(bound.judged.all(axis=-1, keepdims=True))


def with_unit_affine(case: Case) -> Case:
    """The same case with gamma 1 and beta 0: what comes out is xhat."""
    if case.gamma is None or case.beta is None:
        return case
    return case.changed(gamma=np.ones_like(case.gamma), beta=np.zeros_like(case.beta))
