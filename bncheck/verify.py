"""Verify: the examples of a corpus through an implementation and the laws, to one tally a law and dtype."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bncheck import error_profile
from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.corpus import Corpus, Drawing
from bncheck.division import Drawn, Part
from bncheck.errors import BncheckError, ImplementationCrashed, ImplementationTimedOut
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.regions import Region
from bncheck.trial import IllFormed, Trial
from bncheck.verdict import Failure, Judgement, Status, Tally

# In one region: once crashes have cost so many starts of the target's process, the rest is not tried.
RESTARTS = 3
Progress = Callable[[str, int, int], None]
Tallies = dict[Law, dict[str, Tally]]
# Sees a law on an example, and says whether it fails as the baseline says.
Witness = Callable[[Law, Case, Judgement], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of one target consists of: the laws that apply, by region, in the dtypes that are judged.

    `parts`: what is judged of it, a part, and of that another one.
    """

    laws: tuple[Law, ...]
    dtypes: tuple[str, ...]
    parts: tuple[Part, ...] = ()

    def drawings(self, corpus: Corpus, *, ladder: bool) -> list[Drawn]:
        """One drawing for each region and dtype that is judged, with the laws that share it."""
        drawings = list(self._all(corpus, ladder=ladder))
        for part in self.parts:
            drawings = part.of(drawings)
        return drawings

    def of(self, part: Part) -> Plan:
        """That part of what is judged by this one."""
        return replace(self, parts=(*self.parts, part))

    def _all(self, corpus: Corpus, *, ladder: bool) -> Iterator[Drawn]:
        regions: dict[Region, list[Law]] = {}
        for law in self.laws:
            regions.setdefault(law.region, []).append(law)
        for region, laws in regions.items():
            chosen = laws[0].dtypes(self.dtypes)
            for dtype in chosen:
                yield corpus.drawing(region, dtype, dtypes=len(chosen), ladder=ladder), tuple(laws)


def started(plan: Plan) -> Tallies:
    """Empty tallies of all laws and dtypes of a plan."""
    return {law: {dtype: Tally() for dtype in law.dtypes(plan.dtypes)} for law in plan.laws}


def drawn(tallies: Tallies, drawings: Sequence[Drawn]) -> Tallies:
    """The tallies of what is drawn alone; a law of which nothing is has none."""
    judged = {(law, drawing.dtype) for drawing, laws in drawings for law in laws}
    return {
        law: {dtype: tally for dtype, tally in by_dtype.items() if (law, dtype) in judged}
        for law, by_dtype in tallies.items()
    }


class Stopped(BncheckError):
    """A run that has reached a limit; the message is that limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run stops.  `until`: a time of the monotonic clock, in seconds; `failures`: laws that fail."""

    until: float | None = None
    failures: int | None = None

    def look(self, tallies: Tallies) -> None:
        """Raises Stopped where one is reached."""
        if self.until is not None and time.monotonic() >= self.until:
            raise Stopped("its time was over")
        if self.failures is not None:
            failing = sum(any(tally.failures for tally in found.values()) for found in tallies.values())
            if failing >= self.failures:
                raise Stopped(f"{failing} {'law' if failing == 1 else 'laws'} failed")


UNLIMITED = Limits()


def verify(
    implementation: Implementation,
    plan: Plan,
    corpus: Corpus,
    tallies: Tallies,
    *,
    witness: Witness = lambda _law, _case, _judgement: False,
    limits: Limits = UNLIMITED,
    progress: Progress | None = None,
) -> Tallies:
    """Judge one implementation; every example is evaluated once and shown to all laws of its region.

    `tallies` are counted up as it goes, so that an interrupted run keeps what it found.  Raises Stopped at a limit.
    """
    drawings = plan.drawings(corpus, ladder=implementation.capabilities.compiles)
    restarts: Counter[Region] = Counter()
    for number, (drawing, laws) in enumerate(drawings):
        if progress is not None:
            progress(standing(drawing, laws, tallies), number, len(drawings))
        for case in corpus.examples(drawing):
            if restarts[drawing.region] >= RESTARTS:
                break
            limits.look(tallies)
            restarts[drawing.region] += _show(case, drawing, laws, implementation, tallies, witness=witness)
            if progress is not None:
                progress(standing(drawing, laws, tallies), number, len(drawings))
    return tallies


def standing(drawing: Drawing, laws: Sequence[Law], tallies: Tallies) -> str:
    """What is being judged, and what has come of all that was: `training float32: forward.output and 40 more, 1200 checks,
    worst error 0.7 of its bound (gradient.dx), 1 law fails`.
    """
    found = [(law.id, tally) for law, by_dtype in tallies.items() for tally in by_dtype.values()]
    worst, nearest = max(((tally.worst, law) for law, tally in found if tally.deciding), default=(0.0, ""))
    failing = len({law for law, tally in found if tally.failures})
    parts = [
        f"{drawing.region.name} {drawing.dtype}: {laws[0].id}"
        + (f" and {len(laws) - 1} more" * (len(laws) > 1)),
        f"{sum(tally.examples for _, tally in found)} checks",
        *([f"worst error {worst:.2g} of its bound ({nearest})"] if nearest else []),
        *([f"{failing} {'law fails' if failing == 1 else 'laws fail'}"] if failing else []),
    ]
    return ", ".join(parts)


def _show(
    case: Case,
    drawing: Drawing,
    laws: Sequence[Law],
    implementation: Implementation,
    tallies: Tallies,
    *,
    witness: Witness,
) -> int:
    """One example to all laws of its region; what its crashes cost, in starts of a process.

    Such an example is not evaluated again for the next law: they all have their verdict from it.
    """
    trial, fitted = Trial(implementation), fit(case, implementation)
    where = error_profile.places(fitted)
    for law in laws:
        started = time.perf_counter()
        judgement = judge(law, fitted, trial, drawing)
        seconds = time.perf_counter() - started
        known = witness(law, fitted, judgement)
        profiled = where if law.id in error_profile.LAWS else ()
        tallies[law][drawing.dtype].add(judgement, seconds, known=known, places=profiled)
    return trial.restarts


def judge(law: Law, case: Case, trial: Trial, drawing: Drawing) -> Judgement:
    """One law on one example.  A violation that the one-pass bound would allow is instability, not a wrong formula."""
    try:
        with np.errstate(all="ignore"):
            comparisons = _comparisons(law, case, trial)
    except ImplementationCrashed as crash:
        status = Status.TIMED_OUT if isinstance(crash, ImplementationTimedOut) else Status.CRASHED
        return Judgement((), Failure(status, case, drawing, crash=str(crash)))
    failed = tuple(comparison for comparison in comparisons if comparison.fails)
    if not failed:
        return Judgement(comparisons, None)
    status = Status.VIOLATED if _fails_as_one_pass(law, case, trial) else Status.UNSTABLE
    return Judgement(comparisons, Failure(status, case, drawing, failed))


def _comparisons(law: Law, case: Case, trial: Trial) -> tuple[Comparison, ...]:
    try:
        return tuple(law.check(case, trial))
    except IllFormed as outcome:
        return (outcome.comparison,)


def _fails_as_one_pass(law: Law, case: Case, trial: Trial) -> bool:
    with np.errstate(all="ignore"):
        return any(comparison.fails for comparison in _comparisons(law, case, trial.as_one_pass))


def planned(laws: Sequence[Law], implementation: Implementation, dtypes: Sequence[str]) -> Plan:
    """The laws that apply to a target in at least one of the dtypes."""
    capabilities = implementation.capabilities
    fitting = tuple(law for law in laws if law.why_not(capabilities) is None and law.dtypes(dtypes))
    return Plan(fitting, tuple(dtypes))
