"""The cross-check: the three references against each other, each difference within the sum of two bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.errors import LoadError
from bncheck.implementation import Implementation
from bncheck.lanes import few_shapes
from bncheck.loading import load
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import exactly, sum_of
from bncheck.regions import EVALUATION, REPEATED, TRAINING
from bncheck.trial import Answers, Trial, shape_of

REFERENCES = ("numpy", "torch", "jax")
# Of each region and dtype, before those of few shapes are taken.
EXAMPLES = 24


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two references on one dtype.  `worst`: error over the sum of the bounds; `failures`: messages of those above 1."""

    left: str
    right: str
    dtype: str
    comparisons: int
    worst: float
    failures: tuple[str, ...] = ()


def references() -> tuple[dict[str, Implementation], dict[str, str]]:
    """The references that are there, and for the others the reason why not."""
    found: dict[str, Implementation] = {}
    absent: dict[str, str] = {}
    for name in REFERENCES:
        try:
            found[name] = load(f"reference.{name}")
        except LoadError as error:
            absent[name] = str(error)
    return found, absent


def cross_checked(seed: int, dtype: str) -> tuple[Agreement, ...]:
    """Every pair of references on the same cases of one dtype, in training, in evaluation, and over several steps."""
    implementations, _ = references()
    found: dict[tuple[str, str], list[Comparison]] = {pair: [] for pair in combinations(implementations, 2)}
    for case in _cases(seed, dtype):
        answers = Answers()
        trials = {name: Trial(each, answers) for name, each in implementations.items()}
        for pair in found:
            with np.errstate(all="ignore"):
                found[pair] += _differences(case, trials, pair)
    return tuple(
        Agreement(
            left,
            right,
            dtype,
            comparisons=len(each),
            worst=max((comparison.ratio for comparison in each), default=0.0),
            failures=tuple(comparison.message() for comparison in each if comparison.fails),
        )
        for (left, right), each in found.items()
    )


def _cases(seed: int, dtype: str) -> Iterator[Case]:
    corpus = Corpus(seed, replace(SMOKE, examples=EXAMPLES, per_dtype=EXAMPLES))
    for region in (TRAINING, EVALUATION, REPEATED):
        yield from few_shapes(corpus.examples(corpus.drawing(region, dtype, dtypes=1, ladder=True)))


def _differences(case: Case, trials: Mapping[str, Trial], pair: tuple[str, str]) -> Iterator[Comparison]:
    left, right = (trials[name] for name in pair)
    here, there = left.bounds(case), right.bounds(case)
    for name in (name for name in QUANTITIES if name in here):
        expected, limit = exactly(right.rows(case, name)), sum_of(here[name], there[name])
        yield compare(name, left.rows(case, name), expected, limit, shape_of(name, case))
