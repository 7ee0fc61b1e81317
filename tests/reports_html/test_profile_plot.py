"""The plots of the error profile: every number stands where it belongs, and says what it is."""

from __future__ import annotations

from math import inf, log10
from typing import Any

import pytest
from reports_html.reading import Page
from reports_html.samples import PROFILE, everything, one_number

from bncheck.reports.html import page
from bncheck.reports.profile_plot import (
    BOTTOM,
    INFINITE,
    LEFT,
    RIGHT,
    SERIES,
    TOP,
    Line,
    Panel,
    power,
    profile_plots,
)


def target(**told: Any) -> dict[str, Any]:
    """What the plots read of a target."""
    return {"profile": PROFILE, "numerics": {"breakdown_offset": 4096.0, "dtype": "float32"}, **told}


def panels(dtype: str = "float32", **told: Any) -> dict[str, Panel]:
    """By their axes."""
    return {panel.axis: panel for panel in profile_plots(target(**told))[dtype]}


def lines(panel: Panel) -> dict[str, Line]:
    """By their names."""
    return {line.name: line for line in panel.lines}


def test_a_panel_stands_for_each_axis_along_which_something_was_judged() -> None:
    assert list(panels()) == ["offset", "length"]
    assert list(panels("float64")) == ["offset"]


def test_an_error_stands_above_the_line_where_it_exceeds_its_bound_and_below_where_not() -> None:
    for panel in panels().values():
        for dot in (dot for line in panel.lines for dot in line.dots):
            assert (dot.y < panel.one) == dot.above


def test_equal_steps_are_equal_powers() -> None:
    ticks = panels()["offset"].up
    places = {text: place for place, text in ticks}
    assert {power(10, -2), "1", power(10, 2)} <= set(places)
    assert places[power(10, -2)] - places["1"] == pytest.approx(places["1"] - places[power(10, 2)], abs=0.2)
    dots = lines(panels()["offset"])["y"].dots
    unit = (places["1"] - places[power(10, 2)]) / 2
    assert places["1"] - dots[1].y == pytest.approx(unit * log10(300), abs=0.2)


def test_of_quantities_that_are_drawn_as_one_the_worst_is_shown_with_its_name() -> None:
    low, high = lines(panels()["offset"])["running statistics"].dots
    assert low.told == "running_var, from 1: 0.25 times the bound, the worst of 6"
    assert (high.y, high.above, high.told.split(":")[1]) == (
        INFINITE,
        True,
        " inf times the bound, the worst of 3",
    )


def test_what_is_far_below_its_bound_stays_in_the_frame() -> None:
    assert lines(panels()["length"])["gradients"].dots[0].y == BOTTOM


@pytest.mark.parametrize(("breakdown", "shown"), [(4096.0, True), (None, False), (2.0**20, False)])
def test_the_digits_run_out_where_the_numerics_say(breakdown: float | None, shown: bool) -> None:  # noqa: FBT001
    found = panels(numerics={"breakdown_offset": breakdown, "dtype": "float32"})
    assert (found["offset"].breakdown is not None) == shown
    assert found["length"].breakdown is None
    if shown:
        low, high = (dot.x for dot in lines(found["offset"])["y"].dots)
        assert found["offset"].breakdown == pytest.approx(low + (high - low) * 12 / 16, abs=0.1)


def test_they_run_out_in_the_dtype_that_was_measured_alone() -> None:
    assert panels("float64")["offset"].breakdown is None


def test_everything_stands_in_the_frame() -> None:
    for dtype in ("float32", "float64"):
        for panel in panels(dtype).values():
            assert all(LEFT <= place <= RIGHT for place, _ in panel.across)
            assert all(TOP <= place <= BOTTOM for place, _ in panel.up)
            assert all(LEFT <= dot.x <= RIGHT for line in panel.lines for dot in line.dots)


@pytest.mark.parametrize("told", [{}, {"profile": {}}, {"profile": {"offset": [], "length": [], "eps": []}}])
def test_without_a_profile_there_are_no_plots(told: dict[str, Any]) -> None:
    assert profile_plots({"numerics": None, **told}) == {}
    assert "profile" not in page(one_number()).split("<body>")[1]


def test_the_page_has_every_mark_with_its_words_and_a_name_for_each_series() -> None:
    found = Page(page(everything()))
    marks = [each.words for each in found.all("title")]
    told = [
        dot.told
        for dtype in ("float32", "float64")
        for p in panels(dtype).values()
        for line in p.lines
        for dot in line.dots
    ]
    assert set(told) <= set(marks)
    text = page(everything())
    assert all(f"</svg> {name}</span>" in text for name in SERIES)
    assert text.count('class="breakdown"') == 1


def test_a_number_without_end_is_none_of_the_scale() -> None:
    only = {"offset": [{"dtype": "float32", "quantity": "y", "from": 1.0, "comparisons": 1, "worst": inf}]}
    (panel,) = panels(profile=only).values()
    assert panel.lines[0].dots[0].y == INFINITE
    assert "1" in [text for _, text in panel.up]
