"""What laws say of a small layer, over all four dtypes, on one corpus that all tests of laws share."""

from __future__ import annotations

from dataclasses import replace

from bncheck import Adapter
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.verdict import Status, most_serious
from bncheck.verify import Tallies, planned, started, verify

CORPUS = Corpus(2026, replace(SMOKE, examples=40, per_dtype=20))


def tallies(adapter: Adapter, *laws: Law) -> Tallies:
    implementation = Implementation("layer", adapter)
    plan = planned(laws, implementation, implementation.capabilities.dtypes)
    return verify(implementation, plan, CORPUS, started(plan))


def verdicts(adapter: Adapter, *laws: Law) -> dict[str, Status]:
    return {
        law.id: most_serious([tally.status for tally in by_dtype.values()])
        for law, by_dtype in tallies(adapter, *laws).items()
    }
