"""A profile is a claim that is tested: an algorithm of a weaker class exceeds the bound of a stronger one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from bncheck.reference.formats import BFLOAT16, FLOAT32, FLOAT64
from bncheck.reference.oracle import solve
from bncheck.reference.problem import Problem

from . import backward, forward, moments, sums
from .channels import rounded
from .judging import errors_in_bounds
from .machine import Number
from .targets import target_problem
from .zoo import TEXTBOOK, Formats, Member, evaluate

SINGLE = Formats(FLOAT32, FLOAT32, FLOAT32)
DOUBLE = Formats(FLOAT64, FLOAT64, FLOAT64)
HALF = Formats(BFLOAT16, BFLOAT16, BFLOAT16)


def offset_problem(formats: Formats, m: int, deviations: float) -> Problem:
    """Normal data in ascending order around a mean of so many deviations; the new statistics replace the old."""
    random = np.random.default_rng(m)
    x = np.sort(random.standard_normal((8, m)), axis=1) + deviations
    problem = replace(target_problem(random, formats), eps=1e-5, weights=(Fraction(1),))
    return replace(problem, x=rounded(x, formats.x), dy=rounded(random.standard_normal((8, m)), formats.x))


def exceeded(actual: Member, claimed: Member, problem: Problem, formats: Formats) -> set[str]:
    """The quantities on which one algorithm is outside the bound of what another claims."""
    truth = solve(problem, double_double=formats.x is FLOAT64)
    outcome = evaluate(actual, problem, formats)
    errors = errors_in_bounds(outcome, problem, truth, claimed.profile(formats))
    return {name for name, found in errors.items() if np.any(found > 1)}


def in_single(terms: Number) -> Number:
    """Sequential in a float32 accumulator, whatever the arithmetic."""
    narrow = replace(terms.machine, dtype=np.dtype(np.float32))
    return sums.sequential(terms.on(narrow)).on(terms.machine)


def evaluated_at_its_mean(problem: Problem) -> Problem:
    """The same batch in evaluation, around its own mean: no error of a mean hides what the form itself loses."""
    mean = rounded(np.mean(problem.x, axis=1, keepdims=True), FLOAT32)
    return replace(problem, training=False, weights=(), running_mean=mean)


def test_one_pass_is_not_stable() -> None:
    actual = replace(TEXTBOOK, moments=moments.one_pass, variance="one_pass")
    problem = offset_problem(SINGLE, 64, 1e3)

    assert exceeded(actual, replace(actual, variance="stable"), problem, SINGLE) == {
        "y",
        "running_var",
        "dx",
        "dgamma",
    }
    assert exceeded(actual, actual, problem, SINGLE) == set()


@pytest.mark.parametrize("m", [4, 8, 16, 64])
def test_welford_is_not_two_pass(m: int) -> None:
    actual = replace(TEXTBOOK, moments=moments.welford, variance="stable")
    problem = offset_problem(SINGLE, m, 1e3)

    assert exceeded(actual, replace(actual, variance="two_pass"), problem, SINGLE) == {"running_var"}
    assert exceeded(actual, actual, problem, SINGLE) == set()


def test_a_sequential_sum_is_no_tree() -> None:
    problem = offset_problem(SINGLE, 2000, 1e5)

    assert "running_mean" in exceeded(TEXTBOOK, replace(TEXTBOOK, depth="tree"), problem, SINGLE)
    assert exceeded(TEXTBOOK, TEXTBOOK, problem, SINGLE) == set()


@pytest.mark.parametrize("m", [2, 8, 64])
def test_float64_is_not_accumulated_in_float32(m: int) -> None:
    problem = offset_problem(DOUBLE, m, 1.0)

    found = exceeded(replace(TEXTBOOK, total=in_single), TEXTBOOK, problem, DOUBLE)

    assert found == {"y", "running_mean", "running_var", "dx", "dgamma", "dbeta"}
    assert exceeded(TEXTBOOK, TEXTBOOK, problem, DOUBLE) == set()


def test_statistics_kept_in_bfloat16_are_not_kept_in_float32() -> None:
    actual = replace(TEXTBOOK, statistics="parameter")
    problem = offset_problem(HALF, 8, 1.0)

    assert exceeded(actual, TEXTBOOK, problem, HALF) >= {"y", "running_var", "dx", "dgamma"}
    assert exceeded(actual, actual, problem, HALF) == set()


@pytest.mark.parametrize("normalise", [forward.folded, forward.normalised])
def test_a_folded_form_is_not_centred(normalise: forward.Normalise) -> None:
    actual = replace(TEXTBOOK, normalise=normalise, affine="any")
    problem = evaluated_at_its_mean(offset_problem(SINGLE, 8, 1e4))

    assert exceeded(actual, TEXTBOOK, problem, SINGLE) == {"y"}
    assert exceeded(actual, actual, problem, SINGLE) == set()


def test_differentiating_a_folded_form_is_not_centred() -> None:
    actual = replace(TEXTBOOK, evaluation=backward.evaluated_folded, gradient="any")
    drawn = evaluated_at_its_mean(offset_problem(SINGLE, 256, 1e4))
    problem = replace(
        drawn, dy=np.abs(np.asarray(drawn.dy))
    )  # one-sided, so that what the sum loses does not average out

    assert exceeded(actual, TEXTBOOK, problem, SINGLE) == {"dgamma"}
    assert exceeded(actual, actual, problem, SINGLE) == set()
