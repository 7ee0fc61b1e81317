"""What counts as the same fact."""

from __future__ import annotations

import numpy as np
import pytest

from bncheck.case import Case, Native
from bncheck.causes.observation import facts
from bncheck.causes.probes import probe
from bncheck.outcome import Outcome
from bncheck.performance import Performance


def seen(dy: Native, dx: Native, dgamma: Native) -> tuple[Native, Native]:
    case = probe("float32", (2, 2), "train", 5).changed(dy=dy)
    outcome = Outcome(case.x, None, None, None, dx, dgamma, None)

    def perform(case: Case) -> Performance:
        raise AssertionError(case)

    found = facts(case, lambda _case: outcome, perform)
    one, other = found["dx"], found["dgamma"]
    assert isinstance(one, np.ndarray)
    assert isinstance(other, np.ndarray)
    return one, other


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_where_dy_is_not_finite_no_gradient_has_an_infinity_of_its_own(value: float) -> None:
    dx = np.array([[1, -np.inf], [2, 3]], np.float32)

    found, dgamma = seen(np.array([[1, 1], [1, value]], np.float32), dx, np.array([0, np.inf], np.float32))

    np.testing.assert_array_equal(found, np.array([[1, np.nan], [2, 3]], np.float32))
    np.testing.assert_array_equal(dgamma, np.array([0, np.nan], np.float32))
    assert found.dtype == dgamma.dtype == np.float32


def test_where_dy_is_finite_an_infinity_is_told() -> None:
    dx = np.array([[1, -np.inf], [2, 3]], np.float32)

    found, dgamma = seen(np.ones((2, 2), np.float32), dx, np.array([np.inf, 0], np.float32))

    np.testing.assert_array_equal(found, dx)
    np.testing.assert_array_equal(dgamma, np.array([np.inf, 0], np.float32))
