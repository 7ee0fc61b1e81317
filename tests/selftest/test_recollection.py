"""A judgement is remembered for whoever answers the same, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from selftest import collections

from bncheck.case import Case
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.implementation import Implementation
from bncheck.lanes import Collection, course
from bncheck.outcome import Outcome
from bncheck.performance import Observation
from bncheck.planted.bug import Bug
from bncheck.planted.catalogue import BUGS
from bncheck.properties.catalogue import CATALOGUE
from bncheck.proving import proved
from bncheck.recollection import Recollection, Witness, bits, telling
from bncheck.regions import TRAINING
from bncheck.trial import Answers, Trial
from bncheck.verdict import Judgement
from bncheck.verify import judge

LAW = collections.LAWS["statistics.variance"]
CORPUS = Corpus(1, replace(SMOKE, examples=4, per_dtype=4))
DRAWING = CORPUS.drawing(TRAINING, "float32", dtypes=4, ladder=False)
# Its values vary and its momentum is one that shows which estimator is tracked.
CASE = next(case for case in CORPUS.examples(DRAWING) if np.var(case.x[:, 0]) > 0.1).changed(momentum=0.5)
FAMILIES = ("momentum.", "eps.", "state.", "running_var.", "aliasing.")


def judged(recollection: Recollection, case: Case, bug: Bug) -> tuple[Judgement, bool]:
    def by_law(implementation: Implementation) -> Judgement:
        return judge(LAW, case, Trial(implementation, Answers()), DRAWING)

    witness = Witness(Implementation(bug.id, bug.make()))
    judgement, _, remembered = recollection.judged(LAW.id, witness, by_law)
    return judgement, remembered


def test_what_differs_only_where_the_law_does_not_read_is_remembered() -> None:
    recollection = Recollection()
    first, remembered = judged(recollection, CASE, collections.HARMLESS)
    assert (first.failure, remembered) == (None, False)
    again, remembered = judged(recollection, CASE, collections.NEGATED)
    assert remembered
    assert again is first


def test_what_differs_where_the_law_reads_is_judged() -> None:
    recollection = Recollection()
    judged(recollection, CASE, collections.HARMLESS)
    found, remembered = judged(recollection, CASE, collections.BIASED)
    assert not remembered
    assert found.failure is not None


def test_a_crash_is_remembered_for_the_same_crash_alone() -> None:
    recollection = Recollection()
    judged(recollection, CASE, collections.HARMLESS)
    first, remembered = judged(recollection, CASE, collections.RAISES)
    assert not remembered
    again, remembered = judged(recollection, CASE, collections.RAISES)
    assert remembered
    assert again is first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([0.0]), np.array([-0.0])),
        (np.zeros(2, np.float32), np.zeros(1)),
        (np.zeros((1, 2)), np.zeros((2, 1))),
        (0.0, -0.0),
        (None, ()),
    ],
    ids=["sign of zero", "dtype", "shape", "float", "nothing"],
)
def test_bits_tell_apart(one: Any, other: Any) -> None:
    assert bits(one) == bits(one)
    assert bits(one) != bits(other)


def test_an_outcome_tells_what_is_read_of_it() -> None:
    read: list[str] = []
    outcome = telling(Outcome(np.zeros((2, 1)), dx=np.ones((2, 1))), read.append)
    assert outcome.quantity("dx") is outcome.dx
    assert outcome.quantity("running_var") is None
    assert read == ["dx", "dx", "running_var"]


def test_an_observation_tells_its_state_where_a_statistic_is_read() -> None:
    plain = Observation(collections.STATE, y=np.zeros(1))
    read: list[str] = []
    observation = telling(plain, read.append)
    assert observation.quantity("running_var") is plain.quantity("running_var")
    assert observation.quantity("y") is plain.y
    assert read == ["state", "y"]


class Forgetful(Recollection):
    """Remembers nothing from one judgement to the next."""

    def judged(
        self, key: Hashable, witness: Witness, judge: Callable[[Implementation], Judgement]
    ) -> tuple[Judgement, float, bool]:
        """As if it were the first."""
        self.roots.clear()
        return Recollection.judged(self, key, witness, judge)


def test_the_matrix_is_the_same_where_nothing_is_remembered() -> None:
    bugs = tuple(bug for bug in BUGS if bug.id.startswith(FAMILIES) and bug.port_of is None)[:40]
    laws = tuple(law for law in CATALOGUE if law.region.name in ("training", "programs", "evaluation"))
    whole = course(Collection(bugs, (collections.TWO_PASS,), laws), CORPUS, thorough=False)

    def hits(recollection: Callable[[], Recollection]) -> list[tuple[object, ...]]:
        return [
            (score.target, score.hits, score.examples, score.comparisons)
            for lane in whole.lanes()
            for score in proved(lane, whole, recollection=recollection).scores
        ]

    assert hits(Recollection) == hits(Forgetful)
