"""The oracle that judges, double-double or float64, agrees with decimal arithmetic far below what is judged."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from bncheck.reference.bounds import bounds
from bncheck.reference.exact import solve_exactly
from bncheck.reference.formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, Array, Format
from bncheck.reference.oracle import Exact, Truth, solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Profile, host_profile
from bncheck.reference.self_check import check_oracle_against_itself

from .wide import wide_problem

SHARE = 2.0**-20
# Of the natural size: what 80 digits lose themselves, where the bound is as good as zero (an exact mean, say).
DECIMAL = 1e-75


def strictest(stored: Format) -> Profile:
    """The strongest claim in these formats: the lowest bounds that anything is judged by."""
    profile = host_profile(stored, stored, stored)
    return replace(profile, variance="two_pass", affine="centred", backward="centred", depth="tree")


def shares_of_bound(truth: Truth, problem: Problem, profile: Profile) -> dict[str, float]:
    """Quantity to the largest difference between `truth` and decimal arithmetic, over the bound, where judged."""
    limits, sizes = bounds(problem, truth, profile), natural_sizes(problem, truth)
    found = {}
    for name, exact in solve_exactly(problem).items():
        if name in limits:
            difference = np.maximum(difference_of(getattr(truth, name), exact) - DECIMAL * sizes[name], 0)
            judged = limits[name].judged & np.isfinite(limits[name].largest)
            found[name] = float(np.max(np.where(judged, difference / limits[name].largest, 0.0)))
    return found


def difference_of(ours: Exact, exact: Exact) -> Array:
    return np.asarray(np.abs((ours.hi - exact.hi) + (ours.lo - exact.lo)))


def natural_sizes(problem: Problem, truth: Truth) -> dict[str, Array]:
    """What the errors of each quantity are relative to, (C, 1): its terms before they cancel."""
    assert problem.dy is not None
    assert problem.running_mean is not None
    assert problem.running_var is not None
    m, r = problem.count, truth.inverse_std
    x = np.max(np.abs(problem.x), axis=1, keepdims=True) + np.abs(truth.mean)
    dy = np.max(np.abs(problem.dy), axis=1, keepdims=True)
    gamma = np.ones_like(r) if problem.gamma is None else np.abs(problem.gamma)
    beta = np.zeros_like(r) if problem.beta is None else np.abs(problem.beta)
    reach = 1 + x * r  # x in deviations
    return {
        "y": gamma * np.sqrt(m) * reach + beta,
        "running_mean": x + np.abs(problem.running_mean),
        "running_var": 2 * np.sqrt(truth.variance) * x + 2 * truth.variance + np.abs(problem.running_var),
        "dx": gamma * r * m * dy * reach,
        "dgamma": m**1.5 * dy * reach,
        "dbeta": m * dy,
    }


@pytest.mark.parametrize("seed", range(80))
def test_double_double_is_a_millionth_of_the_bound_of_float64(seed: int) -> None:
    problem = wide_problem(seed)

    shares = shares_of_bound(solve(problem, double_double=True), problem, strictest(FLOAT64))

    assert {name: share for name, share in shares.items() if share > SHARE} == {}


@pytest.mark.parametrize("seed", range(80))
def test_double_double_is_right_to_thirty_digits_of_the_natural_size(seed: int) -> None:
    problem = wide_problem(seed)
    truth = solve(problem, double_double=True)
    sizes = natural_sizes(problem, truth)

    # Sixteen units of 2^-106: a few for each of the operations, whose errors rarely have one sign.
    worst = {
        name: float(np.max(difference_of(getattr(truth, name), exact) / sizes[name]))
        for name, exact in solve_exactly(problem).items()
    }
    assert {name: error for name, error in worst.items() if error > 2.0**-102} == {}


@pytest.mark.parametrize("stored", [FLOAT32, BFLOAT16, FLOAT16], ids=lambda stored: stored.name)
@pytest.mark.parametrize("seed", range(40))
def test_float64_is_a_millionth_of_the_bound_below_it(seed: int, stored: Format) -> None:
    problem = wide_problem(seed, stored)

    shares = shares_of_bound(solve(problem, double_double=False), problem, strictest(stored))

    assert {name: share for name, share in shares.items() if share > SHARE} == {}


@pytest.mark.parametrize(
    ("quantity", "changed"),
    [
        ("y", {"eps": 1.001e-3}),
        ("running_var", {"biased": True}),
        ("dx", {"training": False}),
        ("dgamma", {"eps": 1.001e-3}),
    ],
)
@pytest.mark.parametrize("double_double", [True, False])
def test_an_oracle_of_another_problem_is_noticed(
    quantity: str, changed: dict[str, object], *, double_double: bool
) -> None:
    problem = replace(wide_problem(1), eps=1e-3, training=True)
    wrong = replace(problem, **changed)  # type: ignore[arg-type]  # the table above names fields and their values

    shares = shares_of_bound(solve(wrong, double_double=double_double), problem, strictest(FLOAT64))

    assert shares[quantity] > 1


@pytest.mark.parametrize("quantity", ["y", "dx", "dgamma", "running_mean", "running_var"])
def test_float64_is_not_exact_enough_to_judge_float64(quantity: str) -> None:
    shares = [
        shares_of_bound(solve(problem, double_double=False), problem, strictest(FLOAT64))
        for problem in (wide_problem(seed) for seed in (1, 2, 3, 6, 7, 9))
    ]

    assert max(share.get(quantity, 0.0) for share in shares) > SHARE


def test_an_error_below_the_last_digit_of_float64_is_kept() -> None:
    exact = Exact(np.array([1.0]), np.array([2.0**-60]))

    assert exact.error_of(np.array([1.0])) == 2.0**-60
    assert exact.error_of(np.array([1 + 2.0**-52])) == 2.0**-52 - 2.0**-60


def test_a_difference_of_exact_numbers_keeps_their_low_parts() -> None:
    left, right = (
        Exact(np.array([1.0]), np.array([2.0**-60])),
        Exact(np.array([1.0]), np.array([-(2.0**-70)])),
    )

    difference = left.minus(right)

    assert difference.hi + difference.lo == 2.0**-60 + 2.0**-70


@pytest.mark.parametrize("double_double", [True, False])
@pytest.mark.parametrize("seed", [1, 4])
def test_solving_writes_into_no_input(seed: int, *, double_double: bool) -> None:
    problem = wide_problem(seed)
    before = {name: array.copy() for name, array in arrays_of(problem).items()}
    for array in arrays_of(problem).values():
        array.flags.writeable = False

    solve(problem, double_double=double_double)
    solve_exactly(problem)

    assert all(np.array_equal(array, before[name]) for name, array in arrays_of(problem).items())


def arrays_of(problem: Problem) -> dict[str, Array]:
    values = {field.name: getattr(problem, field.name) for field in fields(problem)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def test_the_check_that_ships_compares_numbers_of_every_quantity() -> None:
    assert check_oracle_against_itself() > 1000
