"""Cases with one value a channel, drawn by Hypothesis, and what is left of them without any."""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from hypothesis import strategies as st

from bncheck.case import Case, Native
from bncheck.reference.formats import dtype_of
from bncheck.shapes import Plan
from bncheck.strategies import EPS, MOMENTA, Draw, parameter_dtype

# None is beta, gamma or a running statistic of the same channel by chance, so that what y is can be told.
_X = st.sampled_from((7.0, -5.0, 11.0, 0.1875, -300.0)) | st.integers(5, 50).map(float)
_DY = st.sampled_from((1.0, -2.0, 0.5, 3.0))
_GAMMA = st.sampled_from((1.0, -1.0, 2.0, 0.5, 0.0))
_BETA = st.sampled_from((0.0, 1.0, -2.0, 0.5))
_MEAN = st.sampled_from((0.0, 3.0, -1.5, 100.0))
_VARIANCE = st.sampled_from((1.0, 4.0, 0.25, 0.75))
_EPS = st.sampled_from(EPS)
_MOMENTA = st.sampled_from([momentum for momentum in MOMENTA if momentum > 0])


@st.composite
def single_cases(draw: Draw, *, dtype: str, plans: st.SearchStrategy[Plan]) -> Case:
    """Training batches of plans with one value a channel, under any rank."""
    plan, x_dtype = draw(plans), dtype_of(dtype)
    own = parameter_dtype(x_dtype, plan)
    channels = plan.shape[1]

    def values(elements: st.SearchStrategy[float], dtype: np.dtype[Any]) -> Native:
        return np.array([draw(elements) for _ in range(channels)]).astype(dtype)

    return Case(
        x=values(_X, x_dtype).reshape(plan.shape),
        dy=values(_DY, x_dtype).reshape(plan.shape),
        gamma=values(_GAMMA, own) if plan.affine else None,
        beta=values(_BETA, own) if plan.affine else None,
        running_mean=values(_MEAN, own),
        running_var=values(_VARIANCE, own),
        eps=draw(_EPS),
        momentum=draw(_MOMENTA),
        mode="train",
    )


def emptied(case: Case) -> Case:
    """Without any value: no sample, or samples without any position where x has positions; the case says which."""
    number, positions = _number(case), list(case.x.shape[2:])
    samples = 0
    if positions and number % 2:
        samples, positions[number // 2 % len(positions)] = 2, 0
    shape = (samples, case.channels, *positions)
    return case.changed(x=np.zeros(shape).astype(case.x.dtype), dy=np.zeros(shape).astype(case.x.dtype))


def in_evaluation(case: Case) -> Case:
    """In evaluation, half of the cases without any value."""
    return (emptied(case) if _number(case) // 64 % 2 else case).changed(mode="eval")


def _number(case: Case) -> int:
    return crc32(np.ascontiguousarray(case.x).tobytes())
