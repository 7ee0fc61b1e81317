"""Strides: which arrays of a finding have to lie otherwise than one element after the other for it to show."""

from __future__ import annotations

from collections.abc import Collection

from bncheck.causes.explanation import Explanation
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.stale_memory import after_other_numbers
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge

# What is read beside an array may happen to be right, but not after other numbers have been in memory.
REPETITIONS = 8


def strided(implementation: Implementation, law: Law, failure: Failure) -> list[Explanation]:
    """The arrays of which each alone makes a law of layouts fail, or else those that only together do."""
    layouts = failure.case.layouts
    quantities = _listed(sorted(set(failure.quantities)))

    def varies(names: Collection[str]) -> bool | None:
        """Whether what fails differs from time to time with only these arrays strided; None where nothing fails."""
        case = failure.case.changed(layouts={name: layouts[name] for name in names})
        told = []
        for attempt in range(REPETITIONS):
            trial = Trial(implementation)
            if attempt:
                after_other_numbers(case, trial, attempt)
            found = judge(law, case, trial, failure.drawing).failure
            told.append(None if found is None else found.messages())
        return None if not any(told) else len(set(told)) > 1

    alone = {name: found for name in layouts if (found := varies([name])) is not None}
    if alone:
        return [
            _explanation(f"layout.{name}_misread", quantities, f"{name} is", varying)
            for name, varying in alone.items()
        ]
    together = varies(layouts)
    if together is None:
        return []
    names = [name for name in layouts if varies(layouts.keys() - {name}) is None]
    told = f"{_listed(names)} together are" if len(names) > 1 else "arrays are"
    return [_explanation("layout.misread_together", quantities, told, together)]


def _explanation(name: str, quantities: str, strided: str, varying: bool) -> Explanation:
    go = "go" if " and " in quantities else "goes"
    text = f"{quantities} {go} wrong where {strided} not contiguous"
    if varying:
        text += ", by what else lies in memory: the same call gives another answer each time"
    return Explanation(name, f"{text}.", 1, 1)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
