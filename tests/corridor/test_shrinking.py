"""Counterexamples become small, and stay counterexamples of the same law, verdict and quantity."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mutants.layers import PLANTED, LayerAdapter, sound

from bncheck.checking import run
from bncheck.corpus import Corpus, Drawing
from bncheck.effort import SMOKE
from bncheck.implementation import Implementation
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import Finding
from bncheck.shrinking import shrunk
from bncheck.trial import Trial
from bncheck.verdict import Status
from bncheck.verify import judge


def finding(law: str) -> Finding:
    options = Options("ci", include=f"^{law}$", dtypes=("float32",))
    (target,) = run([LayerAdapter(PLANTED[law])], CATALOGUE, options).targets
    return target.laws[0].findings[0]


@pytest.mark.parametrize(
    "law", ["statistics.variance", "statistics.mean", "statistics.convergence", "gradient.dbeta"]
)
def test_the_smallest_case_has_one_channel_of_two_values(law: str) -> None:
    assert finding(law).case.x.shape == (2, 1)


def test_a_biased_running_variance_is_shown_on_small_whole_numbers() -> None:
    x = finding("statistics.variance").case.x
    assert sorted(abs(float(value)) for value in x.reshape(-1)) == [0, 1]


def test_the_line_to_reproduce_names_the_law_the_seed_and_the_dtype() -> None:
    replay = finding("gradient.dbeta").replay
    for words in ("--seed 0", "'^gradient\\.dbeta$'", "--dtype float32", "--profile ci"):
        assert words in replay


def test_without_a_budget_the_first_failure_is_kept() -> None:
    law = next(law for law in CATALOGUE if law.id == "gradient.dbeta")
    implementation = Implementation("layer", LayerAdapter(PLANTED[law.id]))
    corpus = Corpus(1, replace(SMOKE, per_dtype=30))
    drawing = corpus.drawing(law.region, "float32", dtypes=1, ladder=False)
    judgements = (judge(law, case, Trial(implementation), drawing) for case in corpus.examples(drawing))
    first = next(judgement.failure for judgement in judgements if judgement.failure is not None)
    kept = shrunk(law, implementation, first, budget=0)
    assert kept.case.x.tobytes() == first.case.x.tobytes()


def test_a_crash_that_laws_have_in_common_is_saved_on_a_case_of_each() -> None:
    def refuses(_handle: object) -> None:
        raise RuntimeError("not today")

    layer = LayerAdapter(replace(sound(), before_step=refuses))
    laws = [law for law in CATALOGUE if law.region.name == "training"]
    ids = "|".join(law.id.replace(".", "[.]") for law in laws)
    options = Options("smoke", include=f"^({ids})$", dtypes=("float32",))
    (target,) = run([layer], CATALOGUE, options).targets
    failing = [each for each in target.laws if each.status == Status.CRASHED]
    assert len(failing) > len(laws) / 2
    implementation = Implementation("layer", layer)
    for each in failing:
        (found,) = each.findings
        drawing = Drawing(0, each.law.region, "float32", ladder=False, count=0, largest=0)
        failure = judge(each.law, found.case, Trial(implementation), drawing).failure
        assert failure is not None, each.law.id
        assert failure.crash == found.message
