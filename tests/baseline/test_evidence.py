"""The predicate of a new entry: as narrow as the examples of the run allow, and no narrower than chance leaves it."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest
from baseline.known import LAW, SMALL

from bncheck.baseline.evidence import Evidence, way_of
from bncheck.baseline.known import Known
from bncheck.baseline.where import Where
from bncheck.case import Case
from bncheck.comparison import Comparison, Elements
from bncheck.corpus import Drawing
from bncheck.properties.catalogue import CATALOGUE
from bncheck.regions import TRAINING
from bncheck.verdict import Failure, Judgement, Status

(VARIANCE,) = (law for law in CATALOGUE if law.id == LAW)
HOLDS = Judgement((Comparison("running_var", Elements(judged=1)),), None)
UNDECIDED = Judgement((Comparison("running_var", Elements(inconclusive=1)),), None)


def fails(case: Case, status: Status = Status.VIOLATED) -> Judgement:
    drawing = Drawing(0, TRAINING, case.x.dtype.name, ladder=False, count=0, largest=0)
    wrong = Comparison("running_var", Elements(), defect="wrong")
    return Judgement((wrong,), Failure(status, case, drawing, (wrong,)))


def of_count(count: int) -> Case:
    """So many values of mean 0."""
    values = np.resize(np.array([1.0, -1.0], np.float32), (count, 1))
    values[-1] *= 1 - count % 2
    return SMALL.changed(x=values)


def where(failing: list[Case], holding: list[Case], smallest: Case | None = None) -> Where:
    """What is written after a run that met these examples."""
    evidence = Evidence(Known())
    for case in failing:
        assert not evidence.witness(VARIANCE, case, fails(case))
    for case in holding:
        evidence.witness(VARIANCE, case, HOLDS)
    (way,) = evidence.failed
    return evidence.where(way, failing[0] if smallest is None else smallest)


def test_what_fails_everywhere_is_told_by_dtype_and_mode_alone() -> None:
    found = where([of_count(count) for count in range(2, 60)], [])
    assert found == Where({"dtype": ("float32",), "mode": ("train",)})


def test_what_holds_beyond_a_size_has_that_end() -> None:
    found = where([of_count(count) for count in range(2, 38)], [of_count(count) for count in range(40, 80)])
    assert found.numbers == {"m": (0, 37)}


def test_what_holds_below_a_size_has_that_end() -> None:
    found = where([of_count(count) for count in range(47, 90)], [of_count(count) for count in range(2, 40)])
    assert found.numbers == {"m": (40, inf)}


@pytest.mark.parametrize(("failing", "held", "end"), [(37, 39, 37), (37, 99, 40), (101, 250, 200), (8, 9, 8)])
def test_an_end_has_as_few_digits_as_the_nearest_example_that_held_allows(
    failing: int, held: int, end: int
) -> None:
    found = where([of_count(failing)] * 40, [of_count(held)] * 40)
    assert found.numbers["m"] == (0, end)


def test_a_range_that_chance_explains_is_not_written() -> None:
    mixed = [of_count(count) for count in range(2, 60)]
    assert where(mixed[::2], mixed[1::2]).numbers == {}
    assert where(mixed[:1], mixed[1:]).numbers == {}


def test_the_smallest_case_lies_inside() -> None:
    big, small = [of_count(count) for count in range(30, 70)], [of_count(count) for count in range(4, 25)]
    assert where(big, small).numbers["m"] == (30, inf)
    assert of_count(3) in where(big, small, smallest=of_count(3))


def test_examples_that_decide_nothing_say_nothing() -> None:
    evidence = Evidence(Known())
    case = of_count(2)
    evidence.witness(VARIANCE, case, fails(case))
    evidence.witness(VARIANCE, of_count(9), UNDECIDED)
    assert not evidence.held


def test_a_number_that_some_failing_case_has_not_makes_no_range() -> None:
    failing = [SMALL.changed(momentum=None), *(SMALL.changed(momentum=0.5) for _ in range(40))]
    assert where(failing, [SMALL.changed(momentum=0.9)] * 40).numbers == {}


def test_an_instability_is_the_same_way_as_a_violation_and_a_crash_is_another() -> None:
    ways = {status: way_of(VARIANCE, fails(SMALL, status).failure) for status in Status if status.fails}  # type: ignore[arg-type]  # it fails
    assert ways[Status.UNSTABLE] == ways[Status.VIOLATED]
    assert len(set(ways.values())) == 3


@pytest.mark.parametrize(("count", "expected"), [(19, ()), (20, ("running_var",))])
def test_quantities_are_told_where_enough_examples_failed(count: int, expected: tuple[str, ...]) -> None:
    evidence = Evidence(Known())
    for _ in range(count):
        evidence.witness(VARIANCE, SMALL, fails(SMALL))
    failure = fails(SMALL).failure
    assert failure is not None
    assert evidence.quantities(way_of(VARIANCE, failure), failure) == expected
