"""What of a run goes to which part: every drawing to one, and those that share their cases to the same."""

from __future__ import annotations

import pytest

from bncheck.corpus import Corpus
from bncheck.division import Drawn, Part
from bncheck.effort import effort_of
from bncheck.properties.catalogue import CATALOGUE
from bncheck.reference.formats import FORMATS
from bncheck.verify import Plan

CORPUS = Corpus(0, effort_of("ci"))
WHOLE = Plan(CATALOGUE, tuple(FORMATS)).drawings(CORPUS, ladder=False)


def part_of_the_run(index: int, parts: int, *, whole_regions: bool) -> list[Drawn]:
    part = Part(index, parts, whole_regions=whole_regions)
    return Plan(CATALOGUE, tuple(FORMATS), (part,)).drawings(CORPUS, ladder=False)


@pytest.mark.parametrize("whole_regions", [False, True])
@pytest.mark.parametrize("parts", [1, 2, 3, 4, 7, 100])
def test_each_drawing_goes_to_one_part(parts: int, *, whole_regions: bool) -> None:
    every = [part_of_the_run(index, parts, whole_regions=whole_regions) for index in range(parts)]
    dealt = [drawing for part in every for drawing, _ in part]
    assert len(dealt) == len(WHOLE) == len(set(dealt))
    assert set(dealt) == {drawing for drawing, _ in WHOLE}


@pytest.mark.parametrize("whole_regions", [False, True])
def test_regions_about_the_same_cases_stay_together(*, whole_regions: bool) -> None:
    owners: dict[object, set[int]] = {}
    for index in range(3):
        for drawing, _ in part_of_the_run(index, 3, whole_regions=whole_regions):
            dtype = None if whole_regions else drawing.dtype
            owners.setdefault((drawing.region.base or drawing.region, dtype), set()).add(index)
    assert {len(found) for found in owners.values()} == {1}


def test_parts_have_about_the_same_to_do() -> None:
    work = [
        sum(
            drawing.count * (5 + 2 * len(laws))
            for drawing, laws in part_of_the_run(index, 2, whole_regions=False)
        )
        for index in range(2)
    ]
    assert max(work) < 1.25 * min(work)
