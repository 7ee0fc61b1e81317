"""SARIF 2.1.0: rules, results and notifications, as its published schema allows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reports.handmade import (
    BESIDE,
    BESIDE_SENTENCES,
    CAUSE_LINE,
    CLEANED,
    EVERY_VERDICT,
    NOT_LOADED,
    crash,
    finding,
    hostile,
    law,
    report,
    target,
)
from reports.standards import hold_against_sarif

from bncheck.properties.catalogue import CATALOGUE
from bncheck.reports.sarif import sarif

LAWS = {law.id: law for law in CATALOGUE}


def run_of(value: dict[str, Any]) -> Any:
    """The run, held against the published schema, as a reader of strict JSON gets it."""
    log = json.loads(json.dumps(sarif(value, CATALOGUE), allow_nan=False))
    hold_against_sarif(log)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert {each["level"] for each in run["results"]} <= {"error", "warning", "note"}
    return run


def test_the_rules_are_the_laws_that_were_judged_in_the_words_of_the_catalogue() -> None:
    run = run_of(
        report(target(*EVERY_VERDICT), target(law("forward.output", "held"), target="reference.numpy"))
    )
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("bncheck", "0.1.0")
    assert [rule["id"] for rule in driver["rules"]] == [
        each["id"] for each in EVERY_VERDICT if each["status"] != "not_applicable"
    ]
    assert driver["rules"][0] == {
        "id": "forward.output",
        "shortDescription": {"text": LAWS["forward.output"].name},
        "fullDescription": {"text": LAWS["forward.output"].formula},
        "help": {"text": LAWS["forward.output"].source},
    }


def test_a_law_that_this_version_does_not_have_is_a_rule_by_its_id() -> None:
    run = run_of(report(target(law("gone.law", "violated", finding()))))
    assert run["tool"]["driver"]["rules"] == [{"id": "gone.law"}]


def test_a_finding_is_a_result_and_a_verdict_without_one_is_one_too() -> None:
    run = run_of(report(target(*EVERY_VERDICT)))
    results = [(each["ruleId"], each["level"], each["message"]["text"]) for each in run["results"]]
    replay = "Reproduce with: bncheck replay abc"
    assert results == [
        ("forward.output", "error", f"y[1, 0] is 3, expected 1\n{CAUSE_LINE}\n{replay}"),
        ("forward.output", "error", f"dx[0] is 2\nno known cause\n{replay}"),
        ("numerics.stable", "warning", f"y[1, 0] is 3, expected 1\nno known cause\n{replay}"),
        ("statistics.mean", "warning", "no example decided"),
        ("purity.input", "error", f"ZeroDivisionError: two is too few\nno known cause\n{replay}"),
        ("purity.state", "error", f"no answer in 10 s\nno known cause\n{replay}"),
        ("statistics.variance", "note", "tolerated: see the tracker"),
    ]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [each[0] for each in results]


def test_only_what_is_known_is_suppressed() -> None:
    results = run_of(report(target(*EVERY_VERDICT)))["results"]
    assert {each["ruleId"]: each["suppressions"] for each in results if "suppressions" in each} == {
        "statistics.variance": [{"kind": "external", "justification": "tolerated: see the tracker"}]
    }


@pytest.mark.parametrize(
    ("numbers", "ratio"),
    [
        ({}, 4.0),
        ({"actual": "NaN"}, "Infinity"),
        ({"actual": "-Infinity"}, "Infinity"),
        ({"bound": 0.0}, "Infinity"),
        ({"bound": "Infinity"}, 0.0),
    ],
)
def test_the_numbers_are_properties_and_none_is_a_bare_nan(
    numbers: dict[str, Any], ratio: float | str
) -> None:
    found = finding(**numbers)
    (result,) = run_of(report(target(law("forward.output", "violated", found))))["results"]
    assert result["properties"] == {
        "bound": found["bound"],
        "expected": 1.0,
        "actual": found["actual"],
        "ratio": ratio,
        "profile": "ci",
        "seed": 7,
    }


def test_a_crash_has_no_numbers() -> None:
    (result,) = run_of(report(target(law("forward.output", "crashed", crash("it ended")))))["results"]
    assert result["properties"] == dict.fromkeys(("bound", "expected", "actual", "ratio")) | {
        "profile": "ci",
        "seed": 7,
    }


def location_of(name: str) -> Any:
    wrong = law("forward.output", "violated", finding())
    ((location,),) = (each["locations"] for each in run_of(report(target(wrong, target=name)))["results"])
    return location


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("layers.py:Wrong", "layers.py"),
        ("./src/my layers.py:Wrong?eps=1@cpu", "src/my%20layers.py"),
        ("{here}/src/layers.py:Wrong", "src/layers.py"),
        ("src/../layers.py:Wrong", "layers.py"),
    ],
)
def test_a_file_is_told_relative_to_the_working_directory(
    name: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert location_of(name.format(here=tmp_path)) == {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
    }


def test_a_file_elsewhere_is_a_whole_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    location = location_of("../layers.py:Wrong")
    assert location["physicalLocation"]["artifactLocation"]["uri"] == (tmp_path / "layers.py").as_uri()


def test_a_file_is_told_relative_to_the_checkout_where_the_run_is_inside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "part").mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "part")
    location = location_of("layers.py:Wrong")
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "part/layers.py"


@pytest.mark.parametrize(
    ("name", "qualified"),
    [
        ("torch.nn:BatchNorm2d?affine=false@cpu", "torch.nn.BatchNorm2d"),
        ("reference.numpy", "reference.numpy"),
        ("onnxruntime+bn.onnx", "bn.onnx"),
        ("<function normalise at 0x7f>", "<function normalise at 0x7f>"),
    ],
)
def test_what_is_no_source_file_is_told_by_its_name(name: str, qualified: str) -> None:
    assert location_of(name) == {"logicalLocations": [{"fullyQualifiedName": qualified}]}


def fingerprint_of(found: dict[str, Any], law_id: str = "forward.output", name: str = "a.py:A") -> Any:
    (result,) = run_of(report(target(law(law_id, "violated", found), target=name), seed=1))["results"]
    return result["partialFingerprints"]["bncheckFinding/v1"]


def test_a_fingerprint_depends_on_target_law_quantity_and_dtype_alone() -> None:
    own = fingerprint_of(finding())
    assert fingerprint_of(finding(message="other", actual=9.0, index=[0], replay="other")) == own
    others = [
        fingerprint_of(finding(quantity="dx")),
        fingerprint_of(finding(dtype="float64")),
        fingerprint_of(finding(), law_id="forward.moments"),
        fingerprint_of(finding(), name="a.py:B"),
    ]
    assert len({own, *others}) == 5


def test_a_target_that_does_not_load_is_a_notification() -> None:
    run = run_of(report(target(*EVERY_VERDICT), NOT_LOADED, exit=4))
    assert run["invocations"] == [
        {
            "executionSuccessful": False,
            "exitCode": 4,
            "toolExecutionNotifications": [
                {
                    "descriptor": {"id": "load"},
                    "level": "error",
                    "message": {"text": "nowhere.py:Layer: there is no file nowhere.py"},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "nowhere.py"},
                                "region": {"startLine": 1},
                            }
                        }
                    ],
                }
            ],
        }
    ]


def test_findings_are_no_failure_of_the_tool() -> None:
    (invocation,) = run_of(report(target(*EVERY_VERDICT)))["invocations"]
    assert invocation == {"executionSuccessful": True, "exitCode": 1, "toolExecutionNotifications": []}


def test_what_else_fails_the_run_is_a_notification() -> None:
    (invocation,) = run_of(report(target(**BESIDE)))["invocations"]
    assert invocation["executionSuccessful"] is False
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == [
        f"layers.py:Wrong: {sentence}" for sentence in BESIDE_SENTENCES
    ]
    assert {each["descriptor"]["id"] for each in invocation["toolExecutionNotifications"]} == {"run"}


def test_hostile_text_has_no_character_that_readers_may_refuse() -> None:
    run = run_of(hostile())
    violated, known = run["results"]
    assert violated["message"]["text"] == (
        f"{CLEANED}\ncause: running_var.biased with eps.outside_the_root: {CLEANED} (reproduces 3 of 4 deviations)\n"
        f"Reproduce with: {CLEANED}"
    )
    assert known["suppressions"] == [{"kind": "external", "justification": CLEANED}]
    assert violated["locations"] == [{"logicalLocations": [{"fullyQualifiedName": f"<{CLEANED}>"}]}]


def test_braces_are_doubled_because_one_would_be_a_placeholder() -> None:
    (result,) = run_of(report(target(law("forward.output", "crashed", crash("KeyError: {0}")))))["results"]
    assert result["message"]["text"].startswith("KeyError: {{0}}\n")
