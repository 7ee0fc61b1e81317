"""Comparisons over a part of the elements: the rest is not counted, neither as judged nor as left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, Elements, compare, native_index
from bncheck.reference.bounds import Bound
from bncheck.reference.domain import Mask
from bncheck.reference.formats import Array
from bncheck.reference.oracle import Exact
from bncheck.trial import Trial, shape_of


def compare_where(
    where: Mask, quantity: str, values: Array, exact: Exact, bound: Bound, *, shape: tuple[int, ...]
) -> Comparison:
    """|actual - exact| <= bound for the rows and elements in `where`, (C, 1) or (C, m)."""
    chosen = np.broadcast_to(where, values.shape)
    found = compare(quantity, values, exact, replace(bound, judged=bound.judged & chosen), shape)
    aside = int(np.count_nonzero(~chosen))
    return replace(found, elements=replace(found.elements, not_judged=found.elements.not_judged - aside))


def agreement_where(where: Mask, trial: Trial, case: Case, like: Case, quantity: str) -> Comparison:
    """What the implementation makes of `case` against the exact answer and the bound of another case."""
    return compare_where(
        where,
        quantity,
        trial.rows(case, quantity),
        trial.exact(like, quantity),
        trial.bounds(like)[quantity],
        shape=shape_of(quantity, case),
    )


def never_finite(
    where: Mask, quantity: str, values: Array, shape: tuple[int, ...], *, because: str
) -> Comparison:
    """No value in `where` is a finite number."""
    chosen = np.broadcast_to(where, values.shape)
    elements = Elements(judged=int(np.count_nonzero(chosen)))
    finite = chosen & np.isfinite(values)
    if not finite.any():
        return Comparison(quantity, elements)
    row, position = (int(each) for each in np.argwhere(finite)[0])
    at = ", ".join(map(str, native_index(row, position, shape)))
    return Comparison(
        quantity, elements, defect=f"{quantity}[{at}] is {values[row, position]:.5g}, although {because}"
    )
