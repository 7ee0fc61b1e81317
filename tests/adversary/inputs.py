"""One channel of batch normalization in a format of few bits: data on which rounding errors can do much."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from bncheck.reference.formats import Array, Format
from bncheck.reference.problem import Problem

# Exponents as float64 has them: nothing underflows and nothing overflows.
LOW_PRECISION = tuple(Format(f"significand{bits}", bits, -1022, 1023) for bits in (8, 12))
WEIGHTS = (
    (Fraction(0.1),),
    (Fraction(0.7),),
    (Fraction(0.9),),
    (Fraction(0.01),),
    (Fraction(1),),
    (Fraction(1, 3),),
    (Fraction(0.3), Fraction(0.3)),
    (Fraction(1), Fraction(1, 2), Fraction(1, 3)),
)
_ARRAYS = ("x", "dy", "gamma", "beta", "running_mean", "running_var")


def drawn(random: np.random.Generator, stored: Format, *, largest: int = 8) -> Problem:
    """A problem of one channel with 2 to `largest` values; eps from far below to far above the variance."""
    m = int(random.integers(2, largest + 1))
    scale = 2.0 ** random.uniform(-8, 8)
    ratio = 10.0 ** random.uniform(-1, 2.5) * random.choice([-1, 1]) if random.random() < 0.5 else 0.0
    x = to(stored, (_pattern(random, m) + ratio) * scale)
    mean, variance, training = float(np.mean(x)), float(np.var(x)), bool(random.random() < 0.85)
    return Problem(
        x=x,
        dy=to(stored, _gradient(random, x)),
        gamma=to(stored, np.array([[random.choice([-1, 1]) * random.uniform(0.5, 2)]])),
        beta=to(
            stored, np.array([[random.choice([0.0, 1.0]) * random.normal() * 10.0 ** random.uniform(-2, 2)]])
        ),
        running_mean=to(stored, np.array([[_old(random, mean)]])),
        running_var=to(stored, np.array([[abs(_old(random, variance))]])),
        eps=float(scale**2 * 10.0 ** random.uniform(-6, 1)),
        training=training,
        weights=WEIGHTS[random.integers(len(WEIGHTS))] if training else (),
        biased=bool(random.random() < 0.3),
    )


def varied(random: np.random.Generator, problem: Problem, stored: Format) -> Problem:
    """A neighbour of a problem: some of its numbers moved by a factor of about 1 + s, s from 0.001 to 1."""
    spread = 10.0 ** random.uniform(-3, 0)
    moved = {name: to(stored, _moved(random, getattr(problem, name), spread)) for name in _ARRAYS}
    return replace(
        problem,
        x=moved["x"],
        dy=moved["dy"],
        gamma=moved["gamma"],
        beta=moved["beta"],
        running_mean=moved["running_mean"],
        running_var=np.abs(moved["running_var"]),
        eps=problem.eps * 10.0 ** (spread * random.normal() / 2),
    )


def _moved(random: np.random.Generator, values: Array, spread: float) -> Array:
    """Half of the arrays as they were, in the others six numbers of ten moved."""
    chosen = (random.random() < 0.5) & (random.random(values.shape) < 0.6)
    return np.asarray(values * (1 + spread * random.standard_normal(values.shape) * chosen))


def to(stored: Format, values: Array) -> Array:
    """The nearest numbers of a format without ends."""
    mantissa, exponent = np.frexp(values)
    return np.asarray(
        np.ldexp(np.rint(np.ldexp(mantissa, stored.significand)), exponent - stored.significand)
    )


def _pattern(random: np.random.Generator, m: int) -> Array:
    """Values of about unit size: normal, of one sign, two clusters, one outlier, or all but equal."""
    kind, unit = random.integers(5), np.asarray(random.standard_normal((1, m)))
    if kind == 0:
        return np.asarray(random.uniform(0.5, 1, (1, m)))
    if kind == 1:
        return np.asarray(np.sign(unit) * random.uniform(0.9, 1, (1, m)))
    if kind == 2:
        unit[0, random.integers(m)] *= 10.0 ** random.uniform(0.5, 2)
    if kind == 3:
        return np.asarray(1 + unit * 10.0 ** random.uniform(-4, -1))
    return unit


def _gradient(random: np.random.Generator, x: Array) -> Array:
    """dy: normal, of one sign, offset, along xhat, or one value alone."""
    kind, m = random.integers(5), x.shape[1]
    dy = np.asarray(random.standard_normal((1, m)))
    if kind == 0:
        return np.asarray(random.uniform(0.5, 1, (1, m)))
    if kind == 1:
        return np.asarray(dy + 10.0 ** random.uniform(0, 2))
    if kind == 2:
        along = (x - np.mean(x)) / max(float(np.std(x)), 1e-30)
        return np.asarray(along + dy * 10.0 ** random.uniform(-4, 0))
    if kind == 3:
        return np.where(np.arange(m)[None, :] == random.integers(m), dy, dy * 1e-3)
    return dy


def _old(random: np.random.Generator, statistic: float) -> float:
    """An old running statistic: nothing, or the batch's own times 1/100 to 100, of either sign."""
    if random.random() < 0.3:
        return 0.0
    return float(statistic * 10.0 ** random.uniform(-2, 2) * random.choice([-1, 1]))
