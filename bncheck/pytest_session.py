"""What the tests of one process share: each target is loaded once, and each region judged once for all laws that are awaited."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import StringIO
from typing import Any, Literal

from rich.console import Console

from bncheck.checking import known_to, trust_the_oracle
from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.findings import Judged
from bncheck.identify.identifying import contradictions
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.numerics import measured
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import FAILING, TargetReport
from bncheck.taking import judged_dtypes, loaded
from bncheck.text_report import print_target
from bncheck.verdict import Status
from bncheck.verify import planned, started, verify

# Where there are processes enough, so many laws of a region go to one: each of its examples is evaluated once more for
# every other, which two processes do not repay.
TOGETHER, ENOUGH = 16, 3

Outcome = Literal["passed", "failed", "skipped", "known"]


@dataclass(frozen=True, slots=True)
class Ending:
    """How the test of a law ends, and why."""

    outcome: Outcome
    text: str = ""


@dataclass(slots=True)
class Bench:
    """One target under the options of its tests, and all that was found of it.

    `awaited`: the laws whose tests are to run; those that share examples are judged when the first of them is asked for,
    others alone.  `seen`: the laws whose entries in the baseline were judged.
    """

    target: Any
    options: Options
    implementation: Implementation
    corpus: Corpus
    awaited: dict[Law, None] = field(default_factory=dict)
    seen: set[Law] = field(default_factory=set)
    found: Judged = field(init=False)
    told: TargetReport | None = None

    def __post_init__(self) -> None:
        dtypes = judged_dtypes(self.implementation, self.options)
        shrinks = self.corpus.effort.shrinks
        self.found = Judged(self.implementation, dtypes, {}, self.options, shrinks)

    def ending(self, law: Law) -> Ending:
        """How the test of a law ends: it fails too where it is undecided in a strict profile, or stale in the baseline."""
        with warnings.catch_warnings():
            # What the target warns of is no verdict on it, and no error that a project makes of its own warnings.
            warnings.simplefilter("ignore")
            return self._ending(law)

    def _ending(self, law: Law) -> Ending:
        _trust_the_oracle()
        self._look_up(law)
        if self.found.why_not(law) is None and law not in self.found.tallies:
            self._judge(law)
        found = self.found.law_report(law)
        baseline = tuple(each for each in self.found.known.counted() if each.entry.law == law.id)
        stale = next((each for each in baseline if each.is_stale), None)
        undecided = found.status == Status.UNDECIDED and self.corpus.effort.strict
        if stale is None and not undecided and found.status not in FAILING:
            return Ending(_OUTCOMES.get(found.status, "passed"), found.reason or "")
        first = found.findings[0].message if found.findings else str(found.reason)
        report = replace(self._about_all(found.status), laws=(found,), baseline=baseline)
        return Ending("failed", f"{first if stale is None else stale.message}\n\n{_printed(report)}")

    def _look_up(self, law: Law) -> None:
        """What the baseline knows of a law."""
        if law in self.seen:
            return
        self.seen.add(law)
        known = known_to(self.target, self.implementation, (law,), self.options.about(law))
        self.found.known.reports = (*self.found.known.reports, *known.reports)

    def _judge(self, law: Law) -> None:
        """A law, and with it those that are awaited and share its examples."""
        units = _units()
        together = [each for each in self.awaited if units[each.id] == units[law.id]]
        laws = [law, *(each for each in together if each != law)]
        for each in laws:
            self._look_up(each)
        plan = planned(laws, self.implementation, self.found.dtypes)
        self.found.tallies |= verify(
            self.implementation, plan, self.corpus, started(plan), witness=self.found.known.witness
        )

    def _about_all(self, status: Status) -> TargetReport:
        """What a report says beside the laws, measured with the first that fails; not asked of what does not answer."""
        if self.told is None:
            dtypes, answers = self.found.dtypes, status != Status.TIMED_OUT
            dtype = "float32" if "float32" in dtypes else dtypes[0]
            asked = contradictions(self.implementation) if answers else ()
            self.told = TargetReport(
                target=self.implementation.name,
                adapter=self.implementation.adapter.name,
                device=self.implementation.device,
                capabilities=self.implementation.capabilities,
                dialect=self.implementation.dialect,
                numerics=measured(self.implementation, dtype) if answers else None,
                contradictions=tuple(dict.fromkeys(each.contradiction() for each in asked)),
            )
        return self.told


_OUTCOMES: Mapping[Status, Outcome] = {Status.NOT_APPLICABLE: "skipped", Status.KNOWN: "known"}


def _printed(report: TargetReport) -> str:
    text = StringIO()
    print_target(Console(file=text, width=120, no_color=True), report)
    return text.getvalue().strip()


# A target, by its text or its identity, and the options of its tests.
_Key = tuple[str | int, str, int]
_BENCHES: dict[_Key, Bench] = {}
_AWAITED: dict[_Key, dict[Law, None]] = {}
_LOADED: dict[str, Implementation] = {}


def expect(target: Any, options: Options, law: Law) -> None:
    """Say, before any test runs, that a law will judge a target."""
    _AWAITED.setdefault(_key(target, options), {})[law] = None


def bench(target: Any, options: Options) -> Bench:
    """The bench of a target, loaded when it is first asked for; raises LoadError or UsageError.

    An object for which no law is expected is loaded each time: it may be another one in the place of the last.
    """
    key = _key(target, options)
    if key in _BENCHES:
        return _BENCHES[key]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        implementation = _loaded(target, options)
    found = Bench(target, options, implementation, _corpus(options.seed, options.profile))
    if isinstance(target, str) or key in _AWAITED:
        found.awaited = _AWAITED.setdefault(key, {})
        _BENCHES[key] = found
    return found


def _key(target: Any, options: Options) -> _Key:
    name = target if isinstance(target, str) else id(target)
    return name, repr(replace(options, baseline=None)), id(options.baseline)


def close() -> None:
    """End the processes of the targets, and forget all that was found."""
    for implementation in _LOADED.values():
        implementation.close()
    for kept in (_LOADED, _BENCHES, _AWAITED):
        kept.clear()


def _loaded(target: Any, options: Options) -> Implementation:
    """A target named by a string is loaded once a process: its worker serves the tests of all laws."""
    if not isinstance(target, str):
        return loaded(target, options)
    key = repr(
        (target, options.device, dict(options.dialect), options.ranks, options.dtypes, options.isolate)
    )
    if key not in _LOADED:
        _LOADED[key] = loaded(target, options)
    return _LOADED[key]


@lru_cache(maxsize=4)
def _corpus(seed: int, profile: str) -> Corpus:
    """One corpus a process: examples are drawn once for all tests."""
    return Corpus(seed, effort_of(profile))


@lru_cache(maxsize=1)
def _trust_the_oracle() -> None:
    trust_the_oracle()


def units_of(laws: Sequence[Law], *, most: int | None) -> dict[str, str]:
    """Law id to what is judged in one go: the laws of its region, or `most` of them in the order of `laws`."""
    members: dict[str, int] = {}
    units: dict[str, str] = {}
    for law in laws:
        number = members.get(law.region.name, 0)
        members[law.region.name] = number + 1
        units[law.id] = f"{law.region.name} {0 if most is None else number // most}"
    return units


def judged_at_once(processes: int) -> int | None:
    """The most laws of a region that one of so many processes judges together, None for all of them."""
    return TOGETHER if processes >= ENOUGH else None


@lru_cache(maxsize=1)
def _units() -> dict[str, str]:
    return units_of(CATALOGUE, most=judged_at_once(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))
