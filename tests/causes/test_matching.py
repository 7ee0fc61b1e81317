"""What counts as the same output: rounding errors of either side, and nothing more."""

from __future__ import annotations

import numpy as np
import pytest

from bncheck.causes.matching import Limits, Run, matches, within
from bncheck.causes.observation import Facts


def facts(values: object, dtype: str = "float32") -> Facts:
    return {"raised": False, "y": np.array(values, dtype)}


def fits(actual: Facts, ours: Facts, wide: Facts | None = None, rounds_to: str | None = None) -> bool:
    return matches(actual, Run(ours, ours if wide is None else wide), Limits(), rounds_to)["y"].fits


def test_one_rounding_is_let_pass() -> None:
    assert fits(facts([[1.0, 2.0]]), facts([[1.0 + 2**-23, 2.0]]))


@pytest.mark.parametrize("times", [1 + 1e-5, 1 - 1e-5, 1.0003])
def test_a_factor_beyond_rounding_is_not(times: float) -> None:
    assert not fits(facts([[1.0, 2.0]]), facts([[times, 2 * times]]))


def test_what_the_two_arithmetics_differ_by_is_let_pass_some_times() -> None:
    ours, wide = facts([[1.0], [1.001]]), facts([[1.0], [1.0]])

    assert fits(facts([[1.0], [1.004]]), ours, wide)
    assert not fits(facts([[1.0], [1.02]]), ours, wide)


def test_the_noise_of_one_channel_excuses_no_other() -> None:
    ours, wide = facts([[1.0, 1.001]]), facts([[1.0, 1.0]])

    assert not fits(facts([[1.004, 1.0]]), ours, wide)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_has_to_be_the_same(value: float) -> None:
    assert fits(facts([[value, 1.0]]), facts([[value, 1.0]]))
    assert not fits(facts([[value, 1.0]]), facts([[1.0, 1.0]]))
    assert not fits(facts([[1.0, 1.0]]), facts([[value, 1.0]]))


def test_another_dtype_or_shape_is_another_output() -> None:
    assert not fits(facts([[1.0]]), facts([[1.0]], "float64"))
    assert not fits(facts([[1.0]]), facts([1.0]))


def test_close_to_a_tie_a_narrow_format_may_round_the_other_way() -> None:
    ours = np.ones((16, 1), np.float32)
    one = ours.copy()
    one[3] += 2**-10
    several = ours + 2**-10

    assert fits(facts(one), facts(ours), rounds_to="float16")
    assert not fits(facts(one), facts(ours))
    assert not fits(facts(several), facts(ours), rounds_to="float16")


def test_of_what_raises_nothing_else_is_compared() -> None:
    raised: Facts = {"raised": True, "refused": True}

    assert not matches(raised, Run(facts([[1.0]]), facts([[1.0]])), Limits(), None)["raised"].fits
    assert matches(raised, Run(raised, raised), Limits(), None)["raised"].fits


def test_within_its_bounds_an_array_may_be_any() -> None:
    actual, exact, largest = (np.array([[value]]) for value in (1.25, 1.0, 0.5))
    match = within(actual, exact, np.abs(actual - exact), largest)

    assert match is not None
    assert match.derived
    assert match.used == 0.5
    assert within(actual, exact, np.abs(actual - exact), largest / 4) is None


def test_without_a_bound_the_error_of_a_finite_number_is_not_judged() -> None:
    one, none = np.array([[1.0]]), np.array([[np.nan]])

    assert within(none, one, none, np.array([[np.inf]])) is not None
    assert within(none, one, none, one) is None


def test_what_is_not_finite_in_truth_has_to_be_the_same_within_bounds() -> None:
    one, none, bound = np.array([[1.0]]), np.array([[np.nan]]), np.array([[np.inf]])

    assert within(none, none, none, bound) is not None
    assert within(one, none, none, bound) is None


MANY: Facts = {
    "raised": False,
    "y": np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32),
    "dx": np.array([[0.5, 0.25], [2.0, 8.0], [1.0, 1.0]], np.float16),
    "running_mean": np.array([1.0, 100.0], np.float64),
    "running_var": np.array([1.0, 1e-3], np.float32),
    "batches": 3,
}
FACTS = [name for name in MANY if name != "raised"]


def changed(name: str, factor: float, place: int = 0) -> Facts:
    """One number of a fact times a factor."""
    value = MANY[name]
    if not isinstance(value, np.ndarray):
        return MANY | {name: 4}
    other = value.copy()
    other.flat[place] *= factor
    return MANY | {name: other}


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("place", [0, 1])
def test_of_many_facts_the_one_that_is_another_is_told(name: str, place: int) -> None:
    found = matches(changed(name, 1.01, place), Run(MANY, MANY), Limits(), None)

    assert [each for each in FACTS if not found[each].fits] == [name]
    assert list(found) == list(MANY)


def test_a_bound_is_that_of_its_own_fact() -> None:
    limits = Limits({"running_var": np.array([0.5, 0.0], np.longdouble)})

    for name, place, fitting in (
        ("running_var", 0, True),
        ("running_var", 1, False),
        ("running_mean", 0, False),
    ):
        found = matches(changed(name, 1.01, place), Run(MANY, MANY), limits, None)
        assert found[name].fits is fitting


def test_the_noise_of_one_fact_excuses_no_other() -> None:
    noisy = changed("y", 1.01)

    for name in ("dx", "running_mean", "running_var"):
        assert not matches(changed(name, 1.01), Run(MANY, noisy), Limits(), None)[name].fits


def test_arrays_without_a_number_are_alike() -> None:
    empty: Facts = {"raised": False, "y": np.zeros((0, 2), np.float32), "dgamma": np.zeros(2, np.float32)}

    assert all(match.fits for match in matches(empty, Run(empty, empty), Limits(), None).values())
