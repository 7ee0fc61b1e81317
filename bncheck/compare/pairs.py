"""Pairs: two targets on identical bits, each in its dialect, against each other by the sum of their bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from bncheck.case import Case
from bncheck.compare.difference import Pair
from bncheck.comparison import Comparison, compare
from bncheck.corpus import Corpus
from bncheck.errors import ImplementationCrashed
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.lanes import few_shapes
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import sum_of
from bncheck.regions import EVALUATION, REPEATED, TRAINING
from bncheck.trial import Answers, IllFormed, Trial, shape_of

# After so many rounds a case that one target changes for itself and the other changes back is given up.
_ROUNDS = 4


def paired(
    implementations: Mapping[str, Implementation], dtypes: Sequence[str], corpus: Corpus
) -> tuple[Pair, ...]:
    """Every pair of targets on the cases that both can take, in training, evaluation and over several steps."""
    found: dict[tuple[str, str], list[tuple[Comparison, ...]]] = {
        pair: [] for pair in combinations(implementations, 2)
    }
    compiles = any(each.capabilities.compiles for each in implementations.values())
    for case in _cases(corpus, dtypes, ladder=compiles):
        for pair, answered in found.items():
            left, right = (implementations[name] for name in pair)
            common = _common(case, left, right)
            if common is not None:
                with np.errstate(all="ignore"):
                    answered.append(tuple(_differences(common, left, right)))
    return tuple(_pair(*pair, answered) for pair, answered in found.items())


def _pair(left: str, right: str, answered: Sequence[tuple[Comparison, ...]]) -> Pair:
    comparisons = [each for several in answered for each in several]
    worst: dict[str, float] = {}
    for each in comparisons:
        worst[each.quantity] = max(worst.get(each.quantity, 0.0), each.ratio)
    failures = tuple(each.message() for each in comparisons if each.fails)
    return Pair(left, right, sum(1 for several in answered if several), worst, failures)


def _cases(corpus: Corpus, dtypes: Sequence[str], *, ladder: bool) -> Iterator[Case]:
    for dtype in dtypes:
        for region in (TRAINING, EVALUATION, REPEATED):
            cases = corpus.examples(corpus.drawing(region, dtype, dtypes=len(dtypes), ladder=ladder))
            yield from few_shapes(cases) if ladder else cases


def _common(case: Case, left: Implementation, right: Implementation) -> Case | None:
    """The case, or the nearest that both can take."""
    offered = (left.capabilities, right.capabilities)
    if not all(each.train if case.training else each.eval and each.set_statistics for each in offered):
        return None
    for _ in range(_ROUNDS):
        before, case = case, fit(fit(case, left), right)
        if case is before:
            return case
    return None


def _differences(case: Case, left: Implementation, right: Implementation) -> Iterator[Comparison]:
    """What is left of the difference when that of the two exact answers is taken off; nothing where one raises."""
    answers = Answers()
    here, there = Trial(left, answers), Trial(right, answers)
    one, other = _own(case, left), _own(case, right)
    try:
        ours, theirs = here.outcome(one), there.outcome(other)
        limits = here.bounds(one), there.bounds(other)
        for name in QUANTITIES:
            if name in limits[0] and ours.quantity(name) is not None and theirs.quantity(name) is not None:
                moved = here.exact(one, name).minus(there.exact(other, name))
                expected = moved.plus(there.rows(other, name))
                limit = sum_of(limits[0][name], limits[1][name])
                yield compare(name, here.rows(one, name), expected, limit, shape_of(name, case))
    except (ImplementationCrashed, IllFormed):
        # A law tells of it.
        return


def _own(case: Case, implementation: Implementation) -> Case:
    """The same bits; what a first batch does to the statistics, and in which pass they move, is the target's affair."""
    dialect = implementation.dialect
    own = {
        "replaces": dialect.first_batch == "replaces",
        "debiased": dialect.first_batch == "debiased",
        "backward": dialect.update == "backward",
    }
    same = all(getattr(case, name) == value for name, value in own.items())
    return case if same else case.changed(**own)
