"""When a law is undecided: what the counts of its examples say."""

from __future__ import annotations

import pytest

from bncheck.comparison import Comparison, Elements
from bncheck.verdict import Judgement, Status, Tally


def tallied(*examples: Elements) -> Status:
    tally = Tally()
    for elements in examples:
        tally.add(Judgement((Comparison("y", elements),), None), 0.0)
    return tally.status


SMALL, LARGE_AND_LOST = Elements(judged=6), Elements(not_judged=2**15)


def test_a_large_example_outside_the_domain_does_not_outweigh_the_others() -> None:
    assert tallied(SMALL, SMALL, LARGE_AND_LOST) == Status.HELD


def test_a_large_example_that_decides_does_not_stand_for_the_others() -> None:
    lost = Elements(inconclusive=6)
    assert tallied(Elements(judged=2**15), lost, lost) == Status.UNDECIDED


@pytest.mark.parametrize(("judged", "status"), [(3, Status.HELD), (2, Status.UNDECIDED)])
def test_half_of_the_elements_must_be_conclusive(judged: int, status: Status) -> None:
    assert tallied(Elements(judged=judged, inconclusive=6 - judged)) == status


def test_examples_without_elements_do_not_count() -> None:
    assert tallied(SMALL, Elements(), Elements()) == Status.HELD
    assert tallied(Elements()) == Status.UNDECIDED
