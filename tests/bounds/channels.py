"""Problems with hostile channels: every size of offset, scale and eps, and the patterns that break algorithms."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bncheck.reference.formats import Array, Format, dtype_of
from bncheck.reference.problem import Problem

from .zoo import Formats

SIZES = (2, 3, 4, 5, 8, 16, 33, 64, 257, 1000)
WEIGHTS = (
    (Fraction(0.1),),
    (Fraction(0.01),),
    (Fraction(0),),
    (Fraction(1),),
    (Fraction(0.9),),
    (Fraction(1, 3),),
    (Fraction(0.1), Fraction(0.1), Fraction(0.1)),
    (Fraction(1), Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)),
)
_DECADES = {"float64": 100.0, "float32": 30.0, "bfloat16": 30.0, "float16": 3.0}


def problem_of(
    random: np.random.Generator, m: int, *, channels: int, formats: Formats, training: bool
) -> Problem:
    """A random problem of `channels` channels with m values each, exactly representable in `formats`."""
    eps = float(10.0 ** random.uniform(-12, 1))
    x = np.concatenate([_row(random, m, formats.x, eps) for _ in range(channels)])
    dy = np.concatenate([_gradient(random, row, formats.x) for row in x])
    affine = random.random() > 0.1
    gamma, beta = _parameters(random, channels)
    mean, variance = _old_statistics(random, x, training=training)
    return Problem(
        x=x,
        dy=dy,
        gamma=rounded(gamma, formats.parameters) if affine else None,
        beta=rounded(beta, formats.parameters) if affine else None,
        running_mean=rounded(mean, formats.running),
        running_var=rounded(variance, formats.running),
        eps=eps,
        training=training,
        weights=WEIGHTS[random.integers(len(WEIGHTS))] if training else (),
        biased=bool(random.random() < 0.2),
    )


def rounded(values: Array, stored: Format) -> Array:
    """The nearest numbers of a format, the largest finite ones for what is beyond."""
    within = np.clip(values, -stored.largest, stored.largest)
    return np.asarray(within.astype(dtype_of(stored.name)).astype(np.float64))


def _row(random: np.random.Generator, m: int, stored: Format, eps: float) -> Array:
    """One channel (1, m): a pattern of unit size, an offset, a scale."""
    kind = random.integers(10)
    pattern = _pattern(random, m, int(kind))
    if kind == 0:  # about the smallest normal number, or with such squares
        tiny = stored.smallest_normal * 10.0 ** random.uniform(-1, 3)
        return rounded(pattern * random.choice([tiny, np.sqrt(tiny)]), stored)
    ratio = 10.0 ** random.uniform(-1, 6) * random.choice([-1, 1]) if random.random() < 0.6 else 0.0
    decades = _DECADES[stored.name]
    near_eps = random.random() < 0.4
    scale = (
        np.sqrt(eps) * 10.0 ** random.uniform(-1, 1)
        if near_eps
        else 10.0 ** random.uniform(-decades, decades)
    )
    if kind == 1:
        return rounded(np.rint(pattern * 8 + np.rint(ratio)), stored)
    return rounded((pattern + ratio) * scale, stored)


def _pattern(random: np.random.Generator, m: int, kind: int) -> Array:
    unit = np.asarray(random.standard_normal((1, m)))
    if kind == 2:
        return np.ones_like(unit)
    if kind == 3:  # neighbours in float32 or bfloat16, equal numbers in float16
        return np.asarray(1 + np.rint(unit) * 2.0 ** -float(random.choice([7, 10, 23, 52])))
    if kind == 4:
        unit[0, random.integers(m)] = 10.0 ** random.uniform(1, 6)
    elif kind == 5:
        return np.asarray(random.standard_cauchy((1, m)))
    elif kind == 6:
        return np.sign(unit)
    elif kind == 7:  # one-sided: every rounding error may have one sign
        return np.asarray(random.uniform(0.5, 1, (1, m)))
    return unit


def _gradient(random: np.random.Generator, row: Array, stored: Format) -> Array:
    """One row of dy: noise, constant, offset, along xhat, one value alone, or nothing."""
    m, kind = row.shape[0], random.integers(7)
    dy = np.asarray(random.standard_normal((1, m)))
    if kind == 0:
        dy = np.ones_like(dy)
    elif kind == 1:
        dy = dy + 10.0 ** random.uniform(0, 6)
    elif kind == 2:
        spread = float(np.std(row))
        dy = ((row - np.mean(row)) / spread)[None, :] if 0 < spread < np.inf else np.zeros_like(dy)
    elif kind == 3:
        dy = np.where(np.arange(m)[None, :] == random.integers(m), dy, 0.0)
    elif kind == 4:
        dy[0, random.integers(m)] *= 10.0 ** random.uniform(1, 6)
    elif kind == 5 and random.random() < 0.3:
        dy = np.zeros_like(dy)
    decades = 3.0 if random.random() < 0.8 else _DECADES[stored.name]
    return rounded(dy * 10.0 ** random.uniform(-decades, decades), stored)


def _parameters(random: np.random.Generator, channels: int) -> tuple[Array, Array]:
    gamma = np.asarray(random.standard_normal((channels, 1)) * 10.0 ** random.uniform(-3, 3, (channels, 1)))
    beta = np.asarray(random.standard_normal((channels, 1)) * 10.0 ** random.uniform(-3, 3, (channels, 1)))
    plain = random.random((channels, 1))
    gamma = np.where(plain > 0.97, gamma * 10.0 ** random.uniform(-20, 20, (channels, 1)), gamma)
    return np.where(plain < 0.3, 1.0, np.where(plain < 0.35, 0.0, gamma)), np.where(plain < 0.4, 0.0, beta)


def _old_statistics(random: np.random.Generator, x: Array, *, training: bool) -> tuple[Array, Array]:
    """Zero, or the batch's own times anything up to 10^4; in evaluation near the batch."""
    channels = x.shape[0]
    with np.errstate(over="ignore"):
        mean, variance = np.mean(x, axis=1, keepdims=True), np.var(x, axis=1, keepdims=True)
    reach = 4.0 if training else 0.5
    mean = mean * 10.0 ** random.uniform(-reach, reach, (channels, 1)) * random.choice([-1, 1], (channels, 1))
    variance = variance * 10.0 ** random.uniform(-reach, reach, (channels, 1))
    kept = random.random((channels, 1)) > 0.15
    return np.where(kept, mean, 0.0), np.where(kept & np.isfinite(variance), variance, 1.0)
