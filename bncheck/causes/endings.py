"""Endings: the exception or the signal in which an implementation ends where no layer that refuses explains it."""

from __future__ import annotations

import re

from bncheck.case import Case
from bncheck.causes.explanation import Explanation
from bncheck.errors import ImplementationCrashed
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge

# A process that is ended by what lies in its memory is not ended every time.
ATTEMPTS = 8


def ending(implementation: Implementation, law: Law, failure: Failure) -> list[Explanation]:
    """How the case of a finding ends when it is tried again, or the variant whose end is what the law complains of."""
    for attempt in range(1, ATTEMPTS + 1 if failure.crash is not None else 2):
        trial = Trial(implementation)
        again = judge(law, failure.case, trial, failure.drawing).failure
        if again is not None and again.crash is not None:
            return [_told(again.crash, "" if attempt == 1 else ", though not every time")]
        if again is not None and failure.crash is None:
            complaints = " ".join(again.messages())
            raised = [(case, crash) for case, crash in _raised(trial) if crash in complaints]
            return [_told(crash, f", on x {case.x.shape} {case.x.dtype.name}") for case, crash in raised][:1]
    return []


def _raised(trial: Trial) -> list[tuple[Case, str]]:
    """The variants that ended, and in what."""
    seen = (*trial.outcomes.values(), *trial.performances.values())
    return [(case, str(found)) for case, found in seen if isinstance(found, ImplementationCrashed)]


def _told(crash: str, when: str) -> Explanation:
    """By the exception, or as the end of a process: `crash.value_error`, `crash.process`."""
    name = crash.partition(":")[0]
    if not name.isidentifier():
        return Explanation("crash.process", f"{crash[:1].upper()}{crash[1:]}{when}.", 1, 1)
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    return Explanation(f"crash.{word}", f"It ends in {crash}{when}.", 1, 1)
