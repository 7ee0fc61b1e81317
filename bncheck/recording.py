"""Recording: today's findings of targets as entries of a baseline, and what became of those that are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from bncheck.baseline.entry import Entry
from bncheck.baseline.evidence import Evidence, Way, way_of
from bncheck.baseline.judging import Loads, standings
from bncheck.baseline.standing import STILL_FAILING, EntryReport, Standing
from bncheck.checking import known_to
from bncheck.corpus import Corpus
from bncheck.findings import Judged
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.options import Options
from bncheck.taking import judged_dtypes, loaded, taking
from bncheck.verdict import Failure, Status, Tally
from bncheck.verify import Progress, planned, started, verify


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one target led to.  `there`: the entries that the baseline has, and how they stand; `now`: those that still
    fail or are for another version, each with the cause that it has now; `added`: new entries, whose cases are not yet
    written; `unsteady`: failures that did not fail again, which no entry can stand for.
    """

    there: tuple[EntryReport, ...]
    now: tuple[Entry, ...]
    added: tuple[Entry, ...]
    unsteady: tuple[Entry, ...]


def recorded(
    target: Any,
    laws: Sequence[Law],
    options: Options,
    corpus: Corpus,
    *,
    folder: Path,
    progress: Progress | None = None,
) -> Recorded:
    """A target judged by its entries and by the selected laws; `folder` is where the cases of new entries will lie.

    Raises LoadError and UsageError as `load` does, and KeyboardInterrupt; it writes nothing.
    """
    implementation = loaded(target, options)
    try:
        known = replace(known_to(target, implementation, laws, options), valid=STILL_FAILING)
        kept = [each.entry for each in known.reports if each.is_kept]
        evidence = Evidence(known)
        judged = _judged(implementation, laws, options, corpus, evidence=evidence, progress=progress)
        found = list(_entries(judged, evidence, folder))
        loads = partial(taking, target=target, implementation=implementation, options=options)
        settled = _settled([*kept, *found], laws, options, loads)
    finally:
        implementation.close()
    new = settled[len(kept) :]
    return Recorded(
        known.counted(),
        tuple(each.entry for each in settled[: len(kept)]),
        tuple(each.entry for each in new if each.standing in STILL_FAILING),
        tuple(each.entry for each in new if each.standing not in STILL_FAILING),
    )


def _judged(
    implementation: Implementation,
    laws: Sequence[Law],
    options: Options,
    corpus: Corpus,
    *,
    evidence: Evidence,
    progress: Progress | None,
) -> Judged:
    """The selected laws on the examples of a run, the evidence gathered on the way."""
    dtypes = judged_dtypes(implementation, options)
    plan = planned(options.selected(laws), implementation, dtypes)
    tallies = started(plan)
    verify(implementation, plan, corpus, tallies, witness=evidence.witness, progress=progress)
    return Judged(implementation, dtypes, tallies, options, corpus.effort.shrinks, evidence.known)


def _entries(judged: Judged, evidence: Evidence, folder: Path) -> Iterator[Entry]:
    """One for each law, dtype and way of failing that no entry knows."""
    for law, by_dtype in judged.tallies.items():
        for tally in by_dtype.values():
            for way, first in _ways(law, tally).items():
                smallest, causes = judged.made_small(law, first)
                saved = judged.saved_case(law, smallest, causes or ())
                yield Entry(
                    target=saved.target,
                    law=law.id,
                    case=folder / f"{saved.id}.json",
                    saved=saved,
                    reason="",
                    where=evidence.where(way, smallest.case),
                    cause=saved.cause,
                    quantities=evidence.quantities(way, smallest),
                )


def _ways(law: Law, tally: Tally) -> dict[Way, Failure]:
    """The first failure of each way in which a law fails; of violations and instabilities a violation."""
    failures = sorted(tally.failures.values(), key=lambda each: each.status != Status.UNSTABLE)
    return {way_of(law, each): each for each in failures}


def _settled(
    entries: Sequence[Entry], laws: Sequence[Law], options: Options, loads: Loads
) -> tuple[EntryReport, ...]:
    """Entries as the next run will judge them, which looks for a cause on the smallest case alone.

    Where it names another than is written, that one is; where it does not name that one again, none.
    """
    found = standings(entries, laws, options.today, loads)
    if all(each.standing != Standing.OTHER_CAUSE for each in found):
        return found
    changed = [
        replace(each.entry, cause=each.cause) if each.standing == Standing.OTHER_CAUSE else each.entry
        for each in found
    ]
    return tuple(
        replace(each, entry=replace(each.entry, cause=None))
        if each.standing == Standing.OTHER_CAUSE
        else each
        for each in standings(changed, laws, options.today, loads)
    )
