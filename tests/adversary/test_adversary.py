"""No choice of rounding errors exceeds a bound, and some choice comes near every one of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import islice

import numpy as np
import pytest
from bounds import forward
from bounds.zoo import TEXTBOOK

from bncheck.reference.formats import Format
from bncheck.reference.problem import Problem

from .algorithms import in_order
from .inputs import LOW_PRECISION, drawn, to
from .search import QUANTITIES, Duel, attained
from .table import Fought, duels

BUDGET = 160


@cache
def fought() -> tuple[Fought, ...]:
    """A fixed number of duels, of up to 5 values a channel."""
    return tuple(islice(duels(2024, largest=5), BUDGET))


def worst(name: str) -> float:
    """The largest error in bounds."""
    return max(each.worst.get(name, 0.0) for each in fought())


@pytest.mark.parametrize("name", QUANTITIES)
def test_no_choice_of_rounding_errors_exceeds_the_bound(name: str) -> None:
    assert worst(name) <= 1


@pytest.mark.parametrize("name", QUANTITIES)
def test_some_choice_of_rounding_errors_comes_within_half_of_the_bound(name: str) -> None:
    assert worst(name) >= 0.5


def test_every_class_of_variance_takes_part() -> None:
    assert {each.duel.member.variance for each in fought()} == {"two_pass", "stable", "one_pass"}


def forgetful(random: np.random.Generator, stored: Format, *, weight: float) -> Problem:
    """A step with a large weight, after which almost nothing remains of the old mean and the batch's."""
    problem = replace(drawn(random, stored, largest=2), training=True, weights=(Fraction(weight),))
    old = -np.mean(problem.x, axis=1, keepdims=True) * weight / (1 - weight)
    return replace(problem, running_mean=to(stored, old))


@pytest.mark.parametrize("stored", LOW_PRECISION, ids=lambda stored: stored.name)
@pytest.mark.parametrize("weight", [0.7, 0.9])
def test_a_weight_that_is_one_minus_a_decay_errs_absolutely_in_a_step_too(
    weight: float, stored: Format
) -> None:
    random, member = np.random.default_rng(0), replace(TEXTBOOK, total=in_order, update=forward.by_step_back)
    problems = [forgetful(random, stored, weight=weight) for _ in range(6)]
    reached = [attained(Duel.of(member, each, stored), random)["running_mean"] for each in problems]

    assert 0.9 < max(reached) <= 1


def far_from_zero(random: np.random.Generator, stored: Format) -> Problem:
    """An evaluation where x and the mean are a thousand times larger than what remains of them in y."""
    problem, mean = drawn(random, stored, largest=3), random.uniform(1, 2, (1, 1))
    x = mean * (1 + 1e-3 * random.standard_normal(problem.x.shape))
    return replace(
        problem,
        training=False,
        weights=(),
        x=to(stored, x),
        running_mean=to(stored, mean),
        running_var=to(stored, 1e-6 * random.uniform(1, 4, (1, 1))),
        beta=to(stored, 0.01 * np.asarray(problem.gamma)),
        eps=1e-9,
    )


@pytest.mark.parametrize("stored", LOW_PRECISION, ids=lambda stored: stored.name)
def test_two_roundings_of_a_large_x_count_together_in_a_folded_form(stored: Format) -> None:
    random = np.random.default_rng(0)
    member = replace(TEXTBOOK, total=in_order, normalise=forward.folded, affine="any")
    problems = [far_from_zero(random, stored) for _ in range(6)]
    reached = [attained(Duel.of(member, each, stored), random)["y"] for each in problems]

    assert 0.9 < max(reached) <= 1
