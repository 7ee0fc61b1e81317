"""The error profile: where a case stands on each axis, and the worst of what was judged there."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest
from mutants.layers import PLANTED, LayerAdapter, sound

from bncheck.case import Case
from bncheck.checking import run
from bncheck.comparison import Comparison, Elements, Worst
from bncheck.error_profile import AXES, LAWS, add, places, profile
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE


def case(x: list[list[float]], *, eps: float = 1e-3, dtype: Any = np.float32) -> Case:
    """Two dimensions, nothing else of interest."""
    return Case(np.array(x, dtype), None, None, None, None, None, eps, 0.5, "train")


def comparison(quantity: str, ratio: float, *, judged: int = 1) -> Comparison:
    """One element that is off by so many times its bound of 1."""
    return Comparison(quantity, Elements(judged), Worst((0,), ratio, 0.0, 1.0, ratio, ratio))


@pytest.mark.parametrize("offset", [0.0, 0.5, 3.0, 4.0, 1000.0])
def test_the_offset_is_that_of_the_furthest_channel(offset: float) -> None:
    x = [[-1.0, offset - 1], [1.0, offset + 1]]
    reached = dict(places(case(x, dtype=np.float64)))["offset"]
    assert 2.0**reached <= max(1.0, offset) < 2.0 ** (reached + 1)


@pytest.mark.parametrize(
    "x", [[[1.0], [1.0]], [[np.nan], [1.0]], [[np.inf], [1.0]], [[1.0]], np.zeros((0, 1))]
)
def test_a_channel_without_a_deviation_has_no_offset(x: Any) -> None:
    assert "offset" not in dict(places(case(x)))


@pytest.mark.parametrize(("count", "expected"), [(2, 1), (3, 1), (4, 2), (1023, 9), (1024, 10)])
def test_the_length_is_that_of_a_channel(count: int, expected: int) -> None:
    assert dict(places(case([[0.0, 1.0]] * count)))["length"] == expected


@pytest.mark.parametrize(
    ("eps", "expected"), [(1e-3, -3), (float(np.float32(1e-3)), -3), (1e-12, -12), (1.0, 0), (0.5, -1)]
)
def test_eps_stands_at_its_power_of_ten_however_it_is_rounded(eps: float, expected: int) -> None:
    assert dict(places(case([[0.0], [1.0]], eps=eps)))["eps"] == expected


def test_without_eps_there_is_no_place_for_it() -> None:
    assert "eps" not in dict(places(case([[0.0], [1.0]], eps=0.0)))


def test_the_worst_of_each_quantity_stays_and_what_decides_nothing_is_not_counted() -> None:
    nears: dict[Any, Any] = {}
    where = places(case([[0.0], [1.0]]))
    add(nears, where, [comparison("y", 0.5), comparison("y", 0.25), comparison("dx", 2.0)])
    add(nears, where, [comparison("y", 0.0, judged=0)])
    other: dict[Any, Any] = {}
    add(other, where, [comparison("y", inf)])
    told = profile([("float32", nears), ("float32", other), ("float64", nears)])
    assert set(told) == set(AXES)
    for entries in told.values():
        found = {(each["dtype"], each["quantity"]): (each["comparisons"], each["worst"]) for each in entries}
        assert found == {
            ("float32", "y"): (3, inf),
            ("float32", "dx"): (1, 2.0),
            ("float64", "y"): (2, 0.5),
            ("float64", "dx"): (1, 2.0),
        }


def test_the_laws_of_the_profile_are_in_the_catalogue() -> None:
    assert {law.id for law in CATALOGUE} >= LAWS


def profile_of(layer: Any, include: str) -> dict[str, list[dict[str, Any]]]:
    """What a run tells."""
    (target,) = run(
        [LayerAdapter(layer)], CATALOGUE, Options("smoke", dtypes=("float32",), include=include)
    ).targets
    found: dict[str, list[dict[str, Any]]] = target.as_json()["profile"]
    return found


def test_a_sound_layer_stays_below_its_bounds_everywhere() -> None:
    found = profile_of(sound(), "^(forward|statistics|gradient)[.](output|mean|variance|dx)$")
    assert all(found.values())
    assert max(each["worst"] for entries in found.values() for each in entries) <= 1
    assert {each["quantity"] for each in found["offset"]} == {"y", "running_mean", "running_var", "dx"}


def test_an_error_stands_at_the_quantity_that_is_wrong() -> None:
    found = profile_of(PLANTED["statistics.variance"], "^(forward|statistics)[.](output|mean|variance)$")
    worst = {each["quantity"] for entries in found.values() for each in entries if each["worst"] > 1}
    assert worst == {"running_var"}


def test_a_law_of_relations_has_no_place_in_it() -> None:
    assert not any(profile_of(sound(), "^symmetry[.]shift$").values())
