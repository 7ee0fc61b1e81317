"""Causes on their way out: in a finding, in the text and JSON of a report, and in a saved case."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bncheck.case_file import find
from bncheck.checking import run
from bncheck.errors import UsageError
from bncheck.options import Options
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import Finding, Report
from bncheck.text_report import cause_lines

VARIANCE = "^statistics.variance$"


def reported(layer: Layer, folder: Path | None = None) -> Report:
    options = Options(profile="smoke", include=VARIANCE, dtypes=("float32",), cases=folder)
    return run([NumpyLayerAdapter(layer)], CATALOGUE, options)


def findings(report: Report) -> list[Finding]:
    return [finding for target in report.targets for law in target.laws for finding in law.findings]


def test_a_finding_names_its_cause_in_every_report(tmp_path: Path) -> None:
    (finding,) = findings(reported(replace(Layer(), tracked=lambda s: s.variance), tmp_path))

    (cause,) = finding.as_json()["causes"]
    assert cause["id"] == "running_var.biased"
    assert cause["explains"] == cause["of"]
    (line,) = cause_lines(finding)
    assert line.startswith("cause: running_var.biased: The running variance tracks the biased variance")
    assert finding.saved is not None
    assert find(finding.saved).cause == "running_var.biased"


def test_where_none_is_known_the_report_says_so() -> None:
    (finding,) = findings(reported(replace(Layer(), tracked=lambda s: s.variance**1.01)))

    assert finding.as_json()["causes"] == []
    assert cause_lines(finding) == ["no known cause"]


def test_a_sound_layer_has_no_finding_and_no_cause() -> None:
    assert findings(reported(Layer())) == []


def test_a_case_with_a_cause_that_is_no_word_is_refused(tmp_path: Path) -> None:
    (finding,) = findings(reported(replace(Layer(), tracked=lambda s: s.variance), tmp_path))
    assert finding.saved is not None
    content = json.loads(Path(finding.saved).read_text(encoding="utf-8"))
    damaged = tmp_path / "damaged.json"
    damaged.write_text(json.dumps(content | {"cause": "rm -rf"}), encoding="utf-8")

    with pytest.raises(UsageError, match="its cause is 'rm -rf'"):
        find(str(damaged))
