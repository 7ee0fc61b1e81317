"""How fast bncheck judges, where the time of a run goes, and how soon planted bugs are killed.

    python tests/benchmarks/throughput.py [TARGET] [PROFILE]

Not a test: times differ between machines, so what counts are the shares within one run, and nothing is asserted.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from rich.console import Console
from rich.table import Table

from bncheck.checking import report_on
from bncheck.command_line import shipped
from bncheck.corpus import Corpus, Drawing
from bncheck.effort import effort_of
from bncheck.implementation import Implementation
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import TargetReport
from bncheck.selftest import SelfTestOptions, selftest
from bncheck.taking import loaded
from bncheck.trial import Answers

REST = "laws: comparisons and relations"
STAGES: tuple[tuple[str, type, tuple[str, ...]], ...] = (
    ("generation of cases", Drawing, ("examples",)),
    ("implementation", Implementation, ("evaluate", "perform")),
    ("oracle", Answers, ("truth",)),
    ("bounds", Answers, ("bounds",)),
)


@dataclass(slots=True)
class Stopwatch:
    """Seconds of each stage, without those of the stages inside it."""

    spent: dict[str, float] = field(default_factory=dict)
    inside: list[float] = field(default_factory=lambda: [0.0])

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        """One call of a stage."""
        started = time.perf_counter()
        self.inside.append(0.0)
        try:
            yield
        finally:
            whole = time.perf_counter() - started
            self.spent[stage] = self.spent.get(stage, 0.0) + whole - self.inside.pop()
            self.inside[-1] += whole

    def timed(self, stage: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """A method that is timed."""

        @wraps(method)
        def call(*given: Any, **named: Any) -> Any:
            with self.running(stage):
                return method(*given, **named)

        return call


@contextmanager
def watched(watch: Stopwatch) -> Iterator[None]:
    """The methods of all stages timed, until the block ends."""
    originals = [(kind, name, getattr(kind, name)) for _, kind, names in STAGES for name in names]
    for stage, kind, names in STAGES:
        for name in names:
            setattr(kind, name, watch.timed(stage, getattr(kind, name)))
    try:
        yield
    finally:
        for kind, name, original in originals:
            setattr(kind, name, original)


def main(target: str = "torch.nn:BatchNorm2d", profile: str = "ci") -> None:
    """One run of a target, then a self-test in profile smoke."""
    console, watch = Console(width=110), Stopwatch()
    implementation = loaded(target, Options(profile))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with watched(watch), watch.running(REST):
        report = report_on(implementation, CATALOGUE, Options(profile), Corpus(0, effort_of(profile)))
    console.print(_shares(target, profile, report, watch))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    console.print(
        f"peak memory {peak / 1024:.0f} MB, {(peak - before) / 1024:.0f} MB above the loaded target\n"
    )
    console.print(_kills())


def _shares(target: str, profile: str, report: TargetReport, watch: Stopwatch) -> Table:
    total, comparisons = sum(watch.spent.values()), sum(law.comparisons for law in report.laws)
    speed = f"{comparisons} comparisons, {comparisons / total:.0f} a second"
    table = Table(title=f"{target}, profile {profile}: {speed}", box=None)
    for name in ("stage", "share", "times the implementation"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for name, seconds in watch.spent.items():
        table.add_row(name, f"{seconds / total:.0%}", f"{seconds / watch.spent['implementation']:.1f}")
    return table


def _kills() -> Table:
    """Examples that a bug sees until it is killed, and its seconds in units of the median's."""
    matrix = selftest(shipped, SelfTestOptions("smoke", workers=1)).matrix
    examples, seconds = (sorted(each) for each in zip(*matrix.times_to_kill, strict=True))
    usual = statistics.median(seconds)
    killed = f"{len(seconds)} of {len(matrix.bugs)} planted bugs killed in profile smoke"
    table = Table(title=f"time to kill: {killed}", box=None)
    for name in ("", "examples", "times the median"):
        table.add_column(name, justify="right")
    for name, place in (("median", 0.5), ("nine in ten", 0.9), ("worst", 1.0)):
        index = min(int(place * len(seconds)), len(seconds) - 1)
        table.add_row(name, str(examples[index]), f"{seconds[index] / usual:.1f}")
    return table


if __name__ == "__main__":
    main(*sys.argv[1:])
