"""What an implementation keeps of its first call with a shape: the second call with that shape, another number given,
goes on with the number of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from bncheck.case import Case, Mode
from bncheck.causes.explanation import Explanation
from bncheck.causes.laboratory import Laboratory, Probe
from bncheck.causes.observation import Fact, kind
from bncheck.causes.probes import probe
from bncheck.fitting import fit

# Batches of so many samples are asked nowhere else, so that the first of them is a first call.
SIZES = (37, 41, 43)


class Kept(NamedTuple):
    """A number that is kept: in which mode, which quantities it spoils, and what is told of it."""

    mode: Mode
    kinds: frozenset[str]
    explanation: Explanation


class _Number(NamedTuple):
    id: str
    text: str
    another: Callable[[Case], Case]


_NUMBERS = (
    _Number(
        "eps.of_the_first_call",
        "eps is that of the first call with a batch of this shape.",
        lambda case: case.changed(eps=case.eps * 16),
    ),
    _Number(
        "momentum.of_the_first_call",
        "The momentum is that of the first call with a batch of this shape.",
        lambda case: case.changed(momentum=None if case.momentum is None else 1 - case.momentum),
    ),
    _Number(
        "state.statistics_of_the_first_call",
        "The running mean is that of the first call with a batch of this shape.",
        lambda case: _scaled(case, "running_mean"),
    ),
    _Number(
        "state.statistics_of_the_first_call",
        "The running variance is that of the first call with a batch of this shape.",
        lambda case: _scaled(case, "running_var"),
    ),
    _Number(
        "affine.gamma_of_the_first_call",
        "gamma is that of the first call with a batch of this shape.",
        lambda case: _scaled(case, "gamma"),
    ),
    _Number(
        "affine.beta_of_the_first_call",
        "beta is that of the first call with a batch of this shape.",
        lambda case: _scaled(case, "beta"),
    ),
)


def kept_of_the_first_call(laboratory: Laboratory, dtype: str, rank: int) -> list[Kept]:
    """All numbers that are kept, in both modes."""
    return [kept for mode in ("train", "eval") for kept in _kept(laboratory, dtype, rank, mode)]


def _kept(laboratory: Laboratory, dtype: str, rank: int, mode: Mode) -> Iterator[Kept]:
    offered = laboratory.implementation.capabilities
    if not (offered.train if mode == "train" else offered.eval and offered.set_statistics):
        return
    for size in SIZES:
        shape = (size, 3, *(2,) * (rank - 2))
        case = fit(probe(dtype, shape, mode, size), laboratory.implementation)
        first = laboratory.probe(case)
        if not first.deviations:
            yield from _goes_on(laboratory, first)
            return


def _goes_on(laboratory: Laboratory, first: Probe) -> Iterator[Kept]:
    """Where the first call is sound, the numbers of which a second call gives what the first gave, and is wrong by it."""
    for number in _NUMBERS:
        case = fit(number.another(first.case), laboratory.implementation)
        second = laboratory.probe(case)
        wrong = second.deviations
        if wrong and all(_same(first.actual.get(name), second.actual.get(name)) for name in wrong):
            told = Explanation(number.id, number.text, len(wrong), len(wrong))
            yield Kept(first.case.mode, frozenset(map(kind, wrong)), told)


def _same(one: Fact | None, other: Fact | None) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))


def _scaled(case: Case, name: str) -> Case:
    """Another in every place; a variance stays above 0."""
    held = getattr(case, name)
    return case if held is None else case.changed(**{name: held * held.dtype.type(1.5)})
