"""Strategies for cases whose arrays lie in memory in other ways than one element after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from bncheck.case import Case, Mode, Native
from bncheck.layout import LAYOUTS, Layout, is_moved
from bncheck.shapes import Plan
from bncheck.strategies import Draw, cases

BATCHES, PARAMETERS, STATISTICS = ("x", "dy"), ("gamma", "beta"), ("running_mean", "running_var")

_OF_BATCHES = st.sampled_from(LAYOUTS)
_OF_PARAMETERS: st.SearchStrategy[Layout] = st.sampled_from(
    ("contiguous", "step", "offset", "expanded", "step")
)
# In training never expanded: an update in place of numbers that share their memory is rightly refused.
_OF_STATISTICS: st.SearchStrategy[Layout] = st.sampled_from(("contiguous", "step", "offset", "step"))
_SQUARE = st.sampled_from((True, False))
_RANKS = st.sampled_from((4, 3, 5, 2))
_SIDES = st.integers(2, 4)
_SAMPLES = st.integers(1, 4)
_MOSTLY = st.sampled_from((True,) * 9 + (False,))
_COIN = st.sampled_from((True, False))
_LEVELS = st.sampled_from((1.0, -1.0, 2.0, 0.5))


@st.composite
def square_plans(draw: Draw) -> Plan:
    """C = H = W, and N = C as well for rank 2: no shape tells a wrong axis from the right one."""
    rank, side = draw(_RANKS), draw(_SIDES)
    samples = side if rank == 2 else draw(_SAMPLES)
    return Plan((samples, side, *(side,) * (rank - 2)), affine=draw(_MOSTLY), mixed=draw(_COIN))


@st.composite
def placed_cases(draw: Draw, *, mode: Mode, dtype: str, plans: st.SearchStrategy[Plan]) -> Case:
    """Cases of one mode with a layout for each array on its own; half of them square."""
    case: Case = draw(cases(mode=mode, dtype=dtype, plans=square_plans() if draw(_SQUARE) else plans))
    wanted = {
        **{name: draw(_OF_BATCHES) for name in BATCHES},
        **{name: draw(_OF_PARAMETERS) for name in PARAMETERS},
        **{name: draw(_OF_STATISTICS if mode == "train" else _OF_PARAMETERS) for name in STATISTICS},
    }
    expanded = [name for name, layout in wanted.items() if layout == "expanded"]
    levels = {name: draw(_LEVELS) for name in expanded if name == "dy"}
    case = case.changed(**{name: _still(case, name, levels.get(name)) for name in expanded})
    return case.changed(layouts=_that_differ(case, wanted))


def _still(case: Case, name: str, level: float | None) -> Native | None:
    """The array made constant where that leaves something to normalise: a vector, dy of one number as from a sum, x
    and dy along a batch of several values a sample.
    """
    array: Native | None = getattr(case, name)
    if array is None:
        return None
    if name not in BATCHES:
        return np.full_like(array, array[0])
    if name == "dy" and (level == 1.0 or array.ndim == 2):
        return np.full_like(array, level)
    several = case.count > len(array)
    return np.ascontiguousarray(np.broadcast_to(array[:1], array.shape)) if several else array


def _that_differ(case: Case, wanted: dict[str, Layout]) -> dict[str, Layout]:
    """Without the layouts that make no difference to their array."""
    arrays: dict[str, Any] = {name: getattr(case, name) for name in wanted}
    return {
        name: layout
        for name, layout in wanted.items()
        if arrays[name] is not None and is_moved(arrays[name], layout)
    }
