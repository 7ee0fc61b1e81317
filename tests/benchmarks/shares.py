"""Where the time of a run goes: `python tests/benchmarks/shares.py [TARGET] [PROFILE]` prints shares of one run.

Not a test: times differ between machines, so only ratios within one run are told, and nothing is asserted.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.fitting import fit
from bncheck.loading import load
from bncheck.properties.catalogue import CATALOGUE
from bncheck.trial import Answers, Trial
from bncheck.verify import judge, planned

SPENT: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Add the time of a block to a stage."""
    started = time.perf_counter()
    yield
    SPENT[name] = SPENT.get(name, 0.0) + time.perf_counter() - started


def main(target: str = "torch.nn:BatchNorm2d", profile: str = "ci") -> None:
    """One run, stage by stage, in the order in which `verify` goes."""
    implementation = load(target)
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    corpus, checks = Corpus(0, effort_of(profile)), 0
    plan = planned(CATALOGUE, implementation, implementation.capabilities.dtypes)
    for drawing, laws in plan.drawings(corpus, ladder=implementation.capabilities.compiles):
        with stage("generation"):
            cases = corpus.examples(drawing)
        for drawn in cases:
            case, trial = fit(drawn, implementation), Trial(implementation, Answers())
            with stage("implementation, first evaluation of a case"):
                trial.outcome(case)
            with stage("oracle, same cases"):
                trial.truth(case)
            with stage("bounds, same cases"):
                trial.bounds(case)
            with stage("laws: comparison, and their own further evaluations"):
                for law in laws:
                    judge(law, case, trial, drawing)
                    checks += 1
    _print(target, profile, checks, loaded)


def _print(target: str, profile: str, checks: int, loaded: int) -> None:
    total, evaluated = sum(SPENT.values()), SPENT["implementation, first evaluation of a case"]
    table = Table(title=f"{target}, profile {profile}: {checks} checks", box=None)
    for name in ("stage", "share", "times the implementation"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for name, seconds in SPENT.items():
        table.add_row(name, f"{seconds / total:.0%}", f"{seconds / evaluated:.1f}")
    console = Console(width=110)
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    console.print(
        f"peak memory {peak / 1024:.0f} MB, {(peak - loaded) / 1024:.0f} MB above the loaded target"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
