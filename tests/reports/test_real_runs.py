"""Reports of real runs in every format: a layer with two bugs, one that raises, and one that is not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from reports.standards import hold_against_junit, hold_against_sarif

import bncheck
from bncheck.properties.catalogue import CATALOGUE
from bncheck.reports import github
from bncheck.reports.junit import junit
from bncheck.reports.markdown import markdown
from bncheck.reports.sarif import sarif

SAMPLES = Path(__file__).parents[1] / "command_line" / "samples"
INCLUDE = r"^(forward\.output|statistics\.(mean|variance)|devices\.agreement)$"


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(SAMPLES)
        return {
            name: bncheck.check(
                f"layers.py:{name}", profile="smoke", include=INCLUDE, dtypes=["float32"], isolate=False
            ).as_json()
            for name in ("Wrong", "Raises", "Missing")
        }


@pytest.fixture(autouse=True)
def in_the_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(SAMPLES)


@pytest.mark.parametrize("name", ["Wrong", "Raises", "Missing"])
def test_a_real_report_is_one_that_the_published_schemas_allow(
    reports: dict[str, dict[str, Any]], name: str
) -> None:
    hold_against_junit(junit(reports[name]))
    hold_against_sarif(sarif(reports[name], CATALOGUE))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("Wrong", {"tests": "4", "failures": "2", "errors": "0", "skipped": "1"}),
        ("Raises", {"tests": "4", "failures": "0", "errors": "3", "skipped": "1"}),
        ("Missing", {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}),
    ],
)
def test_junit_counts_what_the_run_found(
    reports: dict[str, dict[str, Any]], name: str, counts: dict[str, str]
) -> None:
    (suite,) = ET.fromstring(junit(reports[name]).encode())
    assert {key: suite.get(key) for key in counts} == counts


def test_sarif_has_a_result_for_each_finding_of_the_file(reports: dict[str, dict[str, Any]]) -> None:
    (run,) = sarif(reports["Wrong"], CATALOGUE)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        "forward.output",
        "statistics.mean",
        "statistics.variance",
    ]
    assert [(each["ruleId"], each["level"], each["ruleIndex"]) for each in run["results"]] == [
        ("forward.output", "error", 0),
        ("statistics.variance", "error", 2),
    ]
    assert all(
        each["locations"]
        == [{"physicalLocation": {"artifactLocation": {"uri": "layers.py"}, "region": {"startLine": 1}}}]
        for each in run["results"]
    )
    assert all(each["properties"]["ratio"] > 1 for each in run["results"])
    assert "cause: running_var.biased with eps.outside_the_root: " in run["results"][1]["message"]["text"]


def test_markdown_shows_what_does_not_hold(reports: dict[str, dict[str, Any]]) -> None:
    page = markdown(reports["Wrong"])
    assert page.startswith("# bncheck\n\n## `layers.py:Wrong`: 1 held, 2 violated, 1 not applicable\n")
    assert "| `statistics.variance` | violated |" in page


def test_annotations_point_at_the_file(reports: dict[str, dict[str, Any]]) -> None:
    lines = github.annotations(reports["Wrong"])
    assert [line.partition("::y")[0].partition("::running")[0] for line in lines] == [
        "::error file=layers.py,title=forward.output violated%3A layers.py%3AWrong",
        "::error file=layers.py,title=statistics.variance violated%3A layers.py%3AWrong",
    ]


def test_a_layer_that_raises_is_told_by_what_it_raised(reports: dict[str, dict[str, Any]]) -> None:
    lines = github.annotations(reports["Raises"])
    assert len(lines) == 3
    assert all("ZeroDivisionError: two is too few" in line for line in lines)


def test_a_layer_that_is_not_there_is_a_notification(reports: dict[str, dict[str, Any]]) -> None:
    (run,) = sarif(reports["Missing"], CATALOGUE)["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("layers.py:Missing: ")
