"""`bncheck run`: verdicts, exit codes, reports, and one clear sentence for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bncheck.command_line import commands
from bncheck.properties.catalogue import CATALOGUE
from bncheck.verdict import Status
from bncheck.verify import Stopped

pytestmark = pytest.mark.long

LAYERS = Path(__file__).parent / "samples" / "layers.py"
SMOKE = ("--profile", "smoke")


def bncheck(*words: str) -> Result:
    return CliRunner().invoke(commands, list(words))


def run(*words: str) -> Result:
    return bncheck("run", *words, *SMOKE)


def report_of(folder: Path, *words: str) -> dict[str, Any]:
    run(*words, "--report", "json", "--report-dir", str(folder))
    found: dict[str, Any] = json.loads((folder / "bncheck-report.json").read_text())
    return found


def test_a_sound_layer_exits_0_and_the_run_says_what_it_did() -> None:
    result = run(f"{LAYERS}:Sound", "--seed", "5")
    assert result.exit_code == 0, result.output
    assert f"{len(CATALOGUE) - 15} held, 15 not applicable" in result.output
    assert "profile smoke, seed 5; all laws hold (exit 0)" in result.output


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, dict[str, Any]]:
    """A wrong layer by every law, and a target that is not there; what was printed, and the report."""
    folder = tmp_path_factory.mktemp("wrong")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = run(f"{LAYERS}:Wrong", "nowhere.py:Layer", "--report", "json", "--report-dir", str(folder))
    return result, json.loads((folder / "bncheck-report.json").read_text())


def test_a_wrong_layer_exits_1_with_the_smallest_case_and_the_line_to_reproduce_it(
    wrong: tuple[Result, dict[str, Any]],
) -> None:
    result, _ = wrong
    assert result.exit_code == 1
    assert "violated statistics.variance" in result.output
    assert "running_var[0] is 0.125, expected 0.25: off by 0.125" in result.output
    assert f"Found by: bncheck run {LAYERS}:Wrong --profile smoke --seed 0" in result.output
    assert "Reproduce with: bncheck replay " in result.output


def test_the_command_that_found_it_shows_the_same_finding_again(wrong: tuple[Result, dict[str, Any]]) -> None:
    law = "'^statistics\\.variance$'"
    result, _ = wrong
    assert f"--include {law} --dtype float32" in result.output
    again = run(f"{LAYERS}:Wrong", "--include", r"^statistics\.variance$", "--dtype", "float32")
    assert again.exit_code == 1
    assert "running_var[0] is 0.125, expected 0.25: off by 0.125" in again.output


def test_a_layer_that_raises_is_crashed_on_the_smallest_case_that_raises() -> None:
    result = run(f"{LAYERS}:Raises", "--include", r"forward\.output")
    assert result.exit_code == 1
    assert "crashed forward.output" in result.output
    assert "ZeroDivisionError: two is too few (layers.py:" in result.output
    assert "smallest case: x (2, 1) float32" in result.output
    assert "Traceback" not in result.output


MISTAKES = {
    "an unknown attribute": (
        (f"{LAYERS}:Sounds",),
        4,
        "layers.py has no attribute 'Sounds'; near it are Sound",
    ),
    "a file that is not there": (("nowhere.py:Layer",), 4, "there is no file nowhere.py"),
    "a module that is not there": (("no_such_module:Layer",), 4, "there is no module 'no_such_module'"),
    "what is no layer": ((f"{LAYERS}:nothing_known",), 4, "or write an adapter"),
    "an empty target": (("",), 2, "'' is no target"),
    "an unknown device": ((f"{LAYERS}:Sound@tpu",), 2, "'tpu' is no device; valid are cpu, cuda"),
    "a device that is not there": (("reference.numpy@cuda",), 4, "cuda"),
    "an unknown dtype": ((f"{LAYERS}:Sound", "--dtype", "int8"), 2, "'int8' is not one of"),
    "an unknown profile": ((f"{LAYERS}:Sound", "--profile", "huge"), 2, "'huge' is not one of"),
    "a seed below 0": ((f"{LAYERS}:Sound", "--seed", "-1"), 2, "-1"),
    "no regular expression": ((f"{LAYERS}:Sound", "--include", "("), 2, "'(' is no regular expression"),
    "no declaration": ((f"{LAYERS}:Sound", "--dialect", "old"), 2, "'old' is no declaration"),
    "an unknown convention": ((f"{LAYERS}:Sound", "--dialect", "mood=old"), 2, "'mood' is no convention"),
    "an invalid convention": ((f"{LAYERS}:Sound", "--dialect", "momentum=up"), 2, "'up' is not valid"),
    "no law left": ((f"{LAYERS}:Sound", "--include", "nothing"), 5, "no law applied"),
    "no target": ((), 2, "Missing argument"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_sentence_with_its_exit_code(name: str) -> None:
    words, code, sentence = MISTAKES[name]
    profile = () if "--profile" in words else SMOKE
    result = bncheck("run", *words, *profile)
    assert result.exit_code == code, result.output
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_of_several_targets_the_most_serious_decides() -> None:
    assert run(f"{LAYERS}:Sound", "nowhere.py:Layer", "--include", "statistics").exit_code == 4
    assert run(f"{LAYERS}:Wrong", "nowhere.py:Layer", "--include", "statistics").exit_code == 1


def test_a_declared_convention_is_judged_by() -> None:
    words = (f"{LAYERS}:Wrong", "--include", "statistics")
    assert run(*words).exit_code == 1
    assert run(*words, "--dialect", "running_variance=biased").exit_code == 0


def test_what_a_run_that_ended_early_left_undecided_stands_in_one_line_a_reason() -> None:
    words = ("--include", r"^(statistics\.variance|program\.)", "--workers", "1", "--max-failures", "1")
    result = run(f"{LAYERS}:Wrong", *words)
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("undecided")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("undecided: program.output, ")
    assert lines[0].endswith(": the run ended before any example of it")


def test_a_law_that_was_judged_in_some_dtypes_says_in_which_it_was_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bncheck.verify.Limits.look", ended_after(10))
    words = ("--include", "^forward.output$", "--workers", "1", "--no-isolate", "--max-time", "1000")
    result = run(f"{LAYERS}:Sound", *words)
    assert "undecided: forward.output: the run ended before any example of it in float64" in result.output


def ended_after(examples: int) -> Any:
    """What looks at the limits so often before it ends a run."""
    looked = iter(range(examples))

    def look(*_: object) -> None:
        if next(looked, None) is None:
            raise Stopped("its time was over")

    return look


def test_the_report_follows_schema_1(wrong: tuple[Result, dict[str, Any]]) -> None:
    report: Any = wrong[1]
    assert list(report) == [
        "schema", "bncheck", "environment", "seed", "profile", "seconds", "targets", "summary", "exit", "damaged_cases",
    ]  # fmt: skip
    judged, missing = report["targets"]
    assert (report["schema"], report["seed"], report["profile"], report["exit"]) == (1, 0, "smoke", 1)
    assert set(report["summary"]) == {str(status) for status in Status}
    assert missing["error"] == {"type": "LoadError", "message": "there is no file nowhere.py"}
    assert {"target", "adapter", "device", "error", "capabilities", "dialect", "numerics", "laws"} <= set(
        judged
    )
    assert {"variance", "affine", "breakdown_offset"} <= set(judged["numerics"])
    laws = {law["id"]: law for law in judged["laws"]}
    law = laws["statistics.variance"]
    assert law["status"] == "violated"
    assert law["family"] == "statistics"
    assert set(law["by_dtype"]) == {"float32", "float64"}
    assert set(law["elements"]) == {"judged", "inconclusive", "not_judged"}
    (finding,) = law["findings"]
    assert (finding["quantity"], finding["index"], finding["actual"], finding["expected"]) == (
        "running_var", [0], 0.125, 0.25,
    )  # fmt: skip
    assert laws["devices.agreement"]["status"] == "not_applicable"
    assert "one device" in laws["devices.agreement"]["reason"]


def test_the_same_seed_gives_the_same_report_but_for_seconds(tmp_path: Path) -> None:
    words = (
        f"{LAYERS}:Wrong",
        "--dtype",
        "float32",
        "--no-replay",
        "--include",
        "^(forward|statistics)",
    )
    first = report_of(tmp_path / "first", *words, "--seed", "8")
    second = report_of(tmp_path / "second", *words, "--seed", "8")
    assert without_seconds(first) == without_seconds(second)
    other = report_of(tmp_path / "other", *words, "--seed", "9")
    assert without_seconds(first["targets"]) != without_seconds(other["targets"])


def without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_seconds(each) for key, each in value.items() if key != "seconds"}
    return [without_seconds(each) for each in value] if isinstance(value, list) else value


def test_a_file_that_is_no_report_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "bncheck-report.json"
    mine.write_text('{"mine": true}')
    result = run(f"{LAYERS}:Sound", "--report", "json", "--report-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "is not a report of bncheck and is not overwritten" in result.output
    assert mine.read_text() == '{"mine": true}'


def test_an_older_report_is_replaced(tmp_path: Path) -> None:
    report_of(tmp_path, f"{LAYERS}:Sound", "--seed", "1", "--include", "dtypes")
    assert report_of(tmp_path, f"{LAYERS}:Sound", "--seed", "2", "--include", "dtypes")["seed"] == 2


def test_list_names_every_law_and_filters() -> None:
    assert "gradient.differences" in bncheck("list").output
    assert "forward.output" not in bncheck("list", "--include", "gradient").output


def test_explain_gives_formula_source_and_inputs() -> None:
    output = bncheck("explain", "statistics.variance").output
    for words in ("m / (m - 1) var", "Source: Ioffe and Szegedy 2015", "Inputs (training):", "Applies where"):
        assert words in output


def test_explain_of_an_unknown_law_names_those_that_are_near() -> None:
    result = bncheck("explain", "gradient.dz")
    assert result.exit_code == 2
    assert "'gradient.dz' is no law; near are: gradient.dx" in result.output


def test_doctor_tells_versions_frameworks_and_adapters() -> None:
    result = bncheck("doctor")
    assert result.exit_code == 0
    for words in (
        "bncheck: ",
        "hypothesis: ",
        "torch runs on: ",
        "jax runs on: ",
        "adapter reference.numpy: built in",
    ):
        assert words in result.output


def test_a_defect_of_the_oracle_is_exit_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bncheck.reference.self_check.SHARE", 0.0)
    result = run(f"{LAYERS}:Sound")
    assert result.exit_code == 3
    assert "the oracle disagrees with itself" in result.output
