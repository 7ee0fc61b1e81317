"""The three references agree pairwise within the sum of their bounds, in every dtype, in training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bncheck.comparison import Comparison, compare
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.loading import load
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import exactly, sum_of
from bncheck.reference.formats import FORMATS
from bncheck.regions import EVALUATION, REPEATED, TRAINING, Region
from bncheck.trial import Answers, Trial, shape_of

pytest.importorskip("torch")
pytest.importorskip("jax")

PAIRS = (("numpy", "torch"), ("torch", "jax"), ("jax", "numpy"))
CORPUS = Corpus(7, replace(SMOKE, examples=12, per_dtype=12))


def comparisons(region: Region, dtype: str, names: tuple[str, str]) -> Iterator[Comparison]:
    left, right = (load(f"reference.{name}") for name in names)
    for case in CORPUS.examples(CORPUS.drawing(region, dtype, dtypes=1, ladder=True)):
        answers = Answers()
        trials = Trial(left, answers), Trial(right, answers)
        limits = [trial.bounds(case) for trial in trials]
        for name in (name for name in QUANTITIES if name in limits[0]):
            limit, expected = sum_of(limits[0][name], limits[1][name]), exactly(trials[1].rows(case, name))
            yield compare(name, trials[0].rows(case, name), expected, limit, shape_of(name, case))


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("region", [TRAINING, EVALUATION, REPEATED], ids=lambda region: region.name)
def test_two_references_agree_within_the_sum_of_their_bounds(
    region: Region, dtype: str, names: tuple[str, str]
) -> None:
    found = list(comparisons(region, dtype, names))
    assert [comparison.message() for comparison in found if comparison.fails] == []
    assert {comparison.quantity for comparison in found if comparison.decides} >= {
        "y",
        "dx",
        "dgamma",
        "dbeta",
    }
