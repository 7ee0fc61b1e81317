"""What laws say of a layer or a target, over all four dtypes, on one corpus that the tests of laws share."""

from __future__ import annotations

from dataclasses import replace

from mutants.layers import LayerAdapter, sound

from bncheck import Adapter
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.verdict import Status, Tally, most_serious
from bncheck.verify import planned, started, verify

CORPUS = Corpus(2026, replace(SMOKE, examples=40, per_dtype=20))


def tallies(
    judged: Adapter | Implementation, *laws: Law, corpus: Corpus = CORPUS
) -> dict[str, dict[str, Tally]]:
    """By law and dtype; a layer's second device is a sound layer."""
    if isinstance(judged, Adapter):
        companion = Implementation("sound", LayerAdapter(sound()))
        judged = Implementation("layer", judged, companion=companion)
    plan = planned(laws, judged, judged.capabilities.dtypes)
    found = verify(judged, plan, corpus, started(plan))
    return {law.id: by_dtype for law, by_dtype in found.items()}


def verdicts(judged: Adapter | Implementation, *laws: Law, corpus: Corpus = CORPUS) -> dict[str, Status]:
    """The most serious verdict of each law."""
    found = tallies(judged, *laws, corpus=corpus)
    return {law: most_serious([each.status for each in by_dtype.values()]) for law, by_dtype in found.items()}
