"""Problems over the whole range that the oracle must serve: offsets, scales, eps, steps, with and without affine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bncheck.reference.formats import FLOAT64, Array, Format, dtype_of
from bncheck.reference.problem import Problem

STEPS = (
    (Fraction(0.1),),
    (Fraction(1, 3),),
    (Fraction(0),),
    (Fraction(1),),
    (Fraction(0.1), Fraction(0.7), Fraction(0.1)),
)


@dataclass(frozen=True, slots=True)
class Range:
    """How far a format lets the scale of x go, in decades, and the offset, in decades of the deviation."""

    decades: float
    offsets: float


RANGES = {"float64": Range(140, 6), "float32": Range(15, 6), "bfloat16": Range(15, 2), "float16": Range(2, 2)}


def wide_problem(seed: int, stored: Format = FLOAT64) -> Problem:
    """Four channels of 2 to 200 values: in evaluation every fourth seed, without affine every fifth, biased every third."""
    random, reach = np.random.default_rng(seed), RANGES[stored.name]
    m, column = int(2 * 100 ** random.random()), (4, 1)
    scale = 10.0 ** random.uniform(-reach.decades, reach.decades, column)
    scale[0] = 1.0
    offset = random.choice([-1, 0, 1], column) * 10.0 ** random.uniform(-1, reach.offsets, column)
    x = (random.standard_normal((4, m)) + offset) * scale
    x[1] = x[1, 0] if seed % 7 == 0 else x[1]
    problem = Problem(
        x=fitted(x, stored),
        dy=fitted(random.standard_normal((4, m)) * 10.0 ** random.uniform(-3, 3, column), stored),
        gamma=fitted(random.standard_normal(column) * 10.0 ** random.uniform(-3, 3, column), stored),
        beta=fitted(random.standard_normal(column) * 10.0 ** random.uniform(-3, 3, column), stored),
        running_mean=fitted(offset * scale * 10.0 ** random.uniform(-3, 3, column), stored),
        running_var=fitted(scale * scale * 10.0 ** random.uniform(-3, 3, column), stored),
        eps=float(10.0 ** random.uniform(-12, 1)),
        training=seed % 4 > 0,
        weights=STEPS[seed % len(STEPS)],
        biased=seed % 3 == 0,
    )
    return problem if seed % 5 else replace(problem, gamma=None, beta=None)


def fitted(values: Array, stored: Format) -> Array:
    """The nearest numbers of a format."""
    within = np.clip(values, -stored.largest, stored.largest)
    return np.asarray(within.astype(dtype_of(stored.name)).astype(np.float64))
