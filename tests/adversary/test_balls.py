"""Balls hold what rounding can make of a formula, and agree with the analytic bounds where nothing enters twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bounds import backward, forward, moments
from bounds.judging import exact_of
from bounds.zoo import TEXTBOOK, Member

from bncheck.reference.formats import FLOAT32, FLOAT64, Array, Format
from bncheck.reference.oracle import solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Variance

from .agreement import QUANTITIES, problems, ratios
from .algorithms import answer, in_order, welford
from .arithmetic import Tape
from .ball_forms import CLASSES, Moments, ball_bounds, one_pass, two_pass
from .ball_forms import welford as welford_of_balls
from .balls import Ball
from .inputs import LOW_PRECISION, drawn

EIGHT, TWELVE = LOW_PRECISION
PLAIN = replace(TEXTBOOK, total=in_order)
DRIVEN: tuple[tuple[Moments, Member], ...] = (
    (two_pass, PLAIN),
    (two_pass, replace(PLAIN, update=forward.by_step, train=backward.differentiated)),
    (welford_of_balls, replace(PLAIN, moments=welford)),
    (one_pass, replace(PLAIN, moments=moments.one_pass)),
)


def ball(*values: float, radius: float = 0.0, stored: Format = EIGHT) -> Ball:
    """One row of numbers, each as far from its middle as `radius`."""
    exact = Ball.of(np.array([values]), stored)
    return replace(exact, radius=np.full_like(exact.radius, radius))


def test_one_rounding_of_an_exact_operation_is_a_roundoff() -> None:
    assert (ball(3.0) * ball(5.0)).radius[0, 0] == pytest.approx(15 * EIGHT.unit_roundoff)


def test_a_product_carries_radii_to_second_order() -> None:
    exact = (ball(3.0, radius=0.5, stored=FLOAT64) * ball(5.0, radius=0.25, stored=FLOAT64)).radius[0, 0]

    assert exact == pytest.approx(3.5 * 5.25 - 15)


def test_a_divisor_that_may_be_zero_leaves_nothing() -> None:
    assert (ball(1.0) / ball(0.5, radius=0.5)).radius[0, 0] == np.inf


def test_an_inverse_root_is_bounded_by_what_its_argument_is_known_to_be() -> None:
    root = ball(1.0, radius=2.0, stored=FLOAT64).inverse_root(lowest=np.array([[0.25]]))

    assert root.radius[0, 0] == pytest.approx(1.0)


def test_the_middle_is_the_exact_answer_in_double_double() -> None:
    third = ball(1.0, stored=FLOAT64) / ball(3.0, stored=FLOAT64)

    assert third.middle.lo[0, 0] == pytest.approx((1 - 3 * third.middle.hi[0, 0]) / 3, rel=1e-10)


@pytest.mark.parametrize("stored", LOW_PRECISION, ids=lambda stored: stored.name)
@pytest.mark.parametrize(("formulae", "member"), DRIVEN, ids=lambda each: getattr(each, "__name__", ""))
def test_no_choice_of_rounding_errors_leaves_the_ball(
    formulae: Moments, member: Member, stored: Format
) -> None:
    random = np.random.default_rng(7)
    worst = [farthest(drawn_in_training(random, stored), formulae, member, random, stored) for _ in range(60)]

    assert 0 < max(worst) <= 1


def drawn_in_training(random: np.random.Generator, stored: Format) -> Problem:
    """A problem whose weights are one step."""
    problem = drawn(random, stored)
    return replace(
        problem, training=True, weights=problem.weights[:1] or drawn_in_training(random, stored).weights
    )


def farthest(
    problem: Problem, formulae: Moments, member: Member, random: np.random.Generator, stored: Format
) -> float:
    """Over random assignments of all errors, the largest distance from the exact answer, in radii."""
    choices = np.asarray(random.integers(-1, 2, (200, 1000)), dtype=np.int8)
    answers, truth = answer(member, problem, Tape(choices, stored)), solve(problem, double_double=False)
    with np.errstate(all="ignore"):
        radii = ball_bounds(problem, stored, formulae)
        distances = [exact_of(truth, name).error_of(answers[name]) / radii[name] for name in QUANTITIES]
    return max(float(np.max(each, where=np.isfinite(each), initial=0)) for each in distances)


@pytest.mark.parametrize("variance", CLASSES)
def test_the_analytic_bounds_are_within_a_factor_of_four_of_the_balls(variance: Variance) -> None:
    found = [ratios(problem, FLOAT32, variance) for problem in problems(FLOAT32, 1.0, count=40, seed=1)]

    assert outside(found, 1 / 4, 4.0) == {}


def outside(found: list[dict[str, Array]], low: float, high: float) -> dict[str, list[float]]:
    """The ratios beyond either end, by quantity."""
    all_ratios = {name: np.concatenate([each[name] for each in found]) for name in QUANTITIES}
    beyond = {name: values[(values < low) | (values > high)] for name, values in all_ratios.items()}
    return {name: values.tolist() for name, values in beyond.items() if values.size}


def test_balls_do_not_know_that_an_error_of_the_mean_cancels_in_the_variance() -> None:
    found = [ratios(problem, FLOAT32, "two_pass") for problem in problems(FLOAT32, 100.0, count=20, seed=1)]

    assert np.median(np.concatenate([each["running_var"] for each in found])) < 1 / 4
