"""Translating: a target judged by the conventions that it was measured to follow, whatever it declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bncheck.case import Case
from bncheck.identify.measurement import Card
from bncheck.implementation import Implementation
from bncheck.outcome import Outcome
from bncheck.performance import Performance

NUMERIC = ("variance", "affine", "clipped")
# By another value of these no law can be judged: what nobody declares and nothing explains is a bug.
UNJUDGED = ("eps_place", "training_output")


@dataclass(frozen=True, slots=True, eq=False)
class Reversed:
    """Evaluates with 1 - momentum in place of momentum: for a target that takes the one for the other."""

    implementation: Implementation

    def evaluate(self, case: Case) -> Outcome:
        """The outcome of a case."""
        return self.implementation.evaluate(_reversed(case))

    def perform(self, case: Case) -> Performance:
        """What a layer shows while it goes through the program of a case."""
        return self.implementation.perform(_reversed(case))

    def close(self) -> None:
        """The implementation ends its own process."""


def _reversed(case: Case) -> Case:
    program = tuple(
        step if step.value is None else replace(step, value=1 - step.value) for step in case.program
    )
    momentum = None if case.momentum is None else 1 - case.momentum
    return case.changed(momentum=momentum, program=program)


def undeclared(card: Card) -> Mapping[str, str]:
    """The conventions that a target follows and does not declare, as far as a dialect has words and laws for them."""
    return {
        each.convention: each.declaration
        for each in card.measurements
        if each.contradicts and each.declaration is not None and each.convention not in UNJUDGED
    }


def translated(implementation: Implementation, conventions: Mapping[str, str]) -> Implementation:
    """The same target as one that declares these conventions; its adapter still speaks its own dialect to it.

    Momentum is translated besides: the adapter of a target that is said to take the weight of the old statistics must
    hand it that, and this one does not.
    """
    dialect = implementation.dialect
    for key, value in conventions.items():
        dialect = dialect.declared(key, value)
    if "momentum" not in conventions:
        return replace(implementation, declared=dialect)
    # A multiple of 2^-53, so that its complement is exact: what the dialect "old" asks of a case.
    dialect = dialect.declared("momentum", "old")
    return replace(implementation, declared=dialect, worker=Reversed(implementation))
