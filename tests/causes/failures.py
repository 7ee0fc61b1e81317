"""The first failure that the corpus of a run finds of an implementation."""

from __future__ import annotations

from collections.abc import Sequence

from bncheck.corpus import Corpus
from bncheck.effort import CI, SMOKE
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.properties.catalogue import CATALOGUE
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge, planned

# Kept for all implementations: drawing takes longer than judging.
CORPORA = Corpus(0, SMOKE), Corpus(0, CI)


def first_failure(implementation: Implementation, dtypes: Sequence[str]) -> tuple[Law, Failure]:
    """On the first example that violates any, the first law of the catalogue that it violates."""
    plan = planned(CATALOGUE, implementation, dtypes)
    for corpus in CORPORA:
        for drawing, laws in plan.drawings(corpus, ladder=implementation.capabilities.compiles):
            for case in corpus.examples(drawing):
                trial, fitted = Trial(implementation), fit(case, implementation)
                for law in laws:
                    failure = judge(law, fitted, trial, drawing).failure
                    if failure is not None:
                        return law, failure
    raise AssertionError(f"nothing fails on {implementation.name}")
