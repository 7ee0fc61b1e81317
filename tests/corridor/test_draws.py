"""Values of strategies from seeds: apart from each other, the same each time, in whichever way Hypothesis is asked."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

import bncheck.draws
from bncheck.draws import drawn, simplest

Draw = Callable[[st.SearchStrategy[int], int], int]
BOTH = pytest.mark.parametrize("draw", [bncheck.draws._drawn_alone, bncheck.draws._drawn_in_a_run])
WIDE = st.integers(0, 2**62)


@BOTH
def test_a_seed_decides_a_value_and_two_seeds_two(draw: Draw) -> None:
    values = [draw(WIDE, number) for number in range(20)]
    assert values == [draw(WIDE, number) for number in range(20)]
    assert len(set(values)) > 15


@BOTH
def test_what_filters_reject_is_drawn_again(draw: Draw) -> None:
    values = {draw(WIDE.filter(lambda value: value % 8 == 3), number) for number in range(20)}
    assert {value % 8 for value in values} == {3}
    assert len(values) > 15


@BOTH
def test_a_strategy_that_rejects_all_is_refused(draw: Draw) -> None:
    with pytest.raises(Unsatisfiable):
        draw(WIDE.filter(lambda value: value < 0), 0)


@BOTH
def test_a_composite_strategy_may_reject_and_its_errors_come_out(draw: Draw) -> None:
    @st.composite
    def odd(draw: st.DrawFn) -> int:
        value = draw(WIDE)
        if value % 8 == 1:
            raise ZeroDivisionError
        assume(value % 8 == 3)
        return value

    with pytest.raises(ZeroDivisionError):
        [draw(odd(), number) for number in range(100)]


@BOTH
def test_a_draw_leaves_the_random_state_of_python_as_it_was(draw: Draw) -> None:
    before = random.getstate()
    draw(WIDE, 5)
    assert random.getstate() == before


def test_this_release_of_hypothesis_can_be_asked_for_a_value_alone() -> None:
    assert bncheck.draws._can_be_alone()


def test_another_release_is_asked_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypothesis.control.BuildContext", None)
    bncheck.draws._can_be_alone.cache_clear()
    try:
        assert drawn(WIDE, 7) == bncheck.draws._drawn_in_a_run(WIDE, 7)
    finally:
        bncheck.draws._can_be_alone.cache_clear()


def test_the_simplest_value_is_that_of_hypothesis() -> None:
    assert simplest(st.lists(st.integers(3, 9), min_size=2)) == [3, 3]
