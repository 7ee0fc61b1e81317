"""Endings: the exception or the signal in which an implementation ends where no layer that refuses explains it."""

from __future__ import annotations

import re

from bncheck.case import Case
from bncheck.causes.explanation import Explanation
from bncheck.errors import ImplementationCrashed, tells_of_a_process
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge

# A process that is ended by what lies in its memory is not ended every time; so often it is tried, or in so many new ones.
ATTEMPTS, APART = 8, 3


def ending(implementation: Implementation, law: Law, failure: Failure) -> list[Explanation]:
    """How the case of a finding ends when it is tried again, or the variant whose end is what the law complains of."""
    crash = failure.crash
    apart = crash is not None and implementation.worker is not None and tells_of_a_process(crash)
    for attempt in range(1, 2 if crash is None else 1 + (APART if apart else ATTEMPTS)):
        if apart:
            implementation.close()
        trial = Trial(implementation)
        again = judge(law, failure.case, trial, failure.drawing).failure
        if again is not None and again.crash is not None:
            return [_told(again.crash, "" if attempt == 1 else ", though not every time")]
        if again is not None and crash is None:
            complaints = " ".join(again.messages())
            raised = [(case, told) for case, told in _raised(trial) if told in complaints]
            return [_told(told, f", on x {case.x.shape} {case.x.dtype.name}") for case, told in raised][:1]
    if not apart:
        return []
    text = f"though on this case by itself not in {APART} new ones: by chance, or by what was judged there before"
    return [Explanation("crash.not_by_itself", f"{_sentence(str(crash))}, {text}.", 1, 1)]


def _raised(trial: Trial) -> list[tuple[Case, str]]:
    """The variants that ended, and in what."""
    seen = (*trial.outcomes.values(), *trial.performances.values())
    return [(case, str(found)) for case, found in seen if isinstance(found, ImplementationCrashed)]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _told(crash: str, when: str) -> Explanation:
    """By the exception, or as the end of a process: `crash.value_error`, `crash.process`."""
    name = crash.partition(":")[0]
    if not (name.isascii() and name.isidentifier()):
        return Explanation("crash.process", f"{_sentence(crash)}{when}.", 1, 1)
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return Explanation(f"crash.{word}", f"It ends in {crash}{when}.", 1, 1)
