"""The analytic bounds against balls of the same formulae: `python tests/adversary/agreement.py` prints Markdown.

A ratio above 1 says that the analysis allows more than running error arithmetic does, below 1 that it allows less.
The balls are the largest over the algorithms of a class, the analytic bound is that of the class.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

if __name__ == "__main__":  # a script sees its own folder, not the one whose folders are imported here
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from adversary.algorithms import claim
from adversary.ball_forms import CLASSES, class_bounds
from bounds.channels import rounded
from bounds.targets import target_problem
from bounds.zoo import TEXTBOOK, Formats

from bncheck.reference.bounds import bounds
from bncheck.reference.formats import FLOAT32, FLOAT64, Array, Format
from bncheck.reference.oracle import solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Variance

QUANTITIES = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
OFFSETS = (0.0, 1.0, 10.0, 100.0)


def problems(stored: Format, offset: float, *, count: int, seed: int) -> Iterator[Problem]:
    """Eight channels of 2 to 16 normal values around means of up to `offset` deviations; the variance is about eps."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        base, m = target_problem(random, Formats(stored, stored, stored)), int(random.integers(2, 17))
        scale = np.sqrt(base.eps) * 10.0 ** random.uniform(-0.3, 0.3, (8, 1))
        x = (random.standard_normal((8, m)) + offset * random.uniform(-1, 1, (8, 1))) * scale
        yield replace(base, x=rounded(x, stored), dy=rounded(random.standard_normal((8, m)), stored))


def ratios(problem: Problem, stored: Format, variance: Variance) -> dict[str, Array]:
    """Quantity name to analytic bound over ball, (C,): the largest of the channel over the largest."""
    truth = solve(problem, double_double=stored is FLOAT64)
    analytic = bounds(problem, truth, claim(replace(TEXTBOOK, variance=variance), stored))
    balls = class_bounds(problem, stored, variance)
    return {name: np.max(analytic[name].largest, axis=1) / np.max(balls[name], axis=1) for name in QUANTITIES}


def main() -> None:
    """One row a format, class and largest offset: the smallest, the median and the largest ratio."""
    lines = [" | ".join(["format", "class", "offset / deviation", *QUANTITIES]), " | ".join(["---"] * 9)]
    for stored in (FLOAT64, FLOAT32):
        for variance in CLASSES:
            for offset in OFFSETS:
                found = [
                    ratios(each, stored, variance) for each in problems(stored, offset, count=60, seed=2)
                ]
                cells = [_cell(np.concatenate([each[name] for each in found])) for name in QUANTITIES]
                lines.append(" | ".join([stored.name, variance, f"{offset:g}", *cells]))
    sys.stdout.write("".join(f"| {line} |\n" for line in lines))


def _cell(values: Array) -> str:
    return f"{np.min(values):.2g} .. {np.median(values):.2f} .. {np.max(values):.2g}"


if __name__ == "__main__":
    main()
