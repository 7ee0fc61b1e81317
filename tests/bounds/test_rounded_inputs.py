"""float64 that is computed in float32: the bound allows what the rounding of the inputs changes, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bncheck.reference.bounds import bounds
from bncheck.reference.formats import FLOAT32, FLOAT64, Array
from bncheck.reference.oracle import solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Profile, host_profile

from .channels import SIZES, problem_of
from .judging import errors_in_bounds
from .zoo import Formats, Member, evaluate, sample

DOUBLE, SINGLE = Formats(FLOAT64, FLOAT64, FLOAT64), Formats(FLOAT32, FLOAT32, FLOAT32)
MEMBERS = sample(30011)


def demoted(profile: Profile) -> Profile:
    return replace(profile, inputs=FLOAT32)


def problems(*, training: bool) -> list[Problem]:
    """float64 numbers of every size that float32 has, and digits that it has not."""
    random = np.random.default_rng(31)
    found = [problem_of(random, m, channels=10, formats=SINGLE, training=training) for m in SIZES if m <= 64]
    return [_with_more_digits(random, problem) for problem in found]


def _with_more_digits(random: np.random.Generator, problem: Problem) -> Problem:
    def more(values: Array | None) -> Array | None:
        return None if values is None else values * (1 + 2.0**-20 * random.standard_normal(values.shape))

    return replace(
        problem,
        x=problem.x * (1 + 2.0**-20 * random.standard_normal(problem.x.shape)),
        dy=more(problem.dy),
        gamma=more(problem.gamma),
        beta=more(problem.beta),
        running_mean=more(problem.running_mean),
        running_var=more(problem.running_var),
    )


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_float32_on_rounded_inputs_never_exceeds_the_bound(member: Member, mode: str) -> None:
    profile = demoted(member.profile(SINGLE))
    for seed, problem in enumerate(problems(training=mode == "train")):
        truth = solve(problem, double_double=True)
        outcome = evaluate(member, problem.rounded(FLOAT32), SINGLE, seed=seed)
        for name, errors in errors_in_bounds(outcome, problem, truth, profile).items():
            assert np.max(errors) <= 1, name


def test_float64_itself_never_exceeds_it() -> None:
    member = MEMBERS[0]
    for seed, problem in enumerate(problems(training=True)):
        truth = solve(problem, double_double=True)
        outcome = evaluate(member, problem, DOUBLE, seed=seed)
        for name, errors in errors_in_bounds(
            outcome, problem, truth, demoted(member.profile(SINGLE))
        ).items():
            assert np.max(errors) <= 1, name


def test_the_bound_is_that_of_float32_where_nothing_is_rounded() -> None:
    random, profile = np.random.default_rng(3), host_profile(FLOAT32, FLOAT32, FLOAT32)
    problem = problem_of(random, 8, channels=20, formats=SINGLE, training=True)
    truth = solve(problem, double_double=True)
    plain, allowed = bounds(problem, truth, profile), bounds(problem, truth, demoted(profile))
    for name, limit in plain.items():
        judged = limit.judged & np.isfinite(limit.largest)
        assert np.array_equal(judged, allowed[name].judged & np.isfinite(limit.largest))
        assert np.allclose(limit.largest[judged], allowed[name].largest[judged], rtol=2.0**-20)


def test_a_wrong_variance_exceeds_it() -> None:
    profile, seen = demoted(host_profile(FLOAT32, FLOAT32, FLOAT32)), 0
    for problem in problems(training=True):
        truth = solve(problem, double_double=True)
        limit = bounds(problem, truth, profile)
        if "running_var" not in limit or problem.biased or problem.count > 8:
            continue
        wrong = solve(replace(problem, biased=True), double_double=True)
        assert truth.running_var is not None
        assert wrong.running_var is not None
        error = truth.running_var.error_of(wrong.running_var.hi)
        seen += int(np.count_nonzero(limit["running_var"].judged & (error > limit["running_var"].largest)))
    assert seen > 10
