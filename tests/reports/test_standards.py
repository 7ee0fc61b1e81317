"""The published schemas refuse what they do not allow."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import xmlschema
from reports.handmade import EVERY_VERDICT, report, target
from reports.standards import hold_against_junit, hold_against_sarif

from bncheck.properties.catalogue import CATALOGUE
from bncheck.reports.junit import junit
from bncheck.reports.sarif import sarif


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        (' tests="', ' laws="'),
        ('<testcase classname="', '<testcase class="'),
        (' time="2.000"', ' time="2.0 s"'),
    ],
)
def test_another_form_of_junit_is_refused(written: str, instead: str) -> None:
    document = junit(report(target(*EVERY_VERDICT)))
    assert written in document
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        hold_against_junit(document.replace(written, instead, 1))


def _without_tool(run: dict[str, Any]) -> None:
    del run["tool"]


def _with_another_level(run: dict[str, Any]) -> None:
    run["results"][0]["level"] = "violated"


def _with_a_member_of_its_own(run: dict[str, Any]) -> None:
    run["results"][0]["law"] = "forward.output"


@pytest.mark.parametrize("damage", [_without_tool, _with_another_level, _with_a_member_of_its_own])
def test_another_form_of_sarif_is_refused(damage: Any) -> None:
    log = sarif(report(target(*EVERY_VERDICT)), CATALOGUE)
    damage(log["runs"][0])
    with pytest.raises(jsonschema.ValidationError):
        hold_against_sarif(log)
