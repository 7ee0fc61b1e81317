"""`bncheck identify`: the card on a terminal and as data, exit codes, isolation, and how long it takes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from identify.planted import PLANTED

from bncheck.command_line import commands
from bncheck.identify.card_json import exit_code
from bncheck.identify.identifying import identified
from bncheck.loading import load

LAYERS = Path(__file__).parent / "samples" / "layers.py"


def identify(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(commands, ["identify", *words])


def report_of(folder: Path, *words: str) -> dict[str, Any]:
    result = identify(*words, "--report", "json", "--report-dir", str(folder))
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads((folder / "bncheck-identify.json").read_text())
    return found


def test_a_card_names_value_and_evidence_of_each_convention() -> None:
    result = identify(f"{LAYERS}:Unbiased", "--dtype", "float32")
    assert result.exit_code == 0, result.output
    assert "running variance: unbiased (ratio to the biased one 1.142857 = 8/7 at m = 8" in result.output
    assert "numerics: two-pass variance (keeps digits up to offset 2^24 sigma, float32)" in result.output
    assert "eps by default: 0.001 (from the signature)" in result.output


@pytest.mark.parametrize("columns", ["40", "200"])
def test_a_card_is_the_same_on_a_narrow_terminal_and_without_colour(columns: str) -> None:
    words = (f"{LAYERS}:Unbiased", "--dtype", "float32")
    assert identify(*words, COLUMNS=columns, NO_COLOR="1").output == identify(*words).output


def test_a_card_is_data_too(tmp_path: Path) -> None:
    report = report_of(tmp_path, f"{LAYERS}:Plain", "--dtype", "float32")
    assert (report["schema"], report["kind"], report["exit"]) == (1, "identify", 0)
    (card,) = report["targets"]
    (found,) = [each for each in card["measurements"] if each["name"] == "running_variance"]
    assert found == {
        "name": "running_variance",
        "value": "biased",
        "evidence": "ratio to the biased one 1 at m = 8 and rank 2",
        "declared": "unbiased",
        "contradicts": True,
    }
    assert {sweep["name"] for sweep in card["sweeps"]} == {"offset", "length", "eps", "scale"}


def test_its_own_report_is_overwritten_and_nothing_else(tmp_path: Path) -> None:
    report_of(tmp_path, f"{LAYERS}:Plain", "--dtype", "float32")
    report_of(tmp_path, f"{LAYERS}:Plain", "--dtype", "float32")
    path = tmp_path / "bncheck-identify.json"
    path.write_text(json.dumps({"schema": 1, "bncheck": "0"}))
    result = identify(f"{LAYERS}:Plain", "--report", "json", "--report-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "is not overwritten" in result.output


def test_what_is_declared_and_not_so_stands_beside_it() -> None:
    result = identify(f"{LAYERS}:Unbiased", "--dtype", "float32", "--dialect", "running_variance=biased")
    assert result.exit_code == 0
    assert "running variance: unbiased (ratio" in result.output
    assert "; declared biased" in result.output


def test_a_target_that_ends_its_process_is_told_of_the_rest() -> None:
    result = identify(f"{LAYERS}:Ends", "--dtype", "float32")
    assert result.exit_code == 0
    assert "empty batch: raise (its process ended: exit code 3" in result.output
    assert "repeated calls: bitwise" in result.output


def test_exit_1_where_nothing_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    implementation = load(PLANTED["numpy.two_pass"].make())
    assert exit_code([identified(implementation, sweeps=False)]) == 0
    monkeypatch.setattr(implementation.adapter, "make", lambda _config: 1 / 0)
    assert exit_code([identified(implementation)]) == 1


def test_exit_2_for_misuse() -> None:
    assert identify("a:b:c").exit_code == 2
    assert identify(f"{LAYERS}:Plain", "--dialect", "momentum").exit_code == 2


def test_exit_4_where_a_target_is_not_there() -> None:
    result = identify(f"{LAYERS}:Nobody")
    assert result.exit_code == 4
    assert "not loaded" in result.output


def test_a_torch_layer_takes_no_more_than_five_seconds() -> None:
    pytest.importorskip("torch")
    before = time.process_time()
    assert identify("torch.nn:BatchNorm2d").exit_code == 0
    assert time.process_time() - before < 5.0
