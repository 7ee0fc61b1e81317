"""The oracle of second derivatives agrees with the Jacobian in decimal arithmetic, and with differences of exact gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bncheck.reference.derivative_bounds import second_order_bounds
from bncheck.reference.exact import second_order_exactly, solve_exactly
from bncheck.reference.formats import FLOAT64, Array
from bncheck.reference.oracle import solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import host_profile
from bncheck.reference.second_order import second_order

from .wide import wide_problem

# A difference of exact values on either side errs by its square, 2^-68, and by 2^-106 of them over itself.
STEP = 2.0**-34
ALLOWED = 2.0**-46


def small(*, training: bool) -> Problem:
    """Two channels of five multiples of 2^-6, so that x + STEP is exact."""
    random = np.random.default_rng(7)

    def grid(*shape: int) -> Array:
        return np.asarray(random.integers(-96, 97, shape) / 64)

    return Problem(
        x=grid(2, 5),
        dy=grid(2, 5),
        gamma=grid(2, 1),
        beta=grid(2, 1),
        running_mean=grid(2, 1),
        running_var=np.abs(grid(2, 1)) + 1,
        eps=0.125,
        training=training,
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_derivative_to_x_is_the_limit_of_differences(training: bool) -> None:  # noqa: FBT001
    problem, direction = small(training=training), small(training=training).x[:, ::-1]

    found = second_order(problem, direction, double_double=True)

    for place in range(problem.count):
        step = STEP * (np.arange(problem.count) == place)
        sides = [solve_exactly(replace(problem, x=problem.x + sign * step))["dx"] for sign in (1, -1)]
        difference = (sides[0].hi - sides[1].hi) + (sides[0].lo - sides[1].lo)
        slope = np.sum(direction * difference, axis=1) / (2 * STEP)
        np.testing.assert_allclose(found.x.hi[:, place], slope, rtol=0, atol=ALLOWED)


@pytest.mark.parametrize("training", [True, False])
def test_the_derivative_to_gamma_is_that_of_a_linear_function(training: bool) -> None:  # noqa: FBT001
    problem, direction = small(training=training), small(training=training).x[:, ::-1]

    found = second_order(problem, direction, double_double=True)

    unit = solve(replace(problem, gamma=np.ones((2, 1))), double_double=True)
    assert unit.dx is not None
    slope = np.sum(direction * unit.dx.hi, axis=1, keepdims=True)
    np.testing.assert_allclose(found.gamma.hi, slope, rtol=0, atol=ALLOWED)


def test_the_derivative_to_dy_is_the_tangent_and_the_tangent_a_limit_of_differences() -> None:
    problem, direction = small(training=True), small(training=True).x[:, ::-1]

    moved = [solve_exactly(replace(problem, x=problem.x + sign * STEP * direction))["y"] for sign in (1, -1)]

    tangent = solve(replace(problem, dy=direction), double_double=True).dx
    assert tangent is not None
    slope = ((moved[0].hi - moved[1].hi) + (moved[0].lo - moved[1].lo)) / (2 * STEP)
    np.testing.assert_allclose(tangent.hi, slope, rtol=0, atol=ALLOWED)


@pytest.mark.parametrize("seed", range(1, 13))
def test_two_evaluations_agree_far_below_the_bound(seed: int) -> None:
    wide = wide_problem(seed)
    assert wide.dy is not None
    problem = replace(wide, x=wide.x[:, :6], dy=wide.dy[:, :6])
    direction = np.asarray(wide.dy[:, 5::-1] + wide.dy[:, :6] / 2)

    found = second_order(problem, direction, double_double=True)

    truth, profile = solve(problem, double_double=True), host_profile(FLOAT64, FLOAT64, FLOAT64)
    limits = second_order_bounds(problem, truth, profile, direction, found)
    for name, exact in second_order_exactly(problem, direction).items():
        own, limit = getattr(found, name), limits[f"second_{name}"]
        difference = np.abs((own.hi - exact.hi) + (own.lo - exact.lo))
        assert limit.judged.any()
        assert np.all((difference <= 2.0**-20 * limit.largest) | ~limit.judged)
