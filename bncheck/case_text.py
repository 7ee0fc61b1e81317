"""The numbers of a case as people read them."""

from __future__ import annotations

import numpy as np

from bncheck.case import CASE_ARRAYS, Case, Native

# Arrays up to this many elements are shown in full: a shrunk case usually has fewer.
SHOWN = 48


def arrays_of(case: Case) -> dict[str, Native]:
    """The arrays that a case has, by name."""
    return {name: getattr(case, name) for name in CASE_ARRAYS if getattr(case, name) is not None}


def shown(array: Native) -> str:
    """An array in full with the digits that tell its numbers apart, or its shape and range if it is large."""
    if array.size > SHOWN:
        values = array.astype(np.float64)
        return f"array of shape {array.shape}, from {values.min():.6g} to {values.max():.6g}"
    return _nested(array)


def _nested(array: Native) -> str:
    """Nested lists; the format's own shortest digits that round back to each number."""
    if array.ndim == 0:
        return str(array.dtype.type(array)).removesuffix(".0")
    return f"[{', '.join(_nested(np.asarray(row)) for row in array)}]"
