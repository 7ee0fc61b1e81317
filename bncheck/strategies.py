"""Hypothesis strategies for cases: shapes, values, eps, momentum, statistics, and the regions that laws need.

Small arrays are drawn element by element so that Hypothesis can shrink them, larger ones as recipes.  The first
alternative of every choice is the simplest: that is where shrinking goes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import log2, log10, prod, sqrt
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from bncheck.case import Case, Mode, Native, from_channel_major
from bncheck.recipes import ChannelRecipe, Distribution, rows
from bncheck.reference.formats import FLOAT32, dtype_of, format_of
from bncheck.shapes import Plan
from bncheck.step import Step

Draw = Callable[[st.SearchStrategy[Any]], Any]

EPS = (1e-5, 1.0, 0.1, 1e-3, 0.5, 1e-2, 1e-8, 1e-12)
MOMENTA = (0.5, 0.1, 1.0, 0.9, 0.25, 0.3, 0.01, 0.99, 0.0)
DRAWN_ELEMENTS = 16
# Values in a channel up to which every regime is drawn.
SHORT = 64
ONCE = st.just(1)
NO_PROGRAM: st.SearchStrategy[tuple[Step, ...]] = st.just(())

# Strategies are made once: Hypothesis looks at each new one from all sides before it draws from it.
_EPS = st.sampled_from(EPS) | st.floats(1e-6, 1.0)
_MOMENTA = st.sampled_from(MOMENTA) | st.floats(0.0, 1.0)
_SEEDS = st.integers(0, 2**32 - 1)
_SIGNS = st.sampled_from((1.0, -1.0))
_REGIMES = st.sampled_from(("unit", "eps", "unit", "eps", "unit", "eps", "offset", "wide", "still"))
_LONG_REGIMES = st.sampled_from(("unit", "eps", "unit", "eps", "offset"))
_LONG_HALF_REGIMES = st.sampled_from(("unit", "unit", "offset"))
_NEAR_OFFSETS = st.sampled_from((0.0, 1.0, 10.0))
_UNIT_OFFSETS = st.sampled_from((0.0, 1.0, 3.0, 0.1))
_STILL_VALUES = st.sampled_from((1.0, 0.0, 0.1, 100.0, 1e4))
_POWERS = {reach: st.integers(-reach, reach) for reach in (2, 3, 4, 12, 100)}
_OFFSETS = {reach: st.integers(1, reach) for reach in range(1, 7)}
_PLAIN: tuple[Distribution, ...] = ("normal", "integers", "uniform", "two_valued", "alternating")
_DISTRIBUTIONS: dict[str, st.SearchStrategy[Distribution]] = {
    "unit": st.sampled_from((*_PLAIN, "heavy", "outlier")),
    "eps": st.sampled_from(_PLAIN),
    "offset": st.sampled_from(_PLAIN),
    "wide": st.sampled_from(_PLAIN),
    "still": st.sampled_from(("constant", "near_constant")),
}
_ELEMENTS = (st.integers(-8, 8).map(float), st.floats(-8.0, 8.0, width=16))
_WHICH_ELEMENTS = st.sampled_from((0, 1))
_MOSTLY_DRAWN = st.sampled_from((True, True, False))
_COIN = st.sampled_from((True, False))
_COTANGENTS = st.sampled_from(("normal", "integers", "offset", "one_hot", "parallel", "normal"))
_STRONG_PARAMETERS = st.sampled_from((1.0, -1.0, 2.0, 0.5, -0.75, 1.5))
_PARAMETERS = st.sampled_from((1.0, -1.0, 2.0, 0.5, -0.75, 1.5, 0.0, 1e-3)) | st.floats(-2.0, 2.0, width=16)
_STATISTICS = st.sampled_from(("near", "fresh", "near", "other", "near"))
_LONG_STATISTICS = st.sampled_from(("near", "near", "fresh"))
_SHIFTS = st.sampled_from((0.5, -0.5, 1.0, 2.0, -2.0, 0.25, 3.0, 0.0))
_FACTORS = st.sampled_from((2.0, 0.5, 1.0, 4.0, 0.125))
_CUMULATIVE = st.sampled_from((False,) * 7 + (True,))
_BATCHES = st.integers(0, 5)


@lru_cache(maxsize=512)
def _listed(elements: st.SearchStrategy[float], length: int) -> st.SearchStrategy[list[float]]:
    return st.lists(elements, min_size=length, max_size=length)


def draw_recipe(draw: Draw, *, dtype: np.dtype[Any], eps: float, count: int) -> ChannelRecipe:
    """One channel: variance around eps, around 1, far from its mean, or of a wide range of scales.

    Long channels keep to offsets and scales at which their bound still says something: they hold most elements.
    """
    regime = draw(_REGIMES if count <= SHORT else _LONG_HALF_REGIMES if _is_half(dtype) else _LONG_REGIMES)
    sign, scale, offset = draw(_SIGNS), 2.0 ** draw(_POWERS[3]), 0.0
    if regime == "eps":
        scale = scale * sqrt(eps)
        offset = sign * scale * draw(_NEAR_OFFSETS)
    elif regime == "unit":
        offset = sign * draw(_UNIT_OFFSETS)
    elif regime == "offset":
        offset = sign * scale * 10.0 ** draw(_OFFSETS[_reach(dtype, count)])
    elif regime == "wide":
        scale = 10.0 ** draw(_POWERS[{"float64": 100, "float16": 2}.get(dtype.name, 12)])
        offset = sign * scale * draw(_NEAR_OFFSETS)
    else:
        offset = sign * draw(_STILL_VALUES)
    return ChannelRecipe(draw(_DISTRIBUTIONS[regime]), offset, scale, draw(_SEEDS))


def _reach(dtype: np.dtype[Any], count: int) -> int:
    """The largest power of ten of |mean| / deviation: 6 for short channels, 2 in half precision, which is constant
    beyond; for long ones as far as count u |mean| stays a hundredth of the deviation.
    """
    if _is_half(dtype):
        return 2 if count <= SHORT else 1
    if count <= SHORT:
        return 6
    return max(1, min(6, int(log10(0.01 / (count * format_of(dtype).unit_roundoff)))))


def _is_half(dtype: np.dtype[Any]) -> bool:
    return format_of(dtype).significand < FLOAT32.significand


def parameter_dtype(x: np.dtype[Any], plan: Plan) -> np.dtype[Any]:
    """The dtype of parameters and statistics: that of x, or float32 beside half-precision x where the plan mixes."""
    return dtype_of("float32") if _is_half(x) and plan.mixed else x


def draw_elements(draw: Draw, *, shape: tuple[int, int], dtype: np.dtype[Any], scale: float) -> NDArray[Any]:
    """(C, m) drawn element by element, times a power of two near `scale`."""
    elements = _ELEMENTS[draw(_WHICH_ELEMENTS)]
    values = draw(_listed(elements, prod(shape)))
    return (np.array(values).reshape(shape) * 2.0 ** round(log2(scale))).astype(dtype)


def draw_rows(draw: Draw, *, shape: tuple[int, int], dtype: np.dtype[Any], eps: float) -> NDArray[Any]:
    """x, (C, m): drawn if small, by recipes otherwise and sometimes."""
    if prod(shape) <= DRAWN_ELEMENTS and draw(_MOSTLY_DRAWN):
        near_eps = max(sqrt(eps), format_of(dtype).smallest_normal * 64)
        return draw_elements(draw, shape=shape, dtype=dtype, scale=1.0 if draw(_COIN) else near_eps)
    recipes = [draw_recipe(draw, dtype=dtype, eps=eps, count=shape[1]) for _ in range(shape[0])]
    return rows(tuple(recipes), shape[1], dtype)


def draw_cotangent(draw: Draw, *, x: NDArray[Any]) -> NDArray[Any]:
    """dy, (C, m): never constant by construction alone, since a constant one has dx = 0."""
    shape, dtype = x.shape, x.dtype
    if prod(shape) <= DRAWN_ELEMENTS and draw(_COIN):
        return draw_elements(draw, shape=(shape[0], shape[1]), dtype=dtype, scale=1.0)
    kind, seed, scale = draw(_COTANGENTS), draw(_SEEDS), 2.0 ** draw(_POWERS[4])
    if kind == "one_hot":
        chosen = np.random.PCG64(seed).random_raw(shape[0]) % shape[1]
        return np.asarray((scale * (np.arange(shape[1]) == chosen[:, None])).astype(dtype))
    distribution: Distribution = "integers" if kind == "integers" else "normal"
    offset = 3.0 * scale if kind == "offset" else 0.0
    recipes = [ChannelRecipe(distribution, offset, scale, seed + channel) for channel in range(shape[0])]
    values = rows(tuple(recipes), shape[1], dtype)
    return (values.astype(np.float64) + _direction(x) * scale).astype(dtype) if kind == "parallel" else values


def _direction(x: NDArray[Any]) -> NDArray[np.float64]:
    """x centred and brought to about size 1: the direction in which dx nearly vanishes."""
    values = x.astype(np.float64)
    centred = values - values.mean(axis=1, keepdims=True)
    size = np.max(np.abs(centred), axis=1, keepdims=True)
    return np.asarray(centred / np.where(size > 0, size, 1.0))


def draw_parameters(draw: Draw, *, channels: int, dtype: np.dtype[Any], count: int) -> Native:
    """gamma or beta, (C,): negative, zero, tiny and ordinary ones; not the tiny ones for long channels."""
    elements = _PARAMETERS if count <= SHORT else _STRONG_PARAMETERS
    return np.array(draw(_listed(elements, channels))).astype(dtype)


def draw_statistics(draw: Draw, *, x: NDArray[Any], dtype: np.dtype[Any]) -> tuple[Native, Native]:
    """Running mean and variance, (C,) each: near those of the batch, fresh (0 and 1), or of another scale."""
    kind, channels = draw(_STATISTICS if x.shape[1] <= SHORT else _LONG_STATISTICS), len(x)
    if kind == "fresh":
        return np.zeros(channels).astype(dtype), np.ones(channels).astype(dtype)
    shift, factor = np.array(draw(_listed(_SHIFTS, channels))), np.array(draw(_listed(_FACTORS, channels)))
    values = x.astype(np.float64)
    mean, deviation = values.mean(axis=1), values.std(axis=1)
    if kind == "other":
        mean, deviation = np.zeros(channels), np.full(channels, 2.0 ** draw(_POWERS[4]))
    limit = format_of(dtype).largest / 4
    deviation = np.where(deviation > 0, deviation, 1.0)
    mean = np.clip(mean + shift * deviation, -limit, limit)
    variance = np.minimum(deviation**2 * factor, limit)
    return mean.astype(dtype), variance.astype(dtype)


@st.composite
def cases(
    draw: Draw,
    *,
    mode: Mode,
    dtype: str,
    plans: st.SearchStrategy[Plan],
    steps: st.SearchStrategy[int] = ONCE,
    eps: st.SearchStrategy[float] | None = None,
    programs: st.SearchStrategy[tuple[Step, ...]] = NO_PROGRAM,
) -> Case:
    """Cases of one mode and one dtype of x, whose shapes come from `plans`."""
    plan = draw(plans)
    x_dtype = dtype_of(dtype)
    parameters = parameter_dtype(x_dtype, plan)
    epsilon = draw(_EPS if eps is None else eps)
    channels, count = plan.shape[1], prod(plan.shape) // plan.shape[1]
    # With eps 0 the spread of values that eps would set is that of eps 1e-3.
    x = draw_rows(draw, shape=(channels, count), dtype=x_dtype, eps=epsilon or 1e-3)
    dy = draw_cotangent(draw, x=x)
    mean, var = draw_statistics(draw, x=x, dtype=parameters)
    cumulative = draw(_CUMULATIVE)
    return Case(
        x=from_channel_major(x, plan.shape, x_dtype),
        dy=from_channel_major(dy, plan.shape, x_dtype),
        gamma=draw_parameters(draw, channels=channels, dtype=parameters, count=count)
        if plan.affine
        else None,
        beta=draw_parameters(draw, channels=channels, dtype=parameters, count=count) if plan.affine else None,
        running_mean=mean,
        running_var=var,
        eps=epsilon,
        momentum=None if cumulative else draw(_MOMENTA),
        mode=mode,
        batches=draw(_BATCHES) if cumulative else 0,
        steps=draw(steps),
        program=draw(programs),
    )
