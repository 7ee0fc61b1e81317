"""The predicate of an entry, on the case's own fields."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from baseline.known import SMALL
from hypothesis import given

from bncheck.baseline.features import KEYS, numbers_of, offset, words_of
from bncheck.baseline.where import Where
from bncheck.case import Case
from bncheck.regions import EMPTY, PROGRAMS, SPECIAL, TRAINING
from bncheck.step import Step


def test_without_a_key_every_case_lies_inside() -> None:
    assert SMALL in Where()


def test_ends_of_a_range_count() -> None:
    assert SMALL in Where(
        numbers={"m": (2, 2), "eps": (1.0, 1.0), "momentum": (0.5, 0.5), "channels": (1, 1)}
    )


@pytest.mark.parametrize(
    ("where", "told"),
    [
        (Where({"dtype": ("float16", "float64")}), "its dtype is float32"),
        (Where({"mode": ("eval",)}), "its mode is train"),
        (Where({"layout": ("channels_last",)}), "its layout is contiguous"),
        (Where(numbers={"rank": (3, 5)}), "its rank is 2"),
        (Where(numbers={"m": (3, inf)}), "its m is 2"),
        (Where(numbers={"channels": (2, 3)}), "its channels is 1"),
        (Where(numbers={"eps": (0, 0.5)}), "its eps is 1"),
        (Where(numbers={"momentum": (0, 0.25)}), "its momentum is 0.5"),
        (Where(numbers={"offset": (2, inf)}), "its offset is 1"),
    ],
)
def test_each_key_puts_a_case_outside(where: Where, told: str) -> None:
    assert where.why_outside(SMALL) == told
    assert SMALL not in where


def test_the_cumulative_average_has_no_momentum() -> None:
    case = SMALL.changed(momentum=None)
    assert Where(numbers={"momentum": (0, 1)}).why_outside(case) == "its momentum is the cumulative average"


def test_all_layouts_of_a_case_must_be_named() -> None:
    case = SMALL.changed(layouts={"x": "offset", "dy": "step"})
    assert case not in Where({"layout": ("offset",)})
    assert case in Where({"layout": ("offset", "step", "padded")})


def test_a_program_is_seen_by_the_case_that_it_starts_from() -> None:
    case = SMALL.changed(program=(Step("train"), Step("momentum", value=0.25)))
    assert case in Where({"mode": ("train",)}, {"m": (2, 2), "momentum": (0.5, 0.5)})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1, 3]], 2.0),
        ([[1, 3], [-7, -5]], 6.0),
        ([[-1, 1]], 0.0),
        ([[5, 5]], inf),
        ([[0, 0]], 0.0),
        ([[0.1, 0.1, 0.1]], inf),
        ([[np.nan, 1], [1, 3]], 2.0),
        ([[np.inf, 1]], 0.0),
        ([[]], 0.0),
    ],
)
def test_offset_is_the_largest_mean_over_the_deviation(rows: list[list[float]], expected: float) -> None:
    assert offset(SMALL.changed(x=np.array(rows, np.float64).T)) == expected


@pytest.mark.parametrize("region", [TRAINING, SPECIAL, EMPTY, PROGRAMS], ids=lambda region: region.name)
def test_every_case_has_all_features_and_lies_inside_a_predicate_of_its_own(region: object) -> None:
    @given(region.cases("float32", plans=None, largest=32))  # type: ignore[attr-defined]  # a Region
    def inside(case: Case) -> None:
        words, numbers = words_of(case), numbers_of(case)
        assert {*words, *numbers} == set(KEYS)
        own = {key: (value, value) for key, value in numbers.items() if value is not None}
        assert case in Where({key: tuple(told) for key, told in words.items()}, own)

    inside()
