"""Bugs just above rounding are outside the bound of the default claim, in every example and every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pytest

from bncheck.reference.formats import BFLOAT16, FLOAT16, FLOAT32, FLOAT64
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import host_profile

from .backward import Gradients
from .forward import Statistics, scaled_last
from .judging import errors_in_bounds
from .machine import Number
from .moments import two_pass
from .sums import Sum
from .targets import target_problem
from .zoo import TEXTBOOK, Formats, Member, Outcome, evaluate

EXAMPLES = 60
FORMATS = (
    Formats(FLOAT64, FLOAT64, FLOAT64),
    Formats(FLOAT32, FLOAT32, FLOAT32),
    Formats(FLOAT16, FLOAT32, FLOAT32),
    Formats(BFLOAT16, FLOAT32, FLOAT32),
)
Planted: TypeAlias = Callable[[Problem, Formats], Outcome]


def correct(problem: Problem, formats: Formats) -> Outcome:
    return evaluate(TEXTBOOK, problem, formats)


def gamma_times(factor: float) -> Planted:
    """gamma off by a relative error."""

    def normalise(x: Number, s: Statistics) -> Number:
        return scaled_last(x, replace(s, gamma=s.gamma * x.constant(factor)))

    return planted(replace(TEXTBOOK, normalise=normalise))


def planted(member: Member) -> Planted:
    return lambda problem, formats: evaluate(member, problem, formats)


def normalised_by_unbiased(x: Number, total: Sum) -> tuple[Number, Number]:
    mean, variance = two_pass(x, total)
    return mean, variance * x.constant(x.count / (x.count - 1))


def eps_outside_the_root(x: Number, s: Statistics) -> Number:
    return s.gamma * ((x - s.mean) / (s.variance.root() + (s.w - s.variance))) + s.beta


def without_bessel(problem: Problem, formats: Formats) -> Outcome:
    return evaluate(TEXTBOOK, replace(problem, biased=True), formats)


def without_the_mean_term(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    xhat = (x - s.mean) * s.r
    dbeta, dgamma = total(dy), total(dy * xhat)
    return s.gamma * s.r * (dy - xhat * (dgamma / x.constant(x.count))), dgamma, dbeta


def without_the_xhat_term(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    dbeta, dgamma = total(dy), total(dy * (x - s.mean) * s.r)
    return s.gamma * s.r * (dy - dbeta / x.constant(x.count)), dgamma, dbeta


STRUCTURAL: dict[str, tuple[Planted, str]] = {
    "unbiased_variance_in_the_normalisation": (
        planted(replace(TEXTBOOK, moments=normalised_by_unbiased)),
        "y",
    ),
    "eps_outside_the_root": (planted(replace(TEXTBOOK, normalise=eps_outside_the_root)), "y"),
    "biased_running_variance": (without_bessel, "running_var"),
    "mean_term_dropped_from_dx": (planted(replace(TEXTBOOK, train=without_the_mean_term)), "dx"),
    "xhat_term_dropped_from_dx": (planted(replace(TEXTBOOK, train=without_the_xhat_term)), "dx"),
}
SMALLEST = {"float64": 1e-13, "float32": 1e-5, "float16": 3e-4, "bfloat16": 1e-3}


def share_detected(bug: Planted, quantity: str, formats: Formats) -> float:
    """Of the examples, how many show an error above the bound that a stable algorithm of these formats claims."""
    random, profile = np.random.default_rng(6), host_profile(formats.x, formats.parameters, formats.running)
    found = []
    for _ in range(EXAMPLES):
        problem = target_problem(random, formats)
        truth: Truth = solve(problem, double_double=formats.x is FLOAT64)
        errors = errors_in_bounds(bug(problem, formats), problem, truth, profile)
        found.append(bool(np.any(errors[quantity] > 1)))
    return float(np.mean(found))


@pytest.mark.parametrize("formats", FORMATS, ids=lambda formats: formats.name)
@pytest.mark.parametrize(("bug", "quantity"), STRUCTURAL.values(), ids=STRUCTURAL)
def test_a_structural_bug_shows_in_every_target_example(
    bug: Planted, quantity: str, formats: Formats
) -> None:
    assert share_detected(bug, quantity, formats) == 1.0


@pytest.mark.parametrize("formats", FORMATS, ids=lambda formats: formats.name)
def test_a_gamma_off_by_little_more_than_rounding_shows_in_every_target_example(formats: Formats) -> None:
    assert share_detected(gamma_times(1 + SMALLEST[formats.x.name]), "y", formats) == 1.0


@pytest.mark.parametrize("formats", FORMATS, ids=lambda formats: formats.name)
@pytest.mark.parametrize("quantity", ["y", "running_mean", "running_var", "dx", "dgamma", "dbeta"])
def test_the_same_algorithm_without_a_bug_never_shows(quantity: str, formats: Formats) -> None:
    assert share_detected(correct, quantity, formats) == 0.0
