"""Every law, run alone, kills bugs of its own and holds for sound layers of every order of summation and class."""

from __future__ import annotations

import pytest
from laws import (
    test_contracts,
    test_layouts,
    test_metamorphic,
    test_parameters,
    test_precision,
    test_programs,
    test_purity,
    test_second_order,
    test_sizes,
    test_special_values,
    test_symmetries,
)
from laws.verdicts import verdicts
from mutants.further import FurtherAdapter
from mutants.layers import ONE_PASS, PLANTED, SOUND, LayerAdapter

from bncheck import Adapter
from bncheck.properties.catalogue import CATALOGUE
from bncheck.verdict import Status

FAMILIES = (
    test_contracts,
    test_layouts,
    test_metamorphic,
    test_parameters,
    test_precision,
    test_programs,
    test_purity,
    test_second_order,
    test_sizes,
    test_special_values,
    test_symmetries,
)
LAWS = {law.id: law for law in CATALOGUE}
BUGS: list[tuple[str, Adapter]] = [
    *((law, LayerAdapter(layer)) for law, layer in PLANTED.items()),
    *((law, bug) for family in FAMILIES for law, bugs in family.KILLED.items() for bug in bugs),
]


def test_every_law_has_a_bug() -> None:
    assert {law for law, _ in BUGS} == set(LAWS)


@pytest.mark.parametrize(("law", "bug"), BUGS, ids=lambda each: each if isinstance(each, str) else "")
def test_the_law_alone_kills_its_bug(law: str, bug: Adapter) -> None:
    assert verdicts(bug, LAWS[law]) == {law: Status.VIOLATED}


# The self-test judges sound layers of each of these kinds by every law.
TWICE = pytest.mark.slow


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in ("two-pass", "welford") else TWICE) for name in SOUND]
)
def test_every_law_holds_for_a_sound_layer(name: str) -> None:
    assert verdicts(FurtherAdapter(SOUND[name]), *CATALOGUE) == dict.fromkeys(LAWS, Status.HELD)


def test_a_one_pass_variance_is_unstable_and_not_violated() -> None:
    found = verdicts(FurtherAdapter(ONE_PASS), *CATALOGUE)
    assert set(found.values()) == {Status.HELD, Status.UNSTABLE}
    assert found["forward.output"] == found["statistics.variance"] == Status.UNSTABLE
