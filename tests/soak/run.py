"""The soak: every law on implementations that are sound, on seeds that nobody has looked at; prints Markdown.

    python tests/soak/run.py --seeds 700000 700002 > docs/soundness.md

A comparison is one array of one case under one law.  What is not held is printed with its case, and the exit code is 1.
torch's own layers are not judged by the laws that they violate (docs/findings.md).
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from soak.meta import differences

from bncheck.checking import report_on
from bncheck.corpus import Corpus
from bncheck.effort import CI
from bncheck.environment import environment
from bncheck.implementation import Implementation
from bncheck.options import Options
from bncheck.planted.catalogue import SOUND
from bncheck.properties.catalogue import CATALOGUE
from bncheck.regions import EVALUATION, TRAINING
from bncheck.report import FAILING
from bncheck.taking import loaded
from bncheck.verdict import Status

TARGETS = (
    "reference.numpy",
    "reference.torch",
    "reference.jax",
    "torch.nn:BatchNorm1d",
    "torch.nn:BatchNorm2d",
    "torch.nn:BatchNorm3d",
    "torch.nn:BatchNorm2d?affine=false",
    "torch.nn.functional:batch_norm",
)

ON_META = ("meta:BatchNorm1d", "meta:BatchNorm2d", "meta:BatchNorm3d")
VIOLATED_BY_TORCH = ("layout.gradients", "layout.evaluation")


@dataclass(frozen=True, slots=True)
class Row:
    """One implementation in one dtype: comparisons, elements that were judged, the worst error, and what failed."""

    name: str
    dtype: str
    comparisons: int
    judged: int
    worst: float
    alarms: tuple[str, ...]


def jobs() -> Iterator[str]:
    """Names of what is judged: planted sound variants by their id, targets as a user names them."""
    yield from TARGETS
    yield from ON_META
    yield from (f"sound:{each.id}" for each in SOUND if not each.id.startswith("reference."))


@lru_cache
def corpus(seed: int, examples: int) -> Corpus:
    """The examples of a seed, drawn once in each process."""
    return Corpus(seed, replace(CI, examples=examples, per_dtype=examples))


def judged(name: str, first: int, last: int, examples: int) -> list[Row]:
    """All seeds of one implementation, dtype by dtype."""
    implementation = _implementation(name)
    try:
        return [
            (_meta_row if name in ON_META else _row)(
                name, implementation, dtype, range(first, last), examples
            )
            for dtype in _dtypes(name, implementation)
        ]
    finally:
        implementation.close()


def _implementation(name: str) -> Implementation:
    kind, _, rest = name.partition(":")
    if kind == "meta":
        return loaded(f"torch.nn:{rest}", Options("ci"))
    if kind != "sound":
        return loaded(name, Options("ci"))
    return Implementation(rest, next(each for each in SOUND if each.id == rest).make())


def _dtypes(name: str, implementation: Implementation) -> tuple[str, ...]:
    kind, _, rest = name.partition(":")
    declared = next((each.dtypes for each in SOUND if kind == "sound" and each.id == rest), None)
    offered = implementation.capabilities.dtypes
    return tuple(dtype for dtype in offered if declared is None or dtype in declared)


def _meta_row(name: str, implementation: Implementation, dtype: str, seeds: range, examples: int) -> Row:
    """Shapes and dtypes of the meta device; nothing has a bound there."""
    cases = (
        (seed, case)
        for seed in seeds
        for region in (TRAINING, EVALUATION)
        for case in corpus(seed, examples).examples(
            corpus(seed, examples).drawing(region, dtype, dtypes=1, ladder=False)
        )
    )
    found = [
        (seed, words)
        for seed, case in cases
        for words in differences(implementation, name.partition(":")[2], case)
    ]
    alarms = tuple(f"{name} {dtype} seed {seed}: {words}" for seed, words in found if words is not None)
    return Row(name, dtype, len(found), len(found), 0.0, alarms)


def _row(name: str, implementation: Implementation, dtype: str, seeds: range, examples: int) -> Row:
    comparisons, elements, worst, alarms = 0, 0, 0.0, []
    for seed in seeds:
        options = Options("ci", seed, dtypes=(dtype,))
        laws = [law for law in CATALOGUE if not (name.startswith("torch") and law.id in VIOLATED_BY_TORCH)]
        report = report_on(implementation, laws, options, corpus(seed, examples))
        for law in report.laws:
            comparisons += law.comparisons
            elements += law.elements.judged
            worst = max(worst, law.worst or 0.0)
            if law.status in (*FAILING, Status.UNDECIDED):
                found = law.findings[0] if law.findings else None
                words = law.reason if found is None else f"{found.message} [{found.case.summary()}]"
                alarms.append(f"{name} {dtype} seed {seed} {law.law.id} {law.status}: {words}")
    return Row(name, dtype, comparisons, elements, worst, tuple(alarms))


def main() -> int:
    """Judge everything and print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs=2, type=int, required=True, metavar=("FIRST", "LAST"))
    parser.add_argument("--examples", type=int, default=150, help="of each region, in each dtype")
    parser.add_argument("--only", default="", help="names that contain this")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    chosen = [name for name in jobs() if asked.only in name]
    rows: list[Row] = []
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        numbers = (*asked.seeds, asked.examples)
        for found in pool.map(judged, chosen, *([number] * len(chosen) for number in numbers)):
            rows += found
            for row in found:
                sys.stderr.write("\n  ".join((repr(row), *row.alarms)) + "\n")
    sys.stdout.write(page(rows, asked.seeds, asked.examples) + "\n")
    return 1 if any(row.alarms for row in rows) else 0


def page(rows: list[Row], seeds: list[int], examples: int) -> str:
    """The result as Markdown."""
    versions = ", ".join(f"{name} {text}" for name, text in environment().items())
    alarms = [alarm for row in rows for alarm in row.alarms]
    total = sum(row.comparisons for row in rows)
    lines = [
        "# Soundness: a soak over implementations that are right",
        "",
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}; {versions}.",
        "",
        f"{examples} examples of each region in each dtype, seeds {seeds[0]} up to {seeds[1]}, {len(CATALOGUE)} laws.",
        "Nothing in development has looked at these seeds.",
        f"torch's own layers are judged without {' and '.join(VIOLATED_BY_TORCH)}, which they violate: [findings](findings.md).",
        "A comparison is one array of one case under one law; `sound:` are the variants in `bncheck/planted`.",
        "`meta:` are torch's own layers on its meta device: shapes and dtypes against those of the CPU.",
        f"To repeat it: `python tests/soak/run.py --seeds {seeds[0]} {seeds[1]} --examples {examples}`.",
        "",
        f"**{total:,} comparisons, {len(alarms)} false alarms.**",
        "",
        "| implementation | dtype | comparisons | elements judged | worst error / bound | alarms |",
        "|---|---|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.name} | {row.dtype} | {row.comparisons:,} | {row.judged:,} | {row.worst:.3f} | {len(row.alarms)} |"
        for row in rows
    ]
    return "\n".join([*lines, *(f"\n- {alarm}" for alarm in alarms)])


if __name__ == "__main__":
    sys.exit(main())
