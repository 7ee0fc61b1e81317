"""The first failure that the corpus of a run finds of an implementation, and the causes that are named for it."""

from __future__ import annotations

from collections.abc import Sequence

from bncheck.case import Case
from bncheck.causes.attribution import Attribution
from bncheck.causes.explanation import Explanation
from bncheck.causes.laboratory import Bench
from bncheck.corpus import Corpus, Drawing
from bncheck.effort import CI, SMOKE
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.properties.catalogue import CATALOGUE
from bncheck.shrinking import shrunk
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge, planned

# Kept for all implementations: drawing takes longer than judging.
CORPORA = Corpus(0, SMOKE), Corpus(0, CI)
# What layers give on the fixed probes is the same for all implementations.
BENCH = Bench()


def named(implementation: Implementation, dtypes: Sequence[str]) -> tuple[Explanation, ...]:
    """The causes of the first failure, made small."""
    law, first = first_failure(implementation, dtypes)
    smallest = shrunk(law, implementation, first, budget=40)
    return Attribution(implementation, bench=BENCH).explanations(law, first, smallest)


def family(explanation: Explanation) -> str:
    """That of a cause, of the first of two."""
    return explanation.id.partition(".")[0]


def failure_on(implementation: Implementation, law_id: str, case: Case) -> tuple[Law, Failure]:
    """A law and its failure on one case, which it violates."""
    law = next(law for law in CATALOGUE if law.id == law_id)
    origin = Drawing(0, law.region, case.x.dtype.name, ladder=False, count=0, largest=0)
    failure = judge(law, fit(case, implementation), Trial(implementation), origin).failure
    assert failure is not None
    return law, failure


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
