"""The bounds are not vacuous: near the accuracy of the format, nearly reached, and conclusive on most elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from bncheck.reference.bounds import bounds
from bncheck.reference.formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, Array
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Profile, host_profile

from .channels import problem_of, rounded
from .judging import errors_in_bounds
from .targets import target_problem
from .zoo import Formats, evaluate, sample

QUANTITIES = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
PURE = tuple(Formats(stored, stored, stored) for stored in (FLOAT64, FLOAT32))
HALF = tuple(Formats(stored, FLOAT32, FLOAT32) for stored in (FLOAT16, BFLOAT16))


def solved(problem: Problem, formats: Formats) -> tuple[Problem, Truth]:
    """A problem and its answer."""
    return problem, solve(problem, double_double=formats.x is FLOAT64)


def plain_problems(formats: Formats, m: int) -> Iterator[tuple[Problem, Truth]]:
    """Standard normal data, offset by at most 0.3 deviations, with beta = 0: y is about 1."""
    random = np.random.default_rng(m)
    for _ in range(30):
        x = random.standard_normal((8, m)) + random.uniform(-0.3, 0.3, (8, 1))
        problem = replace(target_problem(random, formats), eps=1e-5, beta=np.zeros((8, 1)))
        dy = rounded(random.standard_normal((8, m)), formats.x)
        yield solved(replace(problem, x=rounded(x, formats.x), dy=dy), formats)


def roundoffs_of_y(problem: Problem, truth: Truth, profile: Profile) -> Array:
    """Per channel, the largest bound on y over the largest |y|, in units of the output's roundoff."""
    largest = np.max(bounds(problem, truth, profile)["y"].largest, axis=1)
    return np.asarray(largest / np.max(np.abs(truth.y.hi), axis=1) / profile.output.unit_roundoff)


def median_roundoffs(formats: Formats, m: int, profile: Profile) -> float:
    """Their median over plain problems."""
    return float(np.median([roundoffs_of_y(*each, profile) for each in plain_problems(formats, m)]))


@pytest.mark.parametrize("formats", PURE, ids=lambda formats: formats.name)
@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_two_passes_may_err_by_little_more_than_a_rounding_a_value(formats: Formats, m: int) -> None:
    profile = replace(host_profile(formats.x, formats.parameters, formats.running), variance="two_pass")

    # (D + 5) / 2 of the variance and D mean|x| of the mean, D = m - 1; three of the root and about ten others.
    assert median_roundoffs(formats, m, profile) < m + 16


@pytest.mark.parametrize("formats", PURE, ids=lambda formats: formats.name)
@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_not_knowing_whether_it_is_welford_costs_less_than_three_times_that(formats: Formats, m: int) -> None:
    profile = host_profile(formats.x, formats.parameters, formats.running)

    assert median_roundoffs(formats, m, profile) < 3 * (m + 16)


@pytest.mark.parametrize("formats", PURE, ids=lambda formats: formats.name)
def test_sums_of_integers_are_known_to_be_exact(formats: Formats) -> None:
    profile = replace(host_profile(formats.x, formats.parameters, formats.running), variance="two_pass")
    row = np.array([[-3.0, -1.0, 2.0, 5.0, -4.0, 1.0, 2.0, -2.0]] * 8)
    problem = replace(target_problem(np.random.default_rng(0), formats), x=row, dy=row, beta=np.zeros((8, 1)))

    # One rounding of the division, a half of it after the root; three of the root, one of w, four products and sums.
    assert np.all(roundoffs_of_y(*solved(problem, formats), profile) < 12)


@pytest.mark.parametrize("formats", HALF, ids=lambda formats: formats.name)
@pytest.mark.parametrize("m", [2, 4, 8, 16])
def test_a_half_precision_output_must_all_but_be_rounded_correctly(formats: Formats, m: int) -> None:
    profile = host_profile(formats.x, formats.parameters, formats.running)

    assert median_roundoffs(formats, m, profile) < 1.1


@pytest.mark.parametrize("formats", PURE, ids=lambda formats: formats.name)
def test_some_sound_algorithm_comes_near_every_bound(formats: Formats) -> None:
    random, worst = np.random.default_rng(3), dict.fromkeys(QUANTITIES, 0.0)
    for m in (2, 3, 4, 5, 8) * 2:
        problem, truth = solved(problem_of(random, m, channels=32, formats=formats, training=True), formats)
        for member in sample(9973):
            outcome = evaluate(member, problem, formats)
            for name, errors in errors_in_bounds(outcome, problem, truth, member.profile(formats)).items():
                worst[name] = max(worst[name], float(np.max(errors)))

    assert {name: error for name, error in worst.items() if error < 0.25} == {}


def conclusive(problem: Problem, truth: Truth, profile: Profile) -> dict[str, float]:
    """Quantity to the share of its elements that are judged by a bound below the signal."""
    found = bounds(problem, truth, profile)
    return {name: float(np.mean(each.judged & (each.largest <= each.scale))) for name, each in found.items()}


@pytest.mark.parametrize("formats", PURE + HALF, ids=lambda formats: formats.name)
def test_all_but_every_element_of_a_target_problem_is_conclusive(formats: Formats) -> None:
    random, profile = np.random.default_rng(4), host_profile(formats.x, formats.parameters, formats.running)
    shares = [conclusive(*solved(target_problem(random, formats), formats), profile) for _ in range(50)]

    assert min(np.mean([share[name] for share in shares]) for name in QUANTITIES) > 0.9


@pytest.mark.parametrize("formats", PURE + HALF, ids=lambda formats: formats.name)
def test_two_fifths_of_the_elements_of_the_most_hostile_problems_are_conclusive(formats: Formats) -> None:
    random, profile = np.random.default_rng(5), host_profile(formats.x, formats.parameters, formats.running)
    drawn = [
        problem_of(random, m, channels=16, formats=formats, training=True) for m in (2, 3, 5, 8, 16, 64) * 10
    ]
    shares = [conclusive(*solved(problem, formats), profile) for problem in drawn]

    assert min(np.mean([share[name] for share in shares if name in share]) for name in QUANTITIES) > 0.4
