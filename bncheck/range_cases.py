"""Hypothesis strategies for values whose squares leave the range of a format, and for increments below its digits."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st

from bncheck.case import Case, from_channel_major
from bncheck.recipes import ChannelRecipe, Distribution, rows
from bncheck.reference.formats import dtype_of
from bncheck.shapes import Plan
from bncheck.strategies import (
    MOMENTA,
    Draw,
    draw_cotangent,
    draw_parameters,
    draw_statistics,
    parameter_dtype,
)

# Powers of two of the deviation.  Square: the squares of the values leave float16, their variance does not; far: the
# variance leaves it too, or comes near the largest number of the format; tiny: the variance is 0 in float16.
_POWERS = {
    "float16": {"square": (5, 7), "far": (9, 11), "tiny": (-14, -11)},
    "bfloat16": {"square": (5, 18), "far": (30, 54), "tiny": (-50, -14)},
    "float32": {"square": (5, 18), "far": (30, 54), "tiny": (-50, -14)},
    "float64": {"square": (5, 300), "far": (330, 480), "tiny": (-300, -14)},
}
_KINDS = st.sampled_from(("square", "square", "far", "tiny"))
_EXPONENTS = {limits: st.integers(*limits) for kinds in _POWERS.values() for limits in kinds.values()}
_OFFSETS = {"square": st.sampled_from((4.0, -4.0, 8.0)), "far": st.sampled_from((0.0, 1.0, -3.0))}
_NEAR = st.sampled_from((0.0, 1.0, -3.0))
_DISTRIBUTIONS: st.SearchStrategy[Distribution] = st.sampled_from(
    ("integers", "two_valued", "normal", "uniform")
)
_EPS = st.sampled_from((1e-5, 1e-3, 1.0))
_SMALL_EPS = st.sampled_from((1e-12, 1e-10, 1e-8))
_MOMENTA = st.sampled_from([momentum for momentum in MOMENTA if momentum > 0])
_SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def range_cases(draw: Draw, *, dtype: str, plans: st.SearchStrategy[Plan]) -> Case:
    """Training batches of very large and very small values, with running statistics of the same size."""
    plan, kind = draw(plans), draw(_KINDS)
    channels, count = plan.shape[1], prod(plan.shape) // plan.shape[1]
    recipes = []
    for _ in range(channels):
        scale = 2.0 ** draw(_EXPONENTS[_POWERS[dtype][kind]])
        offset = scale * draw(_OFFSETS.get(kind, _NEAR))
        recipes.append(ChannelRecipe(draw(_DISTRIBUTIONS), offset, scale, draw(_SEEDS)))
    x = rows(tuple(recipes), count, dtype_of(dtype))
    own = parameter_dtype(x.dtype, plan)
    mean, variance = draw_statistics(draw, x=x, dtype=own)
    return Case(
        x=from_channel_major(x, plan.shape, x.dtype),
        dy=from_channel_major(draw_cotangent(draw, x=x), plan.shape, x.dtype),
        gamma=draw_parameters(draw, channels=channels, dtype=own, count=count) if plan.affine else None,
        beta=draw_parameters(draw, channels=channels, dtype=own, count=count) if plan.affine else None,
        running_mean=mean,
        running_var=variance,
        eps=draw(_SMALL_EPS if kind == "tiny" else _EPS),
        momentum=draw(_MOMENTA),
        mode="train",
    )


# Of few digits, so that half precision has them.
_MEANS = st.sampled_from((1.0, -1.0, 2.0, 3.0, -1.5, 0.75, 10.0, -20.0, 96.0))
_SHIFTS = st.sampled_from((0.5, -0.5, 0.25, -0.25))
_SPREADS = st.sampled_from((0.5, 0.25, 0.125))
_SIDES = st.sampled_from((0, -1, 1))
_SMALL_WEIGHTS = {
    "bfloat16": st.sampled_from([2.0**-power for power in (9, 8, 10, 12)]),
    "float16": st.sampled_from([2.0**-power for power in (11, 12, 13, 14)]),
}


@st.composite
def increment_cases(draw: Draw, *, dtype: str, plans: st.SearchStrategy[Plan]) -> Case:
    """Small weights of the new batch: the running statistics move by less than half precision has digits for."""
    plan, own = draw(plans), dtype_of(dtype)
    channels, count = plan.shape[1], prod(plan.shape) // plan.shape[1]
    means = np.array([draw(_MEANS) for _ in range(channels)])
    recipes = tuple(
        ChannelRecipe(
            draw(_DISTRIBUTIONS),
            mean * (1 + draw(_SHIFTS)),
            2.0 ** np.floor(np.log2(abs(mean))) * draw(_SPREADS),
            draw(_SEEDS),
        )
        for mean in means
    )
    x = rows(recipes, count, own)
    unbiased = x.astype(np.float64).var(axis=1, ddof=1)
    sides = np.array([draw(_SIDES) for _ in range(channels)])
    variances = 2.0 ** (np.floor(np.log2(np.where(unbiased > 0, unbiased, 1.0))) + sides)
    own = parameter_dtype(own, plan)
    return Case(
        x=from_channel_major(x, plan.shape, x.dtype),
        dy=None,
        gamma=np.ones(channels).astype(own) if plan.affine else None,
        beta=np.zeros(channels).astype(own) if plan.affine else None,
        running_mean=means.astype(own),
        running_var=variances.astype(own),
        eps=draw(_EPS),
        momentum=draw(_SMALL_WEIGHTS.get(dtype, _SMALL_WEIGHTS["float16"])),
        mode="train",
    )
