"""Hypothesis strategies for sizes: values that show a dropped tail, a padded lane and a channel that another one enters."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from bncheck.case import Case, Native, from_channel_major
from bncheck.recipes import ChannelRecipe, Distribution, rows
from bncheck.reference.formats import dtype_of
from bncheck.shapes import Plan
from bncheck.strategies import MOMENTA, Draw, parameter_dtype

# Sums of whole numbers are exact, so that a long channel is judged as sharply as a short one.
_DISTRIBUTIONS: st.SearchStrategy[Distribution] = st.sampled_from(
    ("integers", "two_valued", "integers", "alternating", "normal")
)
_TAILS = st.sampled_from((1, 2, 3, 5, 8))
_SIGNS = st.sampled_from((1.0, -1.0))
_POWERS = st.integers(-3, 3)
_SEEDS = st.integers(0, 2**32 - 1)
_EPS = st.sampled_from((1e-5, 1e-3, 0.1, 1.0))
_MOMENTA = st.sampled_from([momentum for momentum in MOMENTA if momentum > 0])
_FRESH = st.sampled_from((True, False))
_GAMMA = np.array([1.0, -0.75, 2.0, 0.5, -1.5])
_BETA = np.array([0.5, -1.0, 0.25])
_CENTRES = np.array([2.0, -3.0, 1.0, 4.0, -2.0])
# What is added to the last values of a channel, in its own unit.
OUTLIER = 6.0


@st.composite
def size_cases(draw: Draw, *, dtype: str, plans: st.SearchStrategy[Plan]) -> Case:
    """Channels with a mean that is not 0, no two alike, whose last values differ from the rest."""
    plan, x_dtype, seed = draw(plans), dtype_of(dtype), draw(_SEEDS)
    channels, count = plan.shape[1], prod(plan.shape) // plan.shape[1]
    own = parameter_dtype(x_dtype, plan)
    scale, sign = 2.0 ** draw(_POWERS), draw(_SIGNS)
    tail, fresh = min(draw(_TAILS), (count + 1) // 2), draw(_FRESH)
    centres = sign * scale * _turns(_CENTRES, channels)
    x = _with_tail(draw(_DISTRIBUTIONS), centres, scale, seed, shape=(channels, count), tail=tail)
    dy = _with_tail("integers", np.ones(channels), 1.0, seed + 1, shape=(channels, count), tail=tail)
    return Case(
        x=from_channel_major(x, plan.shape, x_dtype),
        dy=from_channel_major(dy, plan.shape, x_dtype),
        gamma=_turns(_GAMMA, channels).astype(own) if plan.affine else None,
        beta=_turns(_BETA, channels).astype(own) if plan.affine else None,
        running_mean=np.zeros(channels).astype(own) if fresh else (centres / 2).astype(own),
        running_var=np.ones(channels).astype(own) if fresh else np.full(channels, 4 * scale**2).astype(own),
        eps=draw(_EPS),
        momentum=draw(_MOMENTA),
        mode="train",
    )


def _turns(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """The values in turn, up to a length."""
    return values[np.arange(length) % len(values)]


def _with_tail(
    distribution: Distribution,
    centres: NDArray[np.float64],
    scale: float,
    seed: int,
    *,
    shape: tuple[int, int],
    tail: int,
) -> Native:
    """(C, m) in float64."""
    recipes = (
        ChannelRecipe(distribution, float(centre), scale, seed + 2 * channel)
        for channel, centre in enumerate(centres)
    )
    values = rows(tuple(recipes), shape[1], np.dtype(np.float64))
    values[:, -tail:] += OUTLIER * scale
    return values
