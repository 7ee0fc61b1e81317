"""The decimal evaluation agrees with rational numbers, with mpmath, and its gradient with differences of its output."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from math import isqrt, prod
from types import ModuleType
from typing import Any

import pytest

from bncheck.reference import exact
from bncheck.reference.formats import Array
from bncheck.reference.problem import Problem, as_pair

from .wide import wide_problem

# One unit in the last of 80 digits: twice what one operation loses, relative to its result.
DIGIT = Fraction(10) ** (1 - exact.DIGITS)
SEEDS = range(24)


@pytest.fixture
def mpmath() -> ModuleType:
    """mpmath at 120 digits."""
    module: ModuleType = pytest.importorskip("mpmath")
    module.mp.dps = 120
    return module


def decimals(problem: Problem) -> list[dict[str, list[Decimal]]]:
    """The answer of every channel, before it becomes a pair of float64."""
    with localcontext(exact._CONTEXT):
        return [exact._channel(problem, index) for index in range(problem.x.shape[0])]


def fractions(values: Array | None) -> list[Fraction]:
    assert values is not None
    return [Fraction(float(value)) for value in values.ravel()]


def mean_of(values: list[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def after_all_steps(old: Fraction, statistic: Fraction, problem: Problem) -> Fraction:
    """old prod(1 - w) + statistic (1 - prod(1 - w)); in evaluation the old one."""
    left = (
        prod((1 - weight for weight in problem.weights), start=Fraction(1))
        if problem.training
        else Fraction(1)
    )
    return old * left + statistic * (1 - left)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_rational_quantities_are_right_to_their_last_digits(seed: int) -> None:
    problem = wide_problem(seed)
    m = problem.count
    for index, found in enumerate(decimals(problem)):
        x = fractions(problem.x[index])
        mean, square = mean_of(x), mean_of([value * value for value in x])
        variance = mean_of([(value - mean) ** 2 for value in x]) * (
            1 if problem.biased else Fraction(m, m - 1)
        )
        old_mean, old_var = fractions(problem.running_mean)[index], fractions(problem.running_var)[index]

        # m additions and a few products a step, each relative to what is added: mean|x|, mean(x^2), |old|.
        allowed = (m + 30) * DIGIT
        mean_error = Fraction(found["running_mean"][0]) - after_all_steps(old_mean, mean, problem)
        assert abs(mean_error) <= allowed * (mean_of([abs(value) for value in x]) + abs(old_mean))
        variance_error = Fraction(found["running_var"][0]) - after_all_steps(old_var, variance, problem)
        assert abs(variance_error) <= allowed * (4 * square + abs(old_var))


@pytest.mark.parametrize("seed", [seed for seed in SEEDS if seed % 5])
def test_dbeta_is_the_sum_of_dy_to_its_last_digits(seed: int) -> None:
    problem = wide_problem(seed)
    assert problem.dy is not None
    for row, found in zip(problem.dy, decimals(problem), strict=True):
        dy = fractions(row)

        error = abs(Fraction(found["dbeta"][0]) - sum(dy, Fraction(0)))

        assert error <= len(dy) * DIGIT * sum(map(abs, dy), Fraction(0))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_handed_out_are_the_two_nearest_floats(seed: int) -> None:
    problem = wide_problem(seed)
    pairs = exact.solve_exactly(problem)

    for index, row in enumerate(decimals(problem)):
        for name, values in row.items():
            found = list(zip(pairs[name].hi[index], pairs[name].lo[index], strict=True))
            assert found == [as_pair(Fraction(value)) for value in values]


@pytest.mark.parametrize("seed", SEEDS)
def test_y_dx_and_dgamma_agree_with_mpmath(mpmath: ModuleType, seed: int) -> None:
    problem = wide_problem(seed)
    for index, found in enumerate(decimals(problem)):
        expected, reach, sizes = in_mpmath(mpmath, problem, index)

        # All errors of x - mean are relative to x: `reach` is max|x| + |mean| in units of the deviation, and it
        # enters dx twice, by xhat and by mean(dy xhat).
        allowed = DIGIT * 20 * problem.count * (1 + reach) ** 2
        for name, values in expected.items():
            for value, right in zip(found[name], values, strict=True):
                assert abs(Fraction(value) - right) <= allowed * sizes[name]


def in_mpmath(
    mpmath: ModuleType, problem: Problem, index: int
) -> tuple[dict[str, list[Fraction]], Fraction, dict[str, Fraction]]:
    """The channel's y, dx and dgamma, the reach of its x, and the natural size of each quantity."""
    assert problem.dy is not None
    mpf, m = mpmath.mpf, problem.count
    x, dy = ([mpf(float(value)) for value in row[index]] for row in (problem.x, problem.dy))
    gamma, beta = number(mpf, problem.gamma, index, 1), number(mpf, problem.beta, index, 0)
    mean = number(mpf, problem.running_mean, index, 0)
    variance = number(mpf, problem.running_var, index, 1)
    if problem.training:
        mean = mpmath.fsum(x) / m
        variance = mpmath.fsum([v * v for v in x]) / m - mean * mean  # 120 digits bear the cancellation
    deviation = mpmath.sqrt(variance + mpf(problem.eps))
    xhat = [(v - mean) / deviation for v in x]
    dgamma, total = mpmath.fdot(dy, xhat), mpmath.fsum(map(abs, dy))
    s, c = (mpmath.fsum(dy) / m, dgamma / m) if problem.training else (mpf(0), mpf(0))
    dx = [gamma / deviation * (g - s - h * c) for g, h in zip(dy, xhat, strict=True)]
    expected = {"y": [gamma * h + beta for h in xhat], "dx": dx, "dgamma": [dgamma]}
    if problem.gamma is None:
        del expected["dgamma"]
    sizes = {"y": abs(gamma) * m + abs(beta), "dx": abs(gamma) / deviation * total * m, "dgamma": total * m}
    return (
        {name: [rational(mpmath, value) for value in values] for name, values in expected.items()},
        rational(mpmath, (max(map(abs, x)) + abs(mean)) / deviation),
        {name: rational(mpmath, size) for name, size in sizes.items()},
    )


def number(mpf: Callable[[float], object], column: Array | None, index: int, default: float) -> Any:
    return mpf(default if column is None else float(column[index, 0]))


def rational(mpmath: ModuleType, value: object) -> Fraction:
    """An mpmath number to 118 digits."""
    return Fraction(mpmath.nstr(value, 118))


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 6, 9])
def test_the_gradient_is_the_slope_of_the_output(seed: int) -> None:
    problem = wide_problem(seed)
    assert problem.dy is not None
    row, dy = fractions(problem.x[0]), fractions(problem.dy[0])
    gamma = Fraction(1) if problem.gamma is None else fractions(problem.gamma)[0]
    step = Fraction(1, 10**20)
    deviation = deviation_of(row, problem)

    for i in range(min(3, problem.count)):
        ahead, behind = (loss(moved(row, i, sign * step * deviation), dy, problem) for sign in (1, -1))
        slope = gamma * (ahead - behind) / (2 * step * deviation)

        # The third derivative of xhat is at most 6 / deviation^3, and central differences leave a sixth of it.
        natural = abs(gamma) * sum(map(abs, dy)) / deviation
        assert abs(slope - Fraction(decimals(problem)[0]["dx"][i])) <= 2 * step**2 * natural


def moved(row: list[Fraction], i: int, distance: Fraction) -> list[Fraction]:
    return [value + distance if k == i else value for k, value in enumerate(row)]


def deviation_of(row: list[Fraction], problem: Problem) -> Fraction:
    """sqrt(variance + eps) to 90 digits, by the integer root."""
    mean, variance = mean_of(row), fractions(problem.running_var)[0]
    if problem.training:
        variance = mean_of([(value - mean) ** 2 for value in row])
    shift = 10**180
    return Fraction(isqrt(int((variance + Fraction(problem.eps)) * shift)), 10**90)


def loss(row: list[Fraction], dy: list[Fraction], problem: Problem) -> Fraction:
    """sum(dy xhat), whose slope in x, times gamma, is dx."""
    mean = mean_of(row) if problem.training else fractions(problem.running_mean)[0]
    deviation = deviation_of(row, problem)
    return sum((g * (value - mean) for g, value in zip(dy, row, strict=True)), Fraction(0)) / deviation
