"""The first laws: each, run alone, kills a bug and passes sound layers of every order of summation and class."""

from __future__ import annotations

from dataclasses import replace

import pytest
from laws import test_contracts as contracts
from laws import test_layouts as layouts
from laws import test_metamorphic as metamorphic
from laws import test_parameters as parameters
from laws import test_precision as precision
from laws import test_programs as programs
from laws import test_purity as purity
from laws import test_sizes as sizes
from laws import test_special_values as special
from laws import test_symmetries as symmetries
from mutants.layers import ONE_PASS, PLANTED, SOUND, Layer, LayerAdapter

from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.properties.catalogue import CATALOGUE
from bncheck.verdict import Status, most_serious
from bncheck.verify import planned, started, verify

EFFORT = replace(SMOKE, examples=60, per_dtype=30)
CORPUS = Corpus(2026, EFFORT)
LAWS = {law.id: law for law in CATALOGUE if law.id in PLANTED}


def verdicts(layer: Layer, *laws: Law) -> dict[str, Status]:
    """What each law says of a layer, over all four dtypes; devices are compared with the sound layer."""
    companion = Implementation("sound", LayerAdapter(Layer()))
    implementation = Implementation("layer", LayerAdapter(layer), companion=companion)
    plan = planned(laws, implementation, implementation.capabilities.dtypes)
    tallies = verify(implementation, plan, CORPUS, started(plan))
    return {
        law.id: most_serious([tally.status for tally in by_dtype.values()])
        for law, by_dtype in tallies.items()
    }


def test_every_law_is_proved_on_a_bug_here_or_beside_the_tests_of_its_family() -> None:
    families = (
        contracts,
        layouts,
        metamorphic,
        parameters,
        precision,
        programs,
        purity,
        sizes,
        special,
        symmetries,
    )
    elsewhere = {law for family in families for law in family.LAWS}
    assert set(LAWS) == set(PLANTED)
    assert {law.id for law in CATALOGUE} == set(LAWS) | elsewhere


@pytest.mark.parametrize("law", LAWS.values(), ids=lambda law: law.id)
def test_the_law_alone_kills_its_planted_bug(law: Law) -> None:
    assert verdicts(PLANTED[law.id], law) == {law.id: Status.VIOLATED}


@pytest.mark.parametrize("name", SOUND)
def test_every_law_holds_for_a_sound_layer(name: str) -> None:
    assert verdicts(SOUND[name], *LAWS.values()) == dict.fromkeys(LAWS, Status.HELD)


def test_a_one_pass_variance_is_unstable_and_not_violated() -> None:
    found = verdicts(ONE_PASS, LAWS["forward.output"], LAWS["statistics.variance"])
    assert set(found.values()) == {Status.UNSTABLE}
