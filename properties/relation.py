"""What relations between evaluations have in common: both sides are rows, and the bound is the sum of their bounds."""

from __future__ import annotations

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.reference.bounds import Bound
from bncheck.reference.domain import Mask
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import Array
from bncheck.reference.oracle import Exact


def exactly(values: Array) -> Exact:
    """An array taken as the exact side of a comparison."""
    return Exact(values, np.zeros_like(values))


def exact_sum(values: Array) -> DoubleDouble:
    """The sum of each row, (C, 1), to 2^-100 of the sum of magnitudes."""
    return DoubleDouble.of(values).total()


def exact_inner(left: Array, right: Array) -> DoubleDouble:
    """The inner product of each pair of rows, (C, 1), to 2^-100 of the sum of magnitudes."""
    return (DoubleDouble.of(left) * DoubleDouble.of(right)).total()


def equal(quantity: str, left: DoubleDouble, right: DoubleDouble, limit: Bound) -> Comparison:
    """One number a channel on either side, (C, 1).

    What the left side has beyond float64 is taken off the right one, so that neither is rounded.
    """
    rest = right - DoubleDouble.of(left.lo)
    return compare(quantity, left.hi, Exact(rest.hi, rest.lo), limit, (len(left.hi),))


def channel_bound(largest: Array, scale: Array, judged: Mask) -> Bound:
    """A bound of one number a channel, judged where all that it was made of is judged and finite."""
    return Bound(largest, np.broadcast_to(scale, largest.shape), judged & np.isfinite(largest))


def sum_of(left: Bound, right: Bound) -> Bound:
    """Two sound evaluations differ by no more than the sum of their bounds."""
    return Bound(
        left.largest + right.largest, np.minimum(left.scale, right.scale), left.judged & right.judged
    )


def all_judged(bound: Bound) -> Mask:
    """Per channel, (C, 1): whether every element is inside the domain."""
    return np.asarray(bound.judged.all(axis=-1, keepdims=True))


def with_unit_affine(case: Case) -> Case:
    """The same case with gamma 1 and beta 0: what comes out is xhat."""
    if case.gamma is None or case.beta is None:
        return case
    return case.changed(gamma=np.ones_like(case.gamma), beta=np.zeros_like(case.beta))
