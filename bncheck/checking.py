"""Checking: a target through load, plan, verification and shrinking, to a report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from bncheck.case_file import SavedCase, save
from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.environment import environment
from bncheck.errors import DefectError, LoadError
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.loading import load
from bncheck.numerics import measured
from bncheck.options import Options
from bncheck.reference.formats import FORMATS
from bncheck.reference.self_check import OracleDisagreement, check_oracle_against_itself
from bncheck.report import FAILING, Finding, LawReport, Report, TargetReport
from bncheck.shrinking import shrunk
from bncheck.verdict import Failure, Status, most_serious
from bncheck.verify import Progress, Tallies, planned, started, verify

if TYPE_CHECKING:
    from bncheck.causes.attribution import Attribution
    from bncheck.causes.explanation import Explanation

UNSTABLE = "outside the bound of the numeric class that is required, inside that of a one-pass variance mean(x^2) - mean(x)^2"


def run(
    targets: Sequence[Any],
    laws: Sequence[Law],
    options: Options,
    *,
    progress: Progress | None = None,
) -> Report:
    """Judge each target by the selected laws; raises UsageError on misuse and DefectError on a defect of bncheck."""
    started = time.perf_counter()
    trust_the_oracle()
    chosen = options.selected(laws)
    effort = effort_of(options.profile)
    corpus = Corpus(options.seed, effort)
    reports: list[TargetReport] = []
    for target in targets:
        reports.append(judged(target, chosen, options, corpus, progress=progress))
        if reports[-1].interrupted:
            break
    seconds = time.perf_counter() - started
    return Report(environment(), options.seed, options.profile, seconds, tuple(reports), strict=effort.strict)


def trust_the_oracle() -> None:
    """Raise DefectError where the oracle does not agree with itself."""
    try:
        check_oracle_against_itself()
    except OracleDisagreement as disagreement:
        raise DefectError(str(disagreement)) from None


def judged(
    target: Any, laws: Sequence[Law], options: Options, corpus: Corpus, *, progress: Progress | None = None
) -> TargetReport:
    """One target: loaded, verified, its failures shrunk; what does not load becomes an error in its report."""
    try:
        implementation = loaded(target, options)
    except LoadError as error:
        return TargetReport(target if isinstance(target, str) else repr(target), error=str(error))
    try:
        return report_on(implementation, laws, options, corpus, progress=progress)
    finally:
        implementation.close()


def loaded(target: Any, options: Options) -> Implementation:
    """A target as the options ask for it; raises LoadError or UsageError."""
    return load(
        target,
        device=options.device,
        dialect=options.dialect,
        ranks=options.ranks,
        dtypes=options.dtypes,
        isolate=options.isolate,
    )


def report_on(
    implementation: Implementation,
    laws: Sequence[Law],
    options: Options,
    corpus: Corpus,
    *,
    progress: Progress | None = None,
) -> TargetReport:
    """A loaded target.  An interruption ends the verification; what was found until then is reported, not shrunk."""
    dtypes = _dtypes(implementation, options)
    plan = planned(laws, implementation, dtypes)
    tallies = started(plan)
    interrupted = False
    numerics = None
    try:
        verify(implementation, plan, corpus, tallies, progress=progress)
        if dtypes and laws:
            numerics = measured(implementation, _measured_dtype(dtypes))
    except KeyboardInterrupt:
        interrupted = True
    found = _Judged(
        implementation,
        dtypes,
        tallies,
        options,
        0 if interrupted else corpus.effort.shrinks,
    )
    try:
        reports = tuple(found.law_report(law) for law in laws)
    except KeyboardInterrupt:
        interrupted = True
        reports = tuple(replace(found, shrinks=0).law_report(law) for law in laws)
    statuses = {each.status for each in reports}
    # What does not answer in time would not answer more questions either.
    asked = not interrupted and Status.TIMED_OUT not in statuses and bool(statuses & {*FAILING})
    return TargetReport(
        target=implementation.name,
        adapter=implementation.adapter.name,
        device=implementation.device,
        capabilities=implementation.capabilities,
        dialect=implementation.dialect,
        numerics=numerics,
        laws=reports,
        contradictions=_contradictions(implementation) if asked else (),
        interrupted=interrupted,
    )


def _contradictions(implementation: Implementation) -> tuple[str, ...]:
    """The conventions that were declared and are not followed, in words; the questions are loaded with the first failure."""
    from bncheck.identify.identifying import contradictions  # noqa: PLC0415

    return tuple(each.contradiction() for each in contradictions(implementation))


def _dtypes(implementation: Implementation, options: Options) -> tuple[str, ...]:
    offered = implementation.capabilities.dtypes
    return tuple(name for name in offered if not options.dtypes or name in options.dtypes)


def _measured_dtype(dtypes: Sequence[str]) -> str:
    """The numeric class is told in float32 where that is judged: that is where classes differ in practice."""
    return "float32" if "float32" in dtypes else dtypes[0]


@dataclass(slots=True)
class _Judged:
    """One target with all that was counted for it, on the way to its law reports.

    `shrinks`: evaluations for each case; where there are none, no causes are looked for either.
    """

    implementation: Implementation
    dtypes: tuple[str, ...]
    tallies: Tallies
    options: Options
    shrinks: int
    attribution: Attribution | None = None
    crashes: dict[tuple[str, str | None], Failure] = field(default_factory=dict)

    def law_report(self, law: Law) -> LawReport:
        """The verdict on one law, its most serious failure shrunk."""
        reason = self.why_not(law)
        if reason is not None:
            return LawReport(law, Status.NOT_APPLICABLE, reason)
        by_dtype = self.tallies[law]
        status = most_serious([tally.status for tally in by_dtype.values()])
        failures = [tally.failure for tally in by_dtype.values() if tally.failure is not None]
        first = next((failure for failure in failures if failure.status == status), None)
        findings = () if first is None else self.findings(law, first)
        return LawReport(law, status, _reason(status), by_dtype, findings)

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
        """The failure on a simpler case.  What ended the process is the same for all laws of a region: once is enough."""
        key = (first.drawing.region.name, first.crash)
        if first.crash is not None and key in self.crashes:
            return self.crashes[key]
        found = shrunk(law, self.implementation, first, budget=self.shrinks)
        if first.crash is not None:
            self.crashes[key] = found
        return found

    def causes(self, law: Law, first: Failure, smallest: Failure) -> tuple[Explanation, ...]:
        """The likeliest causes of a finding; the library of causes is loaded with the first failure of a target."""
        from bncheck.causes.attribution import Attribution  # noqa: PLC0415

        if self.attribution is None:
            self.attribution = Attribution(self.implementation)
        return self.attribution.explanations(law, first, smallest)

    def findings(self, law: Law, first: Failure) -> tuple[Finding, ...]:
        """One finding a quantity that fails on the smallest case, or one for a crash."""
        smallest = self.smallest(law, first)
        dtype, command = (
            smallest.drawing.dtype,
            self.options.command(self.implementation.name, law, first.drawing.dtype),
        )
        words = [comparison.message() for comparison in smallest.comparisons]
        message = words[0] if smallest.crash is None else smallest.crash
        causes = self.causes(law, first, smallest) if self.shrinks else None
        found = Finding(message, smallest.case, dtype, command, causes=causes)
        if self.options.cases is not None:
            saved = SavedCase(
                target=self.implementation.name,
                law=law.id,
                dtype=dtype,
                status=str(smallest.status),
                message=message,
                case=smallest.case,
                device=self.options.device,
                dialect=self.options.dialect,
                cause=causes[0].id if causes else None,
            )
            path = save(saved, self.options.cases)
            found = replace(found, replay=f"bncheck replay {saved.id}", saved=str(path), found_by=command)
        if smallest.crash is not None:
            return (found,)
        return tuple(
            replace(found, message=comparison.message(), comparison=comparison)
            for comparison in smallest.comparisons
        )


def _reason(status: Status) -> str | None:
    if status == Status.UNDECIDED:
        return "no example decided, or under half of the elements were conclusive"
    return UNSTABLE if status == Status.UNSTABLE else None
