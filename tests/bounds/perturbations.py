"""Planted bugs found by the bounds and by fixed tolerances: `python tests/bounds/perturbations.py` prints Markdown.

Each cell is the share of examples that are rejected, by the bounds / torch.testing.assert_close / np.allclose, with
the defaults of the latter two.  All three see the same elements, those that the bounds judge; assert_close gets the
exact answer rounded to the output's dtype, as it demands equal dtypes, allclose gets it in float64.
The first row has no bug: what is rejected there are false alarms, and only a higher share elsewhere is a detection.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch

if __name__ == "__main__":  # a script sees its own folder, not the one whose folders are imported here
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bounds.backward import Gradients, closed_form
from bounds.channels import problem_of, rounded
from bounds.forward import Statistics
from bounds.judging import exact_of
from bounds.machine import Number
from bounds.moments import two_pass
from bounds.sums import Sum
from bounds.targets import target_problem
from bounds.test_planted import FORMATS, SMALLEST, STRUCTURAL, Planted, correct, gamma_times, planted
from bounds.test_wrong_profiles import in_single
from bounds.zoo import TEXTBOOK, Formats, Outcome, evaluate

from bncheck.reference.bounds import Bound, bounds
from bncheck.reference.formats import FLOAT64, Array, Format
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import host_profile

Inputs: TypeAlias = Callable[[np.random.Generator, Formats], Problem]
_TORCH = {name: getattr(torch, name) for name in ("float64", "float32", "float16", "bfloat16")}
DOUBLE, SINGLE, HALF, BRAIN = FORMATS


def plain(random: np.random.Generator, formats: Formats) -> Problem:
    """Eight channels of 2 to 64 standard normal values with an offset of up to two deviations, eps = 1e-5."""
    m = int(random.integers(2, 65))
    x = random.standard_normal((8, m)) + random.uniform(-2, 2, (8, 1))
    dy = rounded(random.standard_normal((8, m)), formats.x)
    return replace(target_problem(random, formats), x=rounded(x, formats.x), dy=dy, eps=1e-5)


def hostile(random: np.random.Generator, formats: Formats) -> Problem:
    """Eight channels of every size of offset, scale and eps."""
    return problem_of(random, int(random.integers(2, 65)), channels=8, formats=formats, training=True)


COLUMNS: dict[str, tuple[Formats, Inputs]] = {
    "float64 target": (DOUBLE, target_problem),
    "float64 plain": (DOUBLE, plain),
    "float32 target": (SINGLE, target_problem),
    "float32 plain": (SINGLE, plain),
    "float32 hostile": (SINGLE, hostile),
    "float16 target": (HALF, target_problem),
    "bfloat16 target": (BRAIN, target_problem),
}


def eps_added_to_running_var(problem: Problem, formats: Formats) -> Outcome:
    def moments(x: Number, total: Sum) -> tuple[Number, Number]:
        mean, variance = two_pass(x, total)
        return mean, variance + x.constant(problem.eps)

    wrong = evaluate(replace(TEXTBOOK, moments=moments), problem, formats)
    return correct(problem, formats) | {name: wrong[name] for name in wrong if name == "running_var"}


def momentum_swapped(problem: Problem, formats: Formats) -> Outcome:
    return evaluate(TEXTBOOK, replace(problem, weights=tuple(1 - each for each in problem.weights)), formats)


def eps_a_hundred_times(problem: Problem, formats: Formats) -> Outcome:
    return evaluate(TEXTBOOK, replace(problem, eps=100 * problem.eps), formats)


def without_eps_in_backward(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    return closed_form(dy, x, replace(s, w=s.variance, r=s.variance.inverse_root()), total)


def gamma_just_off(problem: Problem, formats: Formats) -> Outcome:
    """By 1e-13 in float64, 1e-5 in float32, 3e-4 in float16 and 1e-3 in bfloat16."""
    return gamma_times(1 + SMALLEST[formats.x.name])(problem, formats)


ROWS: dict[str, Planted] = {
    "no bug": correct,
    **{name.replace("_", " "): bug for name, (bug, _) in STRUCTURAL.items()},
    "eps added to the running variance": eps_added_to_running_var,
    "momentum swapped": momentum_swapped,
    "eps missing in backward": planted(replace(TEXTBOOK, train=without_eps_in_backward)),
    "float32 sums": planted(replace(TEXTBOOK, total=in_single)),
    "eps times 100": eps_a_hundred_times,
    "gamma times 1 + 1e-3": gamma_times(1 + 1e-3),
    "gamma times 1 + 1e-5": gamma_times(1 + 1e-5),
    "gamma times 1 + 1e-6": gamma_times(1 + 1e-6),
    "gamma times 1 + least": gamma_just_off,
}


def rejected(bug: Planted, formats: Formats, inputs: Inputs, *, examples: int, seed: int) -> list[float]:
    """The share of examples rejected by the bounds, by assert_close and by allclose."""
    random, profile = (
        np.random.default_rng(seed),
        host_profile(formats.x, formats.parameters, formats.running),
    )
    votes = []
    for _ in range(examples):
        problem = inputs(random, formats)
        truth = solve(problem, double_double=formats.x is FLOAT64)
        found = bounds(problem, truth, profile)
        votes.append(_votes(bug(problem, formats), truth, found, formats))
    return [float(share) for share in np.mean(votes, axis=0)]


def _votes(outcome: Outcome, truth: Truth, found: dict[str, Bound], formats: Formats) -> list[bool]:
    above, torch_rejects, numpy_rejects = False, False, False
    stored = {"y": formats.x, "dx": formats.x, "dgamma": formats.parameters, "dbeta": formats.parameters}
    for name, bound in found.items():
        exact, judged = exact_of(truth, name), bound.judged
        actual, expected = outcome[name][judged], exact.hi[judged]
        error = exact.error_of(outcome[name])[judged]
        above |= bool(np.any(~(error <= bound.largest[judged])))
        torch_rejects |= not _torch_accepts(actual, expected, stored.get(name, formats.running))
        numpy_rejects |= not np.allclose(actual, expected)
    return [above, torch_rejects, numpy_rejects]


def _torch_accepts(actual: Array, expected: Array, stored: Format) -> bool:
    tensors = [torch.tensor(values).to(_TORCH[stored.name]) for values in (actual, expected)]
    try:
        torch.testing.assert_close(*tensors)
    except AssertionError:
        return False
    return True


def main() -> None:
    """One row a bug, one column a format and kind of inputs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    lines = [
        " | ".join(["bound / assert_close / allclose", *COLUMNS]),
        " | ".join(["---"] * (1 + len(COLUMNS))),
    ]
    for name, bug in ROWS.items():
        cells = [
            rejected(bug, formats, inputs, examples=given.examples, seed=given.seed)
            for formats, inputs in COLUMNS.values()
        ]
        lines.append(" | ".join([name, *("/".join(f"{share:.2g}" for share in cell) for cell in cells)]))
    sys.stdout.write("".join(f"| {line} |\n" for line in lines))


if __name__ == "__main__":
    main()
