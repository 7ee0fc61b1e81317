"""Findings: what fails of a target, shrunk, explained and saved, on the way to its law reports."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bncheck.baseline.known import Known
from bncheck.case_file import SavedCase, save
from bncheck.errors import LoadError, UsageError, tells_of_a_process
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.options import Options
from bncheck.reference.formats import FORMATS
from bncheck.report import Finding, LawReport
from bncheck.shrinking import AFRESH, shrunk, shrunk_afresh
from bncheck.taking import loaded
from bncheck.trial import Trial
from bncheck.verdict import Failure, Status, most_serious
from bncheck.verify import Tallies, judge

if TYPE_CHECKING:
    from bncheck.causes.attribution import Attribution
    from bncheck.causes.explanation import Explanation


@dataclass(slots=True)
class Judged:
    """One target with all that was counted for it.

    `shrinks`: evaluations for each case; where there are none, no causes are looked for either.  `processes`: those that
    are left for making cases small of what depends on the calls before.
    """

    implementation: Implementation
    dtypes: tuple[str, ...]
    tallies: Tallies
    options: Options
    shrinks: int
    known: Known = field(default_factory=Known)
    attribution: Attribution | None = None
    crashes: dict[tuple[str, str, str | None], Failure] = field(default_factory=dict)
    processes: int = AFRESH

    def law_report(self, law: Law) -> LawReport:
        """The verdict on one law, its most serious failure shrunk."""
        reason = self.why_not(law)
        if reason is not None:
            return LawReport(law, Status.NOT_APPLICABLE, reason)
        by_dtype = self.tallies[law]
        if not by_dtype:
            return LawReport(law, Status.NOT_APPLICABLE, ELSEWHERE)
        status = most_serious([tally.status for tally in by_dtype.values()])
        failures = [tally.failure for tally in by_dtype.values() if tally.failure is not None]
        first = next((failure for failure in failures if failure.status == status), None)
        findings = () if first is None else self.findings(law, first)
        return LawReport(law, status, self._reason(law, status), by_dtype, findings)

    def why_not(self, law: Law) -> str | None:
        """Why a law does not apply: a capability, or the dtypes that are judged."""
        reason = law.why_not(self.implementation.capabilities)
        if reason is not None or law.dtypes(self.dtypes):
            return reason
        wanted = ", ".join(law.region.dtypes or FORMATS)
        offered = ", ".join(self.implementation.capabilities.dtypes)
        judged = ", ".join(self.dtypes) or f"none of the {offered} that it offers"
        return f"it is a law for {wanted}; the target is judged in {judged}"

    def smallest(self, law: Law, first: Failure) -> Failure:
        """The failure on a simpler case that is not known either.

        A crash is the same for all laws of a region that ask for the same: one search is enough for them.
        """
        key = (first.drawing.region.name, first.drawing.dtype, first.crash)
        before = self.crashes.get(key)
        if before is not None and self.is_new(law, before) and self.crashes_too(law, before):
            return before
        found = shrunk(
            law, self.implementation, first, budget=self.shrinks, counts=lambda each: self.is_new(law, each)
        )
        if first.crash is not None:
            self.crashes[key] = found
        return found

    def crashes_too(self, law: Law, known: Failure) -> bool:
        """Whether the case of another law's crash is one of this law, too; what ended its process is not asked again."""
        if known.status == Status.TIMED_OUT or tells_of_a_process(str(known.crash)):
            return True
        found = judge(law, known.case, Trial(self.implementation), known.drawing).failure
        return found is not None and found.crash == known.crash

    def is_new(self, law: Law, failure: Failure) -> bool:
        """Whether no entry of the baseline knows a failure."""
        return self.known.entry_for(law.id, failure) is None

    def causes(self, law: Law, first: Failure, smallest: Failure) -> tuple[Explanation, ...]:
        """The likeliest causes of a finding; the library of causes is loaded with the first failure of a target."""
        from bncheck.causes.attribution import Attribution  # noqa: PLC0415

        if self.attribution is None:
            self.attribution = Attribution(self.implementation)
        return self.attribution.explanations(law, first, smallest)

    def made_small(self, law: Law, first: Failure) -> tuple[Failure, tuple[Explanation, ...] | None]:
        """The failure on the simplest case, and its likeliest causes, None where none was looked for."""
        smallest = self.smallest(law, first)
        # What does not answer in time would not answer the probes either.
        if not self.shrinks or smallest.status == Status.TIMED_OUT:
            return smallest, None
        causes = self.causes(law, first, smallest)
        if causes and causes[0].of_the_first_call:
            smallest = self.afresh(law, first, smallest)
        return smallest, causes

    def findings(self, law: Law, first: Failure) -> tuple[Finding, ...]:
        """One finding a quantity that fails on the smallest case, or one for a crash."""
        smallest, causes = self.made_small(law, first)
        command = self.options.command(self.implementation.name, law, first.drawing.dtype)
        message, dtype = smallest.messages()[0], smallest.drawing.dtype
        found = Finding(message, smallest.case, dtype, command, causes=causes)
        if self.options.cases is not None:
            saved = self.saved_case(law, smallest, causes or ())
            with suppress(UsageError):  # as where the disk is full: what was found counts for more
                path = save(saved, self.options.cases)
                found = replace(found, replay=f"bncheck replay {saved.id}", saved=str(path), found_by=command)
        if smallest.crash is not None:
            return (found,)
        return tuple(
            replace(found, message=comparison.message(), comparison=comparison)
            for comparison in smallest.comparisons
        )

    def afresh(self, law: Law, first: Failure, smallest: Failure) -> Failure:
        """The failure on a case that shows it where nothing was called before; where none does, or the target cannot be
        loaded into another process, as it was found.
        """
        try:
            isolated = loaded(self.implementation.name, replace(self.options, isolate=True))
        except (LoadError, UsageError):
            return smallest
        try:
            found, self.processes = shrunk_afresh(
                law,
                isolated,
                first,
                smallest,
                budget=self.processes,
                counts=lambda each: self.is_new(law, each),
            )
        finally:
            isolated.close()
        return smallest if found is None else found

    def saved_case(self, law: Law, smallest: Failure, causes: Sequence[Explanation]) -> SavedCase:
        """A failure as it goes into a file."""
        return SavedCase(
            target=self.implementation.name,
            law=law.id,
            dtype=smallest.drawing.dtype,
            status=str(smallest.status),
            message=smallest.messages()[0],
            case=smallest.case,
            device=self.options.device,
            dialect=self.options.dialect,
            cause=causes[0].id if causes else None,
        )

    def _reason(self, law: Law, status: Status) -> str | None:
        if status == Status.KNOWN:
            return "; ".join(self.known.reasons(law))
        unjudged = [dtype for dtype, tally in self.tallies[law].items() if not tally.examples]
        if status == Status.UNDECIDED and unjudged:
            return ENDED if len(unjudged) == len(self.tallies[law]) else f"{ENDED} in {', '.join(unjudged)}"
        return _REASONS.get(status)


UNSTABLE = "outside the bound of the numeric class that is required, inside that of a one-pass variance mean(x^2) - mean(x)^2"
ELSEWHERE = "another shard judges it"
ENDED = "the run ended before any example of it"
UNDECIDED = "no example decided, or of an average one under half of the elements were conclusive"
_REASONS = {Status.UNSTABLE: UNSTABLE, Status.UNDECIDED: UNDECIDED}
