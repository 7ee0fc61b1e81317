"""Recollection: a suspect that answers what a law asks of it bit for bit as another did before has the other's judgement.

A law sees of an implementation only what its evaluations return.  So what a law reads, in the order in which it reads
it, leads to its judgement, and most suspects differ from a sound layer in few of their answers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np

from bncheck.case import Case
from bncheck.errors import ImplementationCrashed
from bncheck.implementation import Implementation
from bncheck.outcome import Outcome
from bncheck.performance import Observation, Performance
from bncheck.verdict import Judgement

Result = Outcome | Performance
Read = TypeVar("Read", Outcome, Observation, Performance)


class Question(NamedTuple):
    """What a law reads: a field of the `again`-th evaluation of a case, or of a step of a program; None is whether it
    crashed.
    """

    case: int
    program: bool
    again: int
    step: int | None = None
    name: str | None = None


@dataclass(slots=True)
class Witness:
    """One suspect on one example: each evaluation is made once, for all laws.  `seconds`: what they took."""

    implementation: Implementation
    results: dict[tuple[int, bool, int], tuple[Case, Result | ImplementationCrashed]] = field(
        default_factory=dict
    )
    answers: dict[Question, Hashable] = field(default_factory=dict)
    seconds: float = 0.0

    def result(self, case: Case, *, program: bool, again: int) -> Result | ImplementationCrashed:
        """An evaluation or a performance, or the crash that came of it."""
        key = id(case), program, again
        if key not in self.results:
            started = time.perf_counter()
            asked = self.implementation.perform if program else self.implementation.evaluate
            try:
                self.results[key] = case, asked(case)
            except ImplementationCrashed as crash:
                self.results[key] = case, crash
            self.seconds += time.perf_counter() - started
        return self.results[key][1]

    def answer(self, question: Question, case: Case) -> Hashable:
        """What a question is answered with, as bits that can be compared."""
        if question not in self.answers:
            found = self.result(case, program=question.program, again=question.again)
            self.answers[question] = _answer(question, found)
        return self.answers[question]


def _answer(question: Question, found: Result | ImplementationCrashed) -> Hashable:
    if isinstance(found, ImplementationCrashed):
        return type(found).__name__, str(found)
    if question.name is None:
        return None
    if isinstance(found, Performance) and question.name == "observations":
        return len(found.observations)
    if question.step is not None:
        assert isinstance(found, Performance)
        return bits(getattr(found.observations[question.step], question.name))
    return bits(getattr(found, question.name))


def bits(value: Any) -> Hashable:
    """A value as something that is equal only where every bit is."""
    if isinstance(value, np.ndarray):
        return value.dtype.num, value.shape, value.tobytes()
    if isinstance(value, (tuple, list)):
        return tuple(map(bits, value))
    if is_dataclass(value):
        return tuple(bits(getattr(value, each.name)) for each in fields(value))
    return float(value).hex() if isinstance(value, float) else value


@dataclass(slots=True)
class Listener:
    """A law's own implementation: it passes on what the witness says, and writes down what the law reads of it."""

    witness: Witness
    heard: dict[Question, Case] = field(default_factory=dict)
    asked: dict[tuple[int, bool], int] = field(default_factory=dict)

    def evaluate(self, case: Case) -> Outcome:
        """The outcome of a case, which tells what is read of it."""
        found = self._result(case, program=False)
        assert isinstance(found, Outcome)
        return self._telling(found, case, Question(*self._place(case, program=False)))

    def perform(self, case: Case) -> Performance:
        """The performance of a program, which tells the same, step by step."""
        found = self._result(case, program=True)
        assert isinstance(found, Performance)
        question = Question(*self._place(case, program=True))
        observations = tuple(
            self._telling(each, case, question._replace(step=step))
            for step, each in enumerate(found.observations)
        )
        return self._telling(replace(found, observations=observations), case, question)

    def close(self) -> None:
        """There is nothing to end."""

    def _result(self, case: Case, *, program: bool) -> Result:
        """The next evaluation of a case, counted from 0; whether it crashed is read at once."""
        key = id(case), program
        self.asked[key] = self.asked.get(key, -1) + 1
        self.heard.setdefault(Question(*self._place(case, program=program)), case)
        found = self.witness.result(case, program=program, again=self.asked[key])
        if isinstance(found, ImplementationCrashed):
            raise found
        return found

    def _place(self, case: Case, *, program: bool) -> tuple[int, bool, int]:
        return id(case), program, self.asked[id(case), program]

    def _telling(self, found: Read, case: Case, question: Question) -> Read:
        def told(name: str) -> None:
            self.heard.setdefault(question._replace(name=name), case)

        return telling(found, told)


_TELLING: dict[type[Any], type[Any]] = {}


def telling(value: Read, told: Callable[[str], None]) -> Read:
    """The same value of a class that tells the name of each field when it is read."""
    made: Read = object.__new__(_telling_class(type(value)))
    for each in fields(value):
        object.__setattr__(made, each.name, getattr(value, each.name))
    object.__setattr__(made, "told", told)
    return made


def _telling_class(kind: type[Any]) -> type[Any]:
    if kind not in _TELLING:
        _TELLING[kind] = _made_telling(kind)
    return _TELLING[kind]


def _made_telling(kind: type[Any]) -> type[Any]:
    names = frozenset(each.name for each in fields(kind))

    def read(self: Any, name: str) -> Any:
        if name in names:
            object.__getattribute__(self, "told")(name)
        return object.__getattribute__(self, name)

    def quantity(self: Any, name: str) -> Any:
        # The original looks at all of them to return one.  What is no field of an observation is one of its state.
        return getattr(self, name) if name in names else getattr(self.state, name.removeprefix("running_"))

    return type(
        kind.__name__, (kind,), {"__slots__": ("told",), "__getattribute__": read, "quantity": quantity}
    )


@dataclass(slots=True)
class Knot:
    """Where a law stands after some answers: what it reads next and where each answer leads, or its judgement."""

    question: Question | None = None
    case: Case | None = None
    leads: dict[Hashable, Knot] = field(default_factory=dict)
    judgement: Judgement | None = None
    seconds: float = 0.0


@dataclass(slots=True)
class Recollection:
    """The judgements of one example, by law and by what the target claims of itself.

    Asked by `judged`, it says the judgement and the seconds that it took when it was made, evaluations left out.
    """

    roots: dict[Hashable, Knot] = field(default_factory=dict)

    def judged(
        self, key: Hashable, witness: Witness, judge: Callable[[Implementation], Judgement]
    ) -> tuple[Judgement, float, bool]:
        """The judgement, what it costs, and whether it was remembered."""
        knot = self.roots.setdefault(key, Knot())
        while knot.question is not None and knot.case is not None:
            following = knot.leads.get(witness.answer(knot.question, knot.case))
            if following is None:
                break
            knot = following
        if knot.judgement is not None:
            return knot.judgement, knot.seconds, True
        listener = Listener(witness)
        started, before = time.perf_counter(), witness.seconds
        judgement = judge(replace(witness.implementation, worker=listener))
        seconds = time.perf_counter() - started - (witness.seconds - before)
        self._remember(self.roots[key], listener, judgement, seconds)
        return judgement, seconds, False

    def _remember(self, knot: Knot, listener: Listener, judgement: Judgement, seconds: float) -> None:
        for question, case in listener.heard.items():
            if knot.question is None:
                knot.question, knot.case = question, case
            if knot.question != question or knot.judgement is not None:
                # It asked something else after the same answers: it depends on more than them, and is not remembered.
                return
            knot = knot.leads.setdefault(listener.witness.answer(question, case), Knot())
        knot.judgement, knot.seconds = judgement, seconds
