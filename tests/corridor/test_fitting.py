"""A case is fitted to what a target can be asked, and left alone where it can be asked."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bncheck.adapter import Adapter
from bncheck.capabilities import Capabilities
from bncheck.case import Case, channel_major
from bncheck.dialect import Dialect
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.regions import TRAINING
from bncheck.shapes import fitted_shape, free_plans, other_shape

CASES = TRAINING.cases("float16", plans=None, largest=64)
EVERYTHING = Capabilities(dtypes=("float16",), plain=True, cumulative=True)


def fitted(case: Case, capabilities: Capabilities, dialect: Dialect | None = None) -> Case:
    adapter = Adapter()
    adapter.capabilities, adapter.dialect = capabilities, dialect or Dialect()
    return fit(case, Implementation("target", adapter))


@given(CASES)
def test_a_case_that_fits_stays_the_very_object(case: Case) -> None:
    assert fitted(case, EVERYTHING) is case


@given(CASES, st.sampled_from([(2,), (2, 3), (4,), (5,), (3, 4)]))
def test_ranks_change_without_moving_a_value_between_channels(case: Case, ranks: tuple[int, ...]) -> None:
    found = fitted(case, replace(EVERYTHING, ranks=ranks))
    assert found.x.ndim in ranks
    assert np.array_equal(channel_major(found.x), channel_major(case.x))


@given(free_plans(largest=64), st.sampled_from([(2, 3), (4,), (5,), (3,), (2, 3, 4, 5)]))
def test_another_shape_holds_the_same_channels(plan: object, ranks: tuple[int, ...]) -> None:
    shape = fitted_shape(plan.shape, ranks)  # type: ignore[attr-defined]  # Plan, whose strategy is untyped
    other = other_shape(shape, ranks, ladder=False)
    if max(ranks) > 2 and np.prod(shape) > shape[1]:
        assert other is not None
        assert other != shape
        assert len(other) in ranks
        assert (other[1], np.prod(other)) == (shape[1], np.prod(shape))


@given(CASES, st.integers(1, 5))
def test_channels_follow_the_instance(case: Case, channels: int) -> None:
    found = fitted(case, replace(EVERYTHING, channels=channels))
    assert found.channels == channels
    assert found.running_mean is not None
    assert found.running_mean.shape == (channels,)


@given(CASES)
def test_parameters_follow_what_is_offered(case: Case) -> None:
    assert fitted(case, replace(EVERYTHING, affine=False)).gamma is None
    assert fitted(case, replace(EVERYTHING, plain=False)).gamma is not None
    mixed = fitted(case, replace(EVERYTHING, uniform=False))
    assert mixed.running_mean is not None
    assert mixed.running_mean.dtype == np.float32
    uniform = fitted(case, replace(EVERYTHING, mixed=False))
    assert uniform.running_mean is not None
    assert uniform.running_mean.dtype == np.float16


@given(CASES)
def test_a_number_stands_in_for_the_cumulative_average(case: Case) -> None:
    found = fitted(case, replace(EVERYTHING, cumulative=False))
    assert found.momentum is not None
    assert float(found.weights()[0]) == pytest.approx(float(case.weights()[0]))


@given(CASES)
def test_fixed_numbers_of_an_instance_are_taken(case: Case) -> None:
    found = fitted(case, replace(EVERYTHING, eps=0.25, fixed_momentum=0.75))
    assert (found.eps, found.momentum) == (0.25, 0.75)


@given(CASES)
def test_the_weight_of_the_old_statistics_is_exact_where_that_is_what_is_given(case: Case) -> None:
    found = fitted(case, EVERYTHING, Dialect(momentum="old"))
    if found.momentum is not None:
        assert Fraction(1 - found.momentum) == 1 - Fraction(found.momentum)
        assert abs(found.momentum - (case.momentum or 0.0)) <= 2**-54
