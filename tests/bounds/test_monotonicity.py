"""A weaker claim never lowers a bound: larger roundoff, deeper sums, a weaker class, looser operations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bncheck.reference.bounds import bounds
from bncheck.reference.formats import BFLOAT16, FLOAT32, FLOAT64
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Profile, host_profile
from bncheck.reference.summation import Summation

from .channels import problem_of
from .zoo import Formats

STRICT = replace(
    host_profile(FLOAT32, FLOAT32, FLOAT32),
    variance="two_pass",
    affine="centred",
    backward="centred",
    depth="tree",
    flush_to_zero=False,
)

# What is claimed more strongly, and the same claimed more weakly.
WEAKER: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "roundoff": (
        dict.fromkeys(
            ("arithmetic", "accumulator", "statistics", "update", "running", "output", "parameters"), FLOAT64
        ),
        {},
    ),
    "statistics": ({}, {"statistics": BFLOAT16}),
    "update": ({}, {"update": BFLOAT16, "running": BFLOAT16}),
    "output": ({}, {"output": BFLOAT16}),
    "parameters": ({}, {"parameters": BFLOAT16}),
    "cotangents": ({}, {"cotangents": BFLOAT16}),
    "stable": ({}, {"variance": "stable"}),
    "one_pass": ({"variance": "stable"}, {"variance": "one_pass"}),
    "clipped": ({"variance": "one_pass"}, {"variance": "one_pass", "clipped": False}),
    "affine": ({}, {"affine": "any"}),
    "backward": ({}, {"backward": "any"}),
    "depth": ({}, {"depth": "any"}),
    "depth_of_welford": ({"variance": "stable"}, {"variance": "stable", "depth": "any"}),
    "inverse_root": ({}, {"rsqrt_error": 5.0}),
    "division": ({}, {"division_error": 5.0}),
    "underflow": ({}, {"flush_to_zero": True}),
    "lattice": ({}, {"lattice": False}),
}


def random_problem(seed: int) -> tuple[Problem, Truth]:
    """A hostile float32 problem, in training mostly."""
    random, single = np.random.default_rng(seed), Formats(FLOAT32, FLOAT32, FLOAT32)
    m = int(random.integers(2, 40))
    problem = problem_of(random, m, channels=8, formats=single, training=seed % 4 > 0)
    return problem, solve(problem, double_double=False)


@pytest.mark.parametrize(("strong", "weak"), WEAKER.values(), ids=WEAKER)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_weaker_claim_never_lowers_a_bound(
    strong: dict[str, object], weak: dict[str, object], seed: int
) -> None:
    problem, truth = random_problem(seed)
    lower = bounds(problem, truth, changed(STRICT, strong))
    upper = bounds(problem, truth, changed(STRICT, weak))

    lowered = {name for name in lower if np.any(lower[name].largest > upper[name].largest)}

    assert lowered == set()


def changed(profile: Profile, fields: dict[str, object]) -> Profile:
    """The profile with some of its fields replaced."""
    return replace(profile, **fields)  # type: ignore[arg-type]  # the table above names fields and their values


@given(depth=st.integers(1, 10**6), more=st.integers(1, 10**6), extra=st.integers(0, 20))
def test_a_deeper_sum_never_errs_less(depth: int, more: int, extra: int) -> None:
    summation = Summation(STRICT, 2)

    assert summation.growth_of_depth(depth, extra) <= summation.growth_of_depth(depth + more, extra)


@given(count=st.integers(2, 10**6), extra=st.integers(0, 20))
def test_no_sum_errs_less_than_a_tree(count: int, extra: int) -> None:
    tree, any_order = Summation(STRICT, count), Summation(replace(STRICT, depth="any"), count)

    assert tree.growth(extra) <= any_order.growth(extra)
    assert tree.welford_growth <= any_order.welford_growth
