"""Witnesses: what of a failing law one evaluation, or two, show by themselves, in the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import isfinite

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, native_index
from bncheck.errors import ImplementationCrashed
from bncheck.law import Law
from bncheck.outcome import FURTHER, QUANTITIES, Outcome
from bncheck.reproducer.claims import (
    GIVEN,
    Claim,
    Dies,
    Form,
    Given,
    Number,
    Raises,
    Refused,
    Same,
    Shared,
    Special,
    Surroundings,
    Written,
)
from bncheck.reproducer.step_claims import Counted, Kept, Reset, Taken, Unchanged
from bncheck.trial import IllFormed, Trial, as_rows, shape_of

# Laws whose comparison itself says what is right; the others hold one evaluation against another, and then at least
# one of the two is further from the exact answer than its own bound allows.
DIRECT = ("special_values", "contract", "forward_mode", "second_order")


@dataclass(slots=True)
class Recording(Trial):
    """A trial that remembers in which order it was asked."""

    asked: list[Case] = field(default_factory=list)

    def outcome(self, case: Case) -> Outcome:
        """As a trial's."""
        self.asked.append(case)
        return Trial.outcome(self, case)


@dataclass(frozen=True, slots=True)
class Witness:
    """A claim about the evaluation of a case."""

    case: Case
    claim: Claim


def witnesses(law: Law, case: Case, trial: Recording) -> Iterator[Witness]:
    """What may be shown of a law that fails on a case."""
    failed, crash = _failures(law, case, trial)
    for comparison, asked in failed:
        yield from _of_comparison(law, comparison, asked, case, trial)
    if crash is not None:
        yield Witness(trial.asked[-1] if trial.asked and not case.program else case, _crash(crash))


def _failures(
    law: Law, case: Case, trial: Recording
) -> tuple[list[tuple[Comparison, list[Case]]], ImplementationCrashed | None]:
    """The comparisons that fail, each with the cases that were evaluated for it, the latest first."""
    found: list[tuple[Comparison, list[Case]]] = []
    try:
        with np.errstate(all="ignore"):
            for comparison in law.check(case, trial):
                found += [(comparison, trial.asked[::-1])] if comparison.fails else []
    except IllFormed as outcome:
        found.append((outcome.comparison, trial.asked[::-1]))
    except ImplementationCrashed as crash:
        return found, crash
    return found, None


def _crash(crash: ImplementationCrashed) -> Claim:
    name = re.match(r"(\w+): ", str(crash))
    return Dies(str(crash)) if crash.restarts or name is None else Raises(name[1])


def _of_comparison(
    law: Law, comparison: Comparison, asked: list[Case], case: Case, trial: Recording
) -> Iterator[Witness]:
    step = re.search(r"in step (\d+)", comparison.where)
    if step is not None:
        claim = _of_step(law, comparison, int(step[1]) - 1)
        if isinstance(claim, Number):
            yield from _of_program(claim, case, trial)
        elif claim is not None:
            yield Witness(case, claim)
        return
    if comparison.defect is not None:
        for pattern, made in _DEFECTS:
            told = re.match(pattern, comparison.defect)
            if told is not None:
                yield Witness(_meant(told[0], asked), made(told))
        return
    if law.id == "purity.repetition":
        yield Witness(asked[0], Same(comparison.quantity))
        return
    with np.errstate(all="ignore"):
        yield from _numbers(law, comparison, asked, trial)


def _meant(defect: str, asked: list[Case]) -> Case:
    """The case of a contract's defect, which names its shape, its dtype and whether there are gradients."""
    for case in asked:
        words = "without gradients" if case.dy is None else "with gradients"
        if defect.startswith(f"x {case.x.shape} {case.x.dtype.name} {words} "):
            return case
    return asked[0]


def _numbers(law: Law, comparison: Comparison, asked: list[Case], trial: Recording) -> Iterator[Witness]:
    worst = comparison.worst
    assert worst is not None
    direct = law.family in DIRECT or worst.bound == 0
    if law.family == "layout":
        yield Witness(
            asked[0], Number(comparison.quantity, worst.index, worst.expected, worst.bound, pair=True)
        )
    if not direct:
        # What is expected here follows from the other evaluation, which may be the one that is wrong.
        yield from _culprits(comparison.quantity, asked, trial)
        return
    for case in _once(asked):
        if _is_element(trial.outcome(case), comparison.quantity, worst.index, worst.actual):
            # What has other bits without being another number, -0 or a NaN, was to be what was given, bit for bit.
            if isfinite(worst.expected) and worst.error != 0:
                yield Witness(case, Number(comparison.quantity, worst.index, worst.expected, worst.bound))
            elif comparison.quantity in GIVEN:
                yield Witness(case, Given(comparison.quantity))


def _culprits(quantity: str, asked: list[Case], trial: Recording) -> Iterator[Witness]:
    """The numbers that are further from the exact answer than their bound allows; the quantity of the law first."""
    named = [name for name in QUANTITIES if re.search(rf"\b{name}\b", quantity)]
    for name in (*named, *(name for name in QUANTITIES if name not in named)):
        for case in _once(asked):
            found = _worst(name, case, trial)
            if found is not None:
                yield Witness(case, found)


def _worst(name: str, case: Case, trial: Recording) -> Number | None:
    actual, limits = trial.outcome(case).quantity(name), trial.bounds(case)
    if actual is None or name not in limits or actual.shape != shape_of(name, case):
        return None
    rows, bound, exact = as_rows(actual), limits[name], trial.exact(case, name)
    error = np.abs(rows - exact.hi)
    excess = np.where(bound.judged & ~(error <= bound.largest), error / bound.largest, -1.0)
    excess = np.where(np.isnan(excess), np.inf, excess)
    if not excess.size or excess.max() < 0:
        return None
    row, column = divmod(int(np.argmax(excess)), rows.shape[1])
    index = native_index(row, column, shape_of(name, case))
    return Number(name, index, float(exact.hi[row, column]), float(bound.largest[row, column]))


def _is_element(outcome: Outcome, quantity: str, index: tuple[int, ...], value: float) -> bool:
    array = outcome.quantity(quantity) if quantity in (*QUANTITIES, *FURTHER) else None
    if (
        array is None
        or len(index) != array.ndim
        or any(i >= n for i, n in zip(index, array.shape, strict=True))
    ):
        return False
    return bool(np.array_equal(array[index].astype(np.float64), value, equal_nan=True))


def _once(asked: list[Case]) -> list[Case]:
    return list({id(case): case for case in asked}.values())


def _of_step(law: Law, comparison: Comparison, number: int) -> Claim | None:
    """What a step of a program shows."""
    quantity, _, of = comparison.quantity.partition(" of ")
    worst, defect = comparison.worst, comparison.defect
    if defect is not None:
        made = (claim(told, number) for pattern, claim in _OF_STEPS if (told := re.match(pattern, defect)))
        return next(made, None)
    assert worst is not None
    if worst.bound > 0:
        return Number(quantity, worst.index, worst.expected, worst.bound, step=number)
    if of == "the other":
        return Kept(quantity, number, left=True)
    return Reset(quantity, number) if law.id == "program.reset" else Unchanged(quantity, number)


def _of_program(claim: Number, case: Case, trial: Recording) -> Iterator[Witness]:
    """The step alone, from the statistics that the target showed before it; then after the steps that led there.

    Then too the layer is given these statistics anew where the number follows from them: sound code may come to others,
    in the last bit, or further where an earlier step is wrong as well.
    """
    assert claim.step is not None
    situation = trial.situations(case)[claim.step]
    alone, action = situation.case, situation.step.action
    assert alone is not None  # a number was computed
    if action == "other":
        yield Witness(case, claim)
        return
    yield Witness(alone, replace(claim, step=None))
    follows = action != "backward" and (alone.mode == "eval" or claim.quantity.startswith("running"))
    yield Witness(case, replace(claim, before=situation.before) if follows else claim)


_FORM = r"(\w+)(?: of the \w+)? has (shape|dtype) .+?, but (?:should have|should be|was given as) (.+)"
_OF_STEPS: tuple[tuple[str, Callable[[re.Match[str], int], Claim]], ...] = (
    (
        r"the count of batches is \S+, expected (\d+)",
        lambda told, number: Counted(int(told[1]), number),
    ),
    (r"a batch of .+ was taken by a layer", lambda _, number: Taken(number)),
    (r"y was written into by a later step", lambda _, number: Kept("y", number, left=False)),
    (_FORM, lambda told, number: Form(told[1], told[2], told[3], step=number)),
)
_DEFECTS: tuple[tuple[str, Callable[[re.Match[str]], Claim]], ...] = (
    (_FORM, lambda told: Form(told[1], told[2], told[3])),
    (r"(x|dy|gamma|beta) was written into", lambda told: Written(told[1])),
    (r"(\w+) shares memory with (\w+)", lambda told: Shared(told[1], told[2])),
    (r"(.+) changed during the evaluation", lambda told: Surroundings(told[1])),
    (r"(\w+)\[([\d, ]+)\] is \S+, although", lambda told: Special(told[1], _index(told[2]))),
    (
        r"running_mean\[\d+\] is \S+ and running_var\[(\d+)\] is \S+ after a batch without a value",
        lambda told: Special("running_var", (int(told[1]),)),
    ),
    (r"x .+ gradients does not raise, although", lambda _: Refused()),
    (r"x .+ gradients raises (\w+): .+, although", lambda told: Raises(told[1])),
)


def _index(told: str) -> tuple[int, ...]:
    return tuple(int(each) for each in told.split(","))
