"""Measurements of degenerate batches: one value a channel, and none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bncheck.case import Case
from bncheck.identify.measurement import Measurement
from bncheck.identify.questions import Questions, Raised, Unanswered, nearest, number_in_words
from bncheck.outcome import Outcome

_X, _GAMMA, _BETA = 3.0, 2.0, 5.0


def single(questions: Questions) -> Measurement:
    """What training does with one value a channel: raise, y = beta, y = x, or NaN."""
    questions.needs("train")
    found = {rank: _single(questions, rank) for rank in questions.ranks}
    dialect = questions.implementation.dialect
    return Measurement("single", _one(found), _told(found), dialect.single)


def _single(questions: Questions, rank: int) -> tuple[str, str]:
    shape = (1, questions.channels, *(1,) * (rank - 2))
    case = questions.case(np.array([_X]), shape=shape, gamma=_GAMMA, beta=_BETA, running_var=4.0)
    try:
        outcome = questions.outcome(case)
    except Raised as crash:
        return "raise", str(crash)
    y = questions.number(outcome.y)
    beta = _BETA if case.affine else 0.0
    name = "nan" if np.isnan(y) else nearest(y, {"beta": beta, "identity": _X})
    return name or "another", f"x 3, beta {beta:g} gives {number_in_words(y)}{_variance(questions, outcome)}"


def _variance(questions: Questions, outcome: Outcome) -> str:
    """What becomes of a running variance of 4."""
    if outcome.running_var is None:
        return ""
    return f", running_var 4 becomes {number_in_words(questions.number(outcome.running_var))}"


def empty(questions: Questions) -> Measurement:
    """What training does with no value: raise, keep the statistics, or make them NaN."""
    questions.needs("train")
    found = {rank: _empty(questions, rank)[:2] for rank in questions.ranks}
    return Measurement("empty", _one(found), _told(found), questions.implementation.dialect.empty)


def empty_counted(questions: Questions) -> Measurement:
    """Whether an empty batch counts among the batches seen."""
    questions.needs("train", "counter")
    case = _empty_case(questions, questions.ranks[0])
    batches = questions.outcome(case).batches
    if batches is None:
        raise Unanswered("it tells no count of batches")
    value = {0: "no", 1: "yes"}.get(batches - case.batches, "another")
    return Measurement(
        "empty_counted",
        value,
        f"the count goes from {case.batches} to {batches}",
        questions.implementation.dialect.empty_counted,
    )


def _empty_case(questions: Questions, rank: int) -> Case:
    shape = (8, questions.channels, *(1,) * (rank - 2))
    case = questions.case(np.arange(8.0), shape=shape, running_mean=1.0, running_var=4.0)
    return case.changed(x=case.x[:0])


def _empty(questions: Questions, rank: int) -> tuple[str, str]:
    case = _empty_case(questions, rank)
    try:
        outcome = questions.outcome(case)
    except Raised as crash:
        return "raise", str(crash)
    if outcome.running_mean is None or outcome.running_var is None or case.running_mean is None:
        return "keep", "it keeps no statistics"
    mean, variance = questions.number(outcome.running_mean), questions.number(outcome.running_var)
    was = questions.number(case.running_mean), questions.number(case.running_var)
    lost = np.isnan(mean) or np.isnan(variance)
    value = "keep" if (mean, variance) == was else "nan" if lost else "another"
    return value, (
        f"running mean {number_in_words(was[0])} becomes {number_in_words(mean)}, "
        f"variance {number_in_words(was[1])} {number_in_words(variance)}"
    )


def _one(found: Mapping[int, tuple[str, str]]) -> str:
    names = {name for name, _ in found.values()}
    if len(names) == 1:
        return names.pop()
    return "by rank: " + ", ".join(f"{name} at {rank}" for rank, (name, _) in found.items())


def _told(found: Mapping[int, tuple[str, str]]) -> str:
    """The evidence of each value once, under the first rank that shows it."""
    shown: dict[str, str] = {}
    for rank, (name, evidence) in found.items():
        shown.setdefault(name, evidence if len(found) == 1 else f"{evidence} at rank {rank}")
    return "; ".join(shown.values())
