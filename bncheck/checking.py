"""Checking: a target through load, plan, verification and shrinking, to a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bncheck.baseline.judging import standings
from bncheck.baseline.known import Known
from bncheck.corpus import Corpus
from bncheck.crew import Crew
from bncheck.effort import effort_of
from bncheck.environment import environment
from bncheck.errors import DefectError, LoadError
from bncheck.findings import Judged
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.numerics import measured
from bncheck.options import Options
from bncheck.reference.self_check import OracleDisagreement, check_oracle_against_itself
from bncheck.report import FAILING, Report, TargetReport
from bncheck.saved_cases import Cases, ReplayedCase, cases_in, replayed_cases
from bncheck.taking import judged_dtypes, loaded, plan_of, taking
from bncheck.verdict import Status
from bncheck.verify import UNLIMITED, Limits, Progress, Stopped, drawn, started
from bncheck.work import Work

NO_CASES = Cases()


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a target before its examples are drawn: the baseline, and what it does on saved cases."""

    known: Known = field(default_factory=Known)
    replayed: tuple[ReplayedCase, ...] = ()
    interrupted: bool = False


def run(
    targets: Sequence[Any],
    laws: Sequence[Law],
    options: Options,
    *,
    crew: Crew | None = None,
    progress: Progress | None = None,
) -> Report:
    """Judge each target by the selected laws, alone or with a `crew`.

    Raises UsageError on misuse and DefectError on a defect of bncheck.
    """
    started = time.perf_counter()
    if crew is not None:
        crew.expect(targets[0])  # they start while this process looks at its oracle
    trust_the_oracle()
    effort = effort_of(options.profile)
    corpus = Corpus(options.seed, effort)
    cases = cases_in(options.replays, laws)
    limits = Limits(None if options.seconds is None else time.monotonic() + options.seconds, options.failures)
    reports: list[TargetReport] = []
    for target in targets:
        reports.append(
            judged(target, laws, options, corpus, cases=cases, crew=crew, limits=limits, progress=progress)
        )
        if reports[-1].interrupted:
            break
    return Report(
        environment(),
        options.seed,
        options.profile,
        time.perf_counter() - started,
        tuple(reports),
        strict=effort.strict,
        damaged=cases.damaged,
    )


def trust_the_oracle() -> None:
    """Raise DefectError where the oracle does not agree with itself."""
    try:
        check_oracle_against_itself()
    except OracleDisagreement as disagreement:
        raise DefectError(str(disagreement)) from None


def judged(
    target: Any,
    laws: Sequence[Law],
    options: Options,
    corpus: Corpus,
    *,
    cases: Cases = NO_CASES,
    crew: Crew | None = None,
    limits: Limits = UNLIMITED,
    progress: Progress | None = None,
) -> TargetReport:
    """One target: its baseline, the saved cases, then the selected laws; what does not load becomes an error in its report."""
    if crew is not None:
        crew.expect(target)
    try:
        implementation = loaded(target, options)
    except LoadError as error:
        return TargetReport(target if isinstance(target, str) else repr(target), error=str(error))
    try:
        chosen = options.selected(laws)
        before = _before(target, implementation, laws, options, cases)
        does = Work.do if crew is None else partial(crew.do, target)
        return report_on(
            implementation,
            chosen,
            options,
            corpus,
            before=before,
            does=does,
            limits=limits,
            progress=progress,
        )
    except LoadError as error:
        return TargetReport(implementation.name, error=str(error))
    finally:
        implementation.close()


def _before(
    target: Any, implementation: Implementation, laws: Sequence[Law], options: Options, cases: Cases
) -> Before:
    try:
        known = known_to(target, implementation, laws, options)
        concerning = [each for each in cases.saved if options.concerns(each[1], implementation.name)]
        # Of several shards, the first replays them.
        mine = concerning if options.shard is None or options.shard.index == 0 else []
        replayed = replayed_cases(mine, options.selected(laws), implementation, known)
        return Before(known, tuple(replayed))
    except KeyboardInterrupt:
        return Before(interrupted=True)


def known_to(target: Any, implementation: Implementation, laws: Sequence[Law], options: Options) -> Known:
    """The failures of a target that the baseline knows, each entry judged by its case, whatever the run leaves out."""
    if options.baseline is None:
        return Known()
    entries = options.baseline.concerning(implementation.name, options.device, options.dialect)
    loads = partial(taking, target=target, implementation=implementation, options=options)
    return Known(standings(entries, laws, options.today, loads))


def report_on(
    implementation: Implementation,
    laws: Sequence[Law],
    options: Options,
    corpus: Corpus,
    *,
    before: Before | None = None,
    does: Callable[[Work], None] = Work.do,
    limits: Limits = UNLIMITED,
    progress: Progress | None = None,
) -> TargetReport:
    """A loaded target.  `does`: judges what there is to judge, where not this process alone.

    An interruption ends that; what was found until then is reported, not shrunk.
    """
    before, dtypes = before or Before(), judged_dtypes(implementation, options)
    plan = plan_of(laws, implementation, options)
    tallies = drawn(started(plan), plan.drawings(corpus, ladder=implementation.capabilities.compiles))
    interrupted, stopped, numerics = before.interrupted, None, None
    try:
        if not interrupted:
            try:
                does(Work(implementation, plan, corpus, tallies, before.known, limits, progress))
            except Stopped as reason:
                stopped = str(reason)
            numerics = measured(implementation, _measured_dtype(dtypes)) if dtypes and laws else None
    except KeyboardInterrupt:
        interrupted = True
    shrinks = 0 if interrupted else corpus.effort.shrinks
    found = Judged(implementation, dtypes, tallies, options, shrinks, before.known)
    try:
        reports = tuple(found.law_report(law) for law in laws)
    except KeyboardInterrupt:
        interrupted = True
        reports = tuple(replace(found, shrinks=0).law_report(law) for law in laws)
    statuses = {each.status for each in reports}
    # What does not answer in time would not answer more questions either.
    answers = not interrupted and Status.TIMED_OUT not in statuses
    misdeclared = _misdeclared(implementation) if answers else ()
    return TargetReport(
        target=implementation.name,
        adapter=implementation.adapter.name,
        device=implementation.device,
        versions=implementation.adapter.versions(),
        capabilities=implementation.capabilities,
        dialect=implementation.dialect,
        numerics=numerics,
        laws=reports,
        contradictions=_contradictions(implementation) if answers and statuses & {*FAILING} else misdeclared,
        misdeclared=misdeclared,
        interrupted=interrupted,
        stopped=stopped,
        baseline=before.known.counted(),
        replayed=before.replayed,
    )


def _contradictions(implementation: Implementation) -> tuple[str, ...]:
    """The conventions that were declared and are not followed, in words; the questions are loaded with the first failure."""
    from bncheck.identify.identifying import contradictions  # noqa: PLC0415

    return tuple(dict.fromkeys(each.contradiction() for each in contradictions(implementation)))


def _misdeclared(implementation: Implementation) -> tuple[str, ...]:
    """What is declared, cannot be judged by any law, and is not so, in words."""
    if not implementation.dialect.measured:
        return ()
    from bncheck.identify.identifying import misdeclared  # noqa: PLC0415

    return tuple(dict.fromkeys(each.contradiction() for each in misdeclared(implementation)))


def _measured_dtype(dtypes: Sequence[str]) -> str:
    """The numeric class is told in float32 where that is judged: that is where classes differ in practice."""
    return "float32" if "float32" in dtypes else dtypes[0]
