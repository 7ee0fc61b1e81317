"""Judging the baseline: each entry by its own case, whatever a run judges besides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING

from bncheck.baseline.entry import Entry
from bncheck.baseline.standing import EntryReport, Standing
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.replaying import Again, judged_again
from bncheck.verdict import Failure, Status

if TYPE_CHECKING:
    from bncheck.causes.attribution import Attribution

# A case that holds is shown so often before it counts as fixed: what reads memory it does not own fails by chance.
SHOWN = 5
# The target, loaded so that it takes a dtype.
Loads = Callable[[str], AbstractContextManager[Implementation]]


def standings(
    entries: Sequence[Entry], laws: Sequence[Law], today: date, loads: Loads
) -> tuple[EntryReport, ...]:
    """How entries of one target stand today; those of a dtype are judged on one implementation."""
    elsewhere = {number: entry.other_version() for number, entry in enumerate(entries)}
    found = {
        number: EntryReport(entries[number], Standing.OTHER_VERSION, version)
        for number, version in elsewhere.items()
        if version is not None
    }
    left = [number for number in elsewhere if number not in found]
    for dtype in dict.fromkeys(entries[number].dtype for number in left):
        numbers = [number for number in left if entries[number].dtype == dtype]
        with loads(dtype) as implementation:
            examiner = _Examiner(implementation, laws, today, [entries[number] for number in numbers])
            found |= {number: examiner.report(entries[number]) for number in numbers}
    return tuple(found[number] for number in range(len(entries)))


class _Examiner:
    """Entries of one dtype on one implementation; the causes that they name are tried before all others."""

    def __init__(
        self, implementation: Implementation, laws: Sequence[Law], today: date, entries: Iterable[Entry]
    ) -> None:
        self.implementation, self.today = implementation, today
        self.laws = {law.id: law for law in laws}
        self.named = {entry.cause for entry in entries if entry.cause is not None}
        self.attribution: Attribution | None = None

    def report(self, entry: Entry) -> EntryReport:
        """How it stands: whether its case still fails, and as it says; then its last day, then its cause."""
        law = self.laws.get(entry.law)
        if law is None:
            return EntryReport(entry, Standing.NOT_JUDGED, "this version of bncheck does not have the law")
        again = self._again(law, entry)
        if again.status == Status.HELD:
            return EntryReport(entry, Standing.FIXED, "its case holds now")
        if again.failure is None:
            return EntryReport(entry, Standing.NOT_JUDGED, "; ".join(again.messages))
        if not entry.covers(law.id, again.failure):
            told = f"its case fails otherwise now ({again.status}): {again.messages[0]}"
            return EntryReport(entry, Standing.OTHER_FAILURE, told)
        if entry.expires is not None and self.today > entry.expires:
            return EntryReport(entry, Standing.EXPIRED, f"it expired on {entry.expires.isoformat()}")
        return self._by_cause(entry, law, again.failure)

    def _again(self, law: Law, entry: Entry) -> Again:
        """Its case judged until it fails, or has held SHOWN times."""
        case = fit(entry.saved.case, self.implementation)
        for _ in range(SHOWN):
            found = judged_again(law, case, self.implementation, entry.dtype, ended=entry.saved.ended)
            if found.status != Status.HELD:
                break
        return found

    def _by_cause(self, entry: Entry, law: Law, failure: Failure) -> EntryReport:
        """Known where the cause that it names is among the likeliest.

        It is not asked for without one, nor of what does not answer in time, which would not answer more either.
        """
        asked = entry.cause is not None and failure.status != Status.TIMED_OUT
        likeliest = self._causes(law, failure) if asked else ()
        if not asked or entry.cause in likeliest:
            return EntryReport(entry, Standing.KNOWN, failure.messages()[0])
        now = likeliest[0] if likeliest else None
        told = f"its cause is {now or 'not known'} now, not {entry.cause}"
        return EntryReport(entry, Standing.OTHER_CAUSE, told, now)

    def _causes(self, law: Law, failure: Failure) -> tuple[str, ...]:
        """The library of causes is loaded with the first entry that names one."""
        from bncheck.causes.attribution import Attribution  # noqa: PLC0415
        from bncheck.causes.catalogue import CAUSES  # noqa: PLC0415

        if self.attribution is None:
            first = [cause for cause in CAUSES if cause.id in self.named]
            self.attribution = Attribution(self.implementation, proven=list(first), named=list(first))
        return tuple(each.id for each in self.attribution.explanations(law, failure, failure))
