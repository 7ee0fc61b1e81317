"""The library of causes: what it says of itself, and that the documentation says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from planted.test_catalogue import FAMILIES

from bncheck.causes.catalogue import CAUSES, PLANTED
from bncheck.causes.cause import Cause, replaced_parts
from bncheck.causes.page import table
from bncheck.planted.catalogue import BUGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "causes.md"


def test_every_family_is_one_of_the_schema() -> None:
    assert {cause.family for cause in CAUSES} <= FAMILIES


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.id)
def test_a_cause_is_a_sentence_about_a_layer_that_differs_from_a_sound_one(cause: Cause) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", cause.id)
    assert re.fullmatch(r"\S.*[^.]\.", cause.text)
    assert replaced_parts(cause.layer())


def test_planted_bugs_and_causes_of_one_name_are_one_definition() -> None:
    makers = {(bug.id, bug.make) for bug in BUGS}

    assert {(cause.id, cause.make) for cause in PLANTED} <= makers


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not there")
def test_the_documentation_lists_the_library() -> None:
    assert PAGE.read_text(encoding="utf-8").endswith(table(CAUSES))
