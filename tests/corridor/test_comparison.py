"""Comparisons: what passes, what fails, what is inconclusive, and how it is said."""

from __future__ import annotations

import numpy as np
import pytest

from bncheck.comparison import against_truth, compare, native_index, same_bits
from bncheck.reference.bounds import Bound
from bncheck.reference.oracle import Exact

EXACT = Exact(np.array([[1.0, 2.0, 3.0]]), np.zeros((1, 3)))
SHAPE = (3, 1)


def bound(largest: float = 0.5, *, scale: float = 10.0, judged: bool = True) -> Bound:
    whole = np.ones((1, 3))
    return Bound(largest * whole, scale * whole, whole.astype(bool) & judged)


def test_an_error_equal_to_the_bound_passes() -> None:
    found = compare("y", np.array([[1.5, 2.0, 3.0]]), EXACT, bound(), SHAPE)
    assert not found.fails
    assert found.ratio == 1.0


def test_an_error_just_above_the_bound_fails_at_its_native_index() -> None:
    found = compare("y", np.array([[1.0, 2.5 + 2**-50, 3.0]]), EXACT, bound(), SHAPE)
    assert found.fails
    assert found.worst is not None
    assert found.worst.index == (1, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_fails(value: float) -> None:
    assert compare("y", np.array([[value, 2.0, 3.0]]), EXACT, bound(), SHAPE).fails


def test_no_error_at_all_passes_a_bound_of_zero_and_any_error_fails_it() -> None:
    assert not compare("y", EXACT.hi, EXACT, bound(0.0), SHAPE).fails
    assert compare("y", EXACT.hi + 2**-40, EXACT, bound(0.0), SHAPE).fails


def test_elements_whose_bound_exceeds_the_signal_decide_nothing() -> None:
    found = compare("y", EXACT.hi, EXACT, bound(scale=0.1), SHAPE)
    assert (found.elements.judged, found.elements.inconclusive) == (0, 3)
    assert not found.decides


def test_elements_outside_the_domain_are_counted_and_never_fail() -> None:
    found = compare("y", EXACT.hi + 99, EXACT, bound(judged=False), SHAPE)
    assert (found.elements.not_judged, found.fails, found.decides) == (3, False, False)


def test_an_infinite_bound_allows_everything_and_decides_nothing() -> None:
    found = compare("y", np.full((1, 3), np.nan), EXACT, bound(np.inf), SHAPE)
    assert (found.fails, found.elements.inconclusive) == (False, 3)


def test_the_message_gives_the_value_then_what_was_expected_then_what_was_allowed() -> None:
    found = compare("y", np.array([[1.0, 2.0, 5.0]]), EXACT, bound(), SHAPE)
    assert found.message() == "y[2, 0] is 5, expected 3: off by 2, allowed 0.5 (4 times the bound)"


def test_a_wrong_shape_is_told_before_any_number() -> None:
    found = against_truth("y", np.zeros((3, 2), np.float32), EXACT, bound(), SHAPE)
    assert found.fails
    assert found.message() == "y has shape (3, 2), but should have (3, 1)"


def test_a_missing_quantity_fails() -> None:
    assert against_truth("y", None, EXACT, bound(), SHAPE).message() == "y is missing from the outcome"


def test_integers_are_no_floating_point_format() -> None:
    found = against_truth("y", np.zeros((3, 1), np.int64), EXACT, bound(), SHAPE)
    assert found.message() == "y has dtype int64, but should be a floating-point format"


def test_the_low_part_of_the_exact_value_counts() -> None:
    exact = Exact(np.array([[1.0]]), np.array([[2.0**-60]]))
    limit = Bound(np.array([[2.0**-61]]), np.array([[1.0]]), np.array([[True]]))
    assert compare("y", np.array([[1.0]]), exact, limit, (1,)).ratio == pytest.approx(2)


def test_the_same_numbers_with_another_sign_of_zero_are_other_bits() -> None:
    assert same_bits("running_mean", np.array([0.0, 1.0]), np.array([0.0, 1.0])).fails is False
    assert same_bits("running_mean", np.array([-0.0, 1.0]), np.array([0.0, 1.0])).fails


def test_the_same_numbers_in_another_dtype_are_told() -> None:
    found = same_bits("running_mean", np.ones(1, np.float64), np.ones(1, np.float32))
    assert found.message() == "running_mean has dtype float64, but was given as float32"


def test_a_row_and_a_column_name_an_element_of_the_native_shape() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    rows = np.moveaxis(values, 1, 0).reshape(3, 8)
    assert all(
        rows[row, column] == values[native_index(row, column, values.shape)]
        for row in range(3)
        for column in range(8)
    )
