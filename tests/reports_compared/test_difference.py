"""`bncheck diff`: each change by its name, from two reports."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import bncheck
from bncheck.command_line import commands
from bncheck.report_difference import difference

LAYERS = Path(__file__).parents[1] / "command_line" / "samples" / "layers.py"


def law(status: str, worst: float | str | None = 0.1, *, cause: str | None = None) -> dict[str, Any]:
    causes = [] if cause is None else [{"id": cause}]
    findings = [{"message": "y[0] is 1, expected 2", "causes": causes}] if status == "violated" else []
    return {
        "id": "forward.output",
        "status": status,
        "reason": "no momentum",
        "worst": worst,
        "findings": findings,
    }


def report(*laws: dict[str, Any], **others: Any) -> dict[str, Any]:
    targets = [{"target": "layer", "error": None, "laws": list(laws)}]
    return {"schema": 1, "bncheck": "0.1.0", "profile": "ci", "seed": 0, "targets": targets} | others


@pytest.mark.parametrize(
    ("old", "new", "words", "code"),
    [
        (law("held"), law("violated", 7), "new forward.output: held at 0.1 times the bound, now violated at 7 times the bound: y[0] is 1, expected 2", 1),
        (law("known"), law("crashed", "Infinity"), "new forward.output: known at 0.1 times the bound, now crashed at inf times the bound", 1),
        (law("held"), law("undecided", None), "new forward.output: held at 0.1 times the bound, now undecided", 1),
        (law("violated", 7), law("held"), "fixed forward.output: violated at 7 times the bound, now held at 0.1 times the bound", 0),
        (law("violated", 7), law("violated", 20), "worse forward.output: violated at 7 times the bound, now violated at 20 times the bound: y[0] is 1, expected 2", 1),
        (law("violated", 20), law("violated", 7), "better forward.output: violated at 20 times the bound, now violated at 7 times the bound: y[0] is 1, expected 2", 0),
        (law("unstable", 7), law("violated", 7), "worse forward.output: unstable at 7 times the bound, now violated at 7 times the bound: y[0] is 1, expected 2", 1),
        (law("violated", 7), law("unstable", 70), "better forward.output: violated at 7 times the bound, now unstable at 70 times the bound", 0),
        (law("violated", 7, cause="eps.missing"), law("violated", 8), "other cause forward.output: eps.missing, now no known cause: y[0] is 1, expected 2", 0),
        (law("held"), law("not_applicable", None), "lost forward.output: held at 0.1 times the bound, now not applicable: no momentum", 1),
        (law("not_applicable", None), law("held"), "added forward.output: not applicable, now held at 0.1 times the bound", 0),
        (law("not_applicable", None), law("violated", 7), "new forward.output: not applicable, now violated at 7 times the bound: y[0] is 1, expected 2", 1),
        (law("held", 0.3), law("held", 0.9), "nearer its bound forward.output: held at 0.3 times the bound, now held at 0.9 times the bound", 0),
    ],
)  # fmt: skip
def test_a_change_has_its_name(old: dict[str, Any], new: dict[str, Any], words: str, code: int) -> None:
    found = difference(report(old), report(new))
    (change,) = found.changes
    assert f"{change.change} {change.words()}" == words
    assert found.exit_code == code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (law("held", 0.3), law("held", 0.5)),
        (law("held", 0.01), law("held", 0.1)),
        (law("held"), law("known")),
        (law("violated", 7, cause="eps.missing"), law("violated", 8, cause="eps.missing")),
        (law("violated", "Infinity"), law("violated", "Infinity")),
        (law("not_applicable", None), law("not_applicable", None)),
    ],
)
def test_what_did_not_change_is_not_told(old: dict[str, Any], new: dict[str, Any]) -> None:
    found = difference(report(old), report(new))
    assert (found.changes, found.exit_code, found.compared) == ((), 0, 1)


def test_a_law_that_is_missing_is_lost_and_reports_of_nothing_in_common_say_so() -> None:
    missing = difference(report(law("held")), report())
    assert [each.words() for each in missing.changes] == [
        "forward.output: held at 0.1 times the bound, now not in the report"
    ]
    assert missing.exit_code == 1
    assert difference(report(), report()).exit_code == 5


def test_what_makes_reports_hard_to_compare_is_told() -> None:
    lost = report(profile="smoke", seed=3)
    lost["targets"][0]["error"] = {"message": "no such module"}
    found = difference(report(), lost)
    assert found.notes == (
        "profile differ: ci and smoke",
        "seed differ: 0 and 3",
        "layer was not loaded: no such module",
    )


def asked(*words: object) -> Result:
    return CliRunner().invoke(commands, ["diff", *map(str, words)])


def test_a_layer_that_is_mended_is_fixed(tmp_path: Path) -> None:
    names = {"old": "Wrong", "new": "Sound"}
    for file, name in names.items():
        found = bncheck.check(f"{LAYERS}:{name}", profile="smoke", include="^statistics").as_json()
        found["targets"][0]["target"] = "the layer"
        (tmp_path / file).write_text(json.dumps(found))
    forth, back = asked(tmp_path / "old", tmp_path / "new"), asked(tmp_path / "new", tmp_path / "old")
    assert forth.exit_code == 0
    assert "fixed statistics.variance: violated at " in forth.output
    assert back.exit_code == 1
    assert "new statistics.variance: held at " in back.output
    told = json.loads(asked(tmp_path / "new", tmp_path / "old", "--json").output)
    assert {"law": "statistics.variance", "change": "new"}.items() <= told["changes"][0].items()


def test_what_is_no_report_is_told_in_one_sentence(tmp_path: Path) -> None:
    sound, wrong = tmp_path / "sound.json", tmp_path / "wrong.json"
    sound.write_text(json.dumps(report(law("held"))))
    damaged = deepcopy(report(law("held")))
    damaged["targets"][0]["laws"][0]["status"] = "fine"
    for text, sentence in {
        "": "is no JSON; valid is what bncheck run --report json writes",
        "[]": "is no report of schema 1; valid is what bncheck run --report json writes",
        json.dumps({"schema": 1, "kind": "matrix"}): "is no report of schema 1",
        json.dumps(
            {"schema": 1}
        ): "is no report of a run, or a damaged one; valid is what bncheck run --report json writes",
        json.dumps(damaged): "is no report of a run, or a damaged one; valid is what",
    }.items():
        wrong.write_text(text)
        result = asked(sound, wrong)
        assert result.exit_code == 2
        assert f"bncheck: {str(wrong)!r} {sentence}" in result.output
        assert len(result.output.splitlines()) == 1
    assert asked(sound, tmp_path / "none.json").output.endswith("cannot be read: No such file or directory\n")
