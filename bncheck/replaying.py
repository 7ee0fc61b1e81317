"""Replaying: a saved case judged again, on the same target or another, on the same device or another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bncheck.case import Case
from bncheck.case_file import SavedCase
from bncheck.corpus import Drawing
from bncheck.errors import UsageError
from bncheck.fitting import fit
from bncheck.law import Law
from bncheck.loading import load
from bncheck.trial import Trial
from bncheck.verdict import Status
from bncheck.verify import judge


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a target does today on a saved case: `status` held or failing in some way, and the words for it."""

    target: str
    law: Law
    status: Status
    messages: tuple[str, ...]
    case: Case

    @property
    def exit_code(self) -> int:
        """0 fixed, 1 still failing, 5 where nothing was judged: the law does not apply, or the case decides nothing."""
        if self.status in (Status.NOT_APPLICABLE, Status.UNDECIDED):
            return 5
        return 0 if self.status == Status.HELD else 1


def replay(
    saved: SavedCase,
    laws: Sequence[Law],
    *,
    target: str | None = None,
    device: str | None = None,
    isolate: bool | None = None,
) -> Replayed:
    """Judge a saved case by its law; raises UsageError for a law that is not there, LoadError as `load` does."""
    law = next((law for law in laws if law.id == saved.law), None)
    if law is None:
        raise UsageError(f"the case is of the law {saved.law!r}, which this version of bncheck does not have")
    name = saved.target if target is None else target
    implementation = load(name, device=device or saved.device, dialect=saved.dialect, isolate=isolate)
    try:
        case = fit(saved.case, implementation)
        reason = law.why_not(implementation.capabilities)
        if reason is not None:
            return Replayed(name, law, Status.NOT_APPLICABLE, (reason,), case)
        origin = Drawing(0, law.region, saved.dtype, ladder=False, count=0, largest=0)
        judgement = judge(law, case, Trial(implementation), origin)
    finally:
        implementation.close()
    failure = judgement.failure
    if failure is None and not judgement.decides:
        return Replayed(name, law, Status.UNDECIDED, ("nothing could be concluded from this case",), case)
    if failure is None:
        return Replayed(name, law, Status.HELD, (), case)
    words = (failure.crash,) if failure.crash is not None else ()
    return Replayed(
        name, law, failure.status, words or tuple(each.message() for each in failure.comparisons), case
    )
