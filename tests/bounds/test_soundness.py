"""No sound algorithm ever exceeds the bound of the profile that it claims, whatever the input."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from bncheck.reference.formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.problem import Problem

from .channels import SIZES, problem_of
from .judging import errors_in_bounds
from .zoo import Formats, Member, evaluate, sample

FORMATS = (
    Formats(FLOAT64, FLOAT64, FLOAT64),
    Formats(FLOAT32, FLOAT32, FLOAT32),
    Formats(FLOAT16, FLOAT32, FLOAT32),
    Formats(BFLOAT16, FLOAT32, FLOAT32),
    Formats(FLOAT16, FLOAT16, FLOAT16),
    Formats(BFLOAT16, BFLOAT16, BFLOAT16),
)
MEMBERS = sample(3203)


@cache
def problems(formats: Formats) -> tuple[tuple[Problem, Truth], ...]:
    """A training batch of every size and an evaluation of the smaller, 20 channels each, and their answers."""
    random = np.random.default_rng(20)
    drawn = [
        problem_of(random, m, channels=20, formats=formats, training=training)
        for m in SIZES
        for training in ((True, False) if m <= 64 else (True,))
    ]
    return tuple((problem, solve(problem, double_double=formats.x is FLOAT64)) for problem in drawn)


def worst_errors(member: Member, formats: Formats) -> dict[str, float]:
    """Quantity to the largest error, in bounds, over all problems of these formats."""
    profile, worst = member.profile(formats), dict[str, float]()
    for seed, (problem, truth) in enumerate(problems(formats)):
        outcome = evaluate(member, problem, formats, seed=seed)
        for name, errors in errors_in_bounds(outcome, problem, truth, profile).items():
            worst[name] = max(worst.get(name, 0.0), float(np.max(errors)))
    return worst


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
@pytest.mark.parametrize("formats", FORMATS, ids=lambda formats: formats.name)
def test_a_sound_algorithm_never_exceeds_its_bound(formats: Formats, member: Member) -> None:
    worst = worst_errors(member, formats)

    assert set(worst) == {"y", "running_mean", "running_var", "dx", "dgamma", "dbeta"}
    assert {name: error for name, error in worst.items() if error > 1} == {}


def test_every_part_of_the_zoo_is_in_the_sample() -> None:
    def parts(members: tuple[Member, ...]) -> set[object]:
        return {part for member in members for part in member.parts}

    assert parts(MEMBERS) == parts(sample(1))
