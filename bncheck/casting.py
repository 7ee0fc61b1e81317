"""Casting: a saved case in another dtype, and what of it does not survive that."""

from __future__ import annotations

import numpy as np

from bncheck.case import CASE_ARRAYS, Case, Native
from bncheck.errors import UsageError
from bncheck.reference.formats import FLOAT32, dtype_of, format_of


def cast(case: Case, dtype: str) -> tuple[Case, tuple[str, ...]]:
    """The case with every number rounded to a dtype, and one sentence for each array that is not the same after it.

    Parameters and statistics of a half-precision x are of float32.  Raises UsageError where a number becomes infinite:
    that is another case.
    """
    half = format_of(dtype_of(dtype)).significand < FLOAT32.significand
    changed, told = {}, []
    for name in CASE_ARRAYS:
        array = getattr(case, name)
        if array is None:
            continue
        own = dtype if name in ("x", "dy") or not half else "float32"
        changed[name], rounded = _rounded(name, array, own)
        if rounded:
            told.append(f"{rounded} of the {array.size} numbers of {name} are rounded to {own}")
    return case.changed(**changed), tuple(told)


def _rounded(name: str, array: Native, dtype: str) -> tuple[Native, int]:
    """The array in a dtype, and how many of its numbers have changed."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        there = array.astype(np.float64).astype(dtype_of(dtype))
    before, after = array.astype(np.float64), there.astype(np.float64)
    lost = np.isfinite(before) & ~np.isfinite(after)
    if lost.any():
        raise UsageError(f"{name} holds {before[lost][0]:.5g}, which is beyond the largest number of {dtype}")
    return there, int(np.count_nonzero((before != after) & ~np.isnan(before)))
