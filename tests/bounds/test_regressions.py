"""Roundings, underflows and overflows that an earlier bound had not counted, each on an input that shows it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bncheck.reference.formats import FLOAT16, FLOAT32, FLOAT64, FORMATS, Array, Format
from bncheck.reference.oracle import solve
from bncheck.reference.problem import Problem

from . import backward, forward, moments, sums
from .channels import rounded
from .judging import errors_in_bounds
from .zoo import TEXTBOOK, Formats, Member, evaluate

SINGLE = Formats(FLOAT32, FLOAT32, FLOAT32)
TINY = FLOAT32.smallest_normal


def batch(x: Array, dy: Array, *, gamma: float = 1.0, eps: float = 1e-5) -> Problem:
    """A training batch of float32 numbers, whose statistics replace zeros."""
    column = np.ones((x.shape[0], 1))
    return Problem(
        x=rounded(x, FLOAT32),
        dy=rounded(dy, FLOAT32),
        gamma=rounded(gamma * column, FLOAT32),
        beta=0 * column,
        running_mean=0 * column,
        running_var=0 * column,
        eps=eps,
        training=True,
        weights=(Fraction(1),),
    )


def worst(member: Member, problem: Problem, quantity: str, formats: Formats = SINGLE) -> float:
    """The largest error in bounds, where the bound judges."""
    truth = solve(problem, double_double=False)
    errors = errors_in_bounds(evaluate(member, problem, formats), problem, truth, member.profile(formats))
    return float(np.max(errors[quantity]))


def test_a_sum_is_rounded_once_more_when_it_leaves_a_wider_accumulator() -> None:
    problem = batch(np.array([[1.0, 2.0]]), np.array([[1.0, 2.0**-30]]))

    assert 0 < worst(replace(TEXTBOOK, total=sums.in_double), problem, "dbeta") <= 1


def test_so_is_the_sum_that_makes_the_mean() -> None:
    random = np.random.default_rng(8)
    # The sum, 1/63 and their product all lie just above a power of two, where a rounding is nearly u.
    x = random.uniform(64, 67, (1000, 1)) / 63 + random.standard_normal((1000, 63)) * 1e-6
    member = replace(TEXTBOOK, total=sums.in_double, moments=moments.by_reciprocal)

    assert 0 < worst(member, batch(x, x, eps=1e-3), "y") <= 1


def test_both_x_and_the_mean_may_be_read_as_zero() -> None:
    x, dy = np.array([[0.99 * TINY, 0.0]]), np.array([[1e6, 0.0]])
    given = {"running_mean": np.array([[-0.99 * TINY]]), "training": False, "weights": ()}
    problem = replace(batch(x, dy, eps=4.0), **given)  # type: ignore[arg-type]  # fields and their values

    assert 0 < worst(replace(TEXTBOOK, machine="flushing"), problem, "dgamma") <= 1


def test_the_gradient_of_a_variance_may_underflow_before_it_meets_x() -> None:
    random = np.random.default_rng(9)
    x, dy = random.standard_normal((400, 5)) * 1e10 + 3e9, random.standard_normal((400, 5))
    problem = batch(x, dy * 10.0 ** random.uniform(-18, -12, (400, 1)), gamma=2.5e-3, eps=0.03)
    member = replace(
        TEXTBOOK,
        moments=moments.one_pass,
        train=backward.differentiated_one_pass,
        variance="one_pass",
        machine="flushing",
    )

    assert 0 < worst(member, problem, "dx") <= 1


def test_x_times_r_may_overflow_where_gamma_times_both_does_not() -> None:
    problem = batch(np.full((1, 8), 1.5e34), np.ones((1, 8)), gamma=7e-4, eps=1e-11)
    member = replace(TEXTBOOK, normalise=forward.normalised, affine="any")

    assert np.isnan(evaluate(member, problem, SINGLE)["y"]).all()
    assert worst(member, problem, "y") == 0


def test_the_step_of_a_moving_average_may_overflow_where_the_average_does_not() -> None:
    half = Formats(FLOAT16, FLOAT16, FLOAT16)
    old = replace(batch(np.array([[40.0, 50.0]]), np.ones((1, 2))), running_mean=np.array([[-65504.0]]))
    problem = replace(old, weights=(Fraction(1, 8),))
    member = replace(TEXTBOOK, update=forward.by_step, statistics="parameter")

    assert np.isinf(evaluate(member, problem, half)["running_mean"]).all()
    assert worst(member, problem, "running_mean", half) == 0


@pytest.mark.parametrize("stored", FORMATS.values(), ids=FORMATS)
def test_rounding_zero_costs_no_more_than_an_underflow(stored: Format) -> None:
    assert stored.half_ulp(np.zeros(1)) == stored.underflow_error(flush_to_zero=False) > 0


@pytest.mark.parametrize("stored", FORMATS.values(), ids=FORMATS)
def test_half_an_ulp_is_half_the_distance_to_the_next_number(stored: Format) -> None:
    powers = np.array([1.0, 2.0, 4.0])

    assert np.array_equal(stored.half_ulp(1.5 * powers), powers * stored.unit_roundoff)


def test_an_underflow_of_float64_is_not_lost_in_float64() -> None:
    assert FLOAT64.underflow_error(flush_to_zero=False) == FLOAT64.smallest_subnormal
