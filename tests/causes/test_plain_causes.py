"""The corpus of plain bugs against the causes: the family of each is named first, and none where none is true."""

from __future__ import annotations

import pytest
from causes.failures import family, named
from causes.plain.catalogue import BUGS, UNCAUSED
from causes.test_plain import here

from bncheck.causes.explanation import Explanation
from bncheck.loading import load

pytestmark = pytest.mark.slow

# Of no layer of the library the outputs: a number is kept from the evaluation before a training batch.
UNEXPLAINED = ("numpy_states.py:StaleInverse",)
FAMILIES = {bug.target: bug.family for bug in BUGS}


def named_for(target: str) -> tuple[Explanation, ...]:
    implementation = load(here(target), isolate=False)
    return named(implementation, implementation.capabilities.dtypes)


@pytest.mark.parametrize("target", [target for target in FAMILIES if target not in UNEXPLAINED])
def test_the_first_cause_is_of_the_family_of_the_plain_bug(target: str) -> None:
    found = named_for(target)

    assert found
    assert family(found[0]) == FAMILIES[target]


@pytest.mark.parametrize("target", UNEXPLAINED)
def test_of_a_plain_bug_that_no_layer_of_the_library_has_no_cause_is_known(target: str) -> None:
    assert target in FAMILIES
    assert named_for(target) == ()


@pytest.mark.parametrize("target", [bug.target for bug in UNCAUSED])
def test_no_cause_is_named_for_a_defect_of_no_family(target: str) -> None:
    assert named_for(target) == ()
