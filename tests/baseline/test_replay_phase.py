"""Saved cases of earlier runs are replayed first, reported apart, and change nothing of what follows."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from baseline.known import (
    ALONE,
    BIASED,
    ENORMOUS,
    ENTRY,
    LAW,
    SMALL,
    SOUND,
    judged,
    only_law,
    only_target,
    saved_case,
    tracking,
    written,
)
from click.testing import CliRunner
from rich.console import Console

from bncheck.case_file import save
from bncheck.command_line import commands
from bncheck.planted.numpy_layer import Saved
from bncheck.report import Report
from bncheck.text_report import print_summary, print_target

LAYERS = Path(__file__).parent / "samples" / "layers.py"
# A size that no example has.
LONG = SMALL.changed(x=np.resize(np.array([1.0, 0.0], np.float32), (1019, 1)))


def wrong_on_the_long_one(saved: Saved) -> Any:
    m = saved.x.size // saved.x.shape[1]
    return saved.variance * (1 if m == 1019 else m / max(m - 1, 1))


RARELY = tracking(wrong_on_the_long_one)


def words(report: Report) -> list[str]:
    return [case.word for case in only_target(report).replayed]


def told(report: Report) -> str:
    text = StringIO()
    print_target(Console(file=text, width=160), only_target(report))
    print_summary(Console(file=text, width=160), report)
    return text.getvalue()


def test_a_case_that_still_fails_counts_where_no_example_fails(tmp_path: Path) -> None:
    place = save(saved_case(LONG), tmp_path)
    report = judged(RARELY, None, replays=tmp_path)
    assert (str(only_law(report).status), words(report), report.exit_code) == ("held", ["still failing"], 1)
    assert judged(RARELY, None).exit_code == 0
    text = told(report)
    assert "saved cases: 1 replayed: 1 still failing" in text
    assert f"still failing {place.stem} {LAW}: running_var[0] is " in text
    assert "saved cases that still fail: 1 (exit 1)" in text


def test_the_json_report_tells_each_case(tmp_path: Path) -> None:
    place = save(saved_case(LONG), tmp_path)
    report = judged(RARELY, None, replays=tmp_path).as_json()
    (case,) = report["targets"][0]["replayed"]
    assert case.pop("message").startswith("running_var[0] is ")
    assert case == {
        "id": place.stem,
        "case": str(place),
        "law": LAW,
        "dtype": "float32",
        "status": "violated",
        "replayed": "still failing",
    }
    assert report["exit"] == 1


def test_cases_that_hold_now_are_counted_and_stay_where_they_are(tmp_path: Path) -> None:
    places = [save(saved_case(case), tmp_path) for case in (SMALL, LONG)]
    report = judged(SOUND, None, replays=tmp_path)
    assert (words(report), report.exit_code) == (["fixed", "fixed"], 0)
    assert "saved cases: 2 replayed: 2 fixed" in told(report)
    assert all(place.is_file() for place in places)


def test_a_case_that_the_baseline_knows_does_not_fail_the_run(tmp_path: Path) -> None:
    path = written(tmp_path)
    report = judged(BIASED, path, replays=tmp_path / "cases")
    assert (words(report), report.exit_code) == (["known"], 0)


def test_a_case_outside_what_the_baseline_knows_fails_it(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY.replace("mode", "m = [2, 64]\nmode"))
    save(saved_case(LONG), tmp_path / "others")
    report = judged(RARELY, path, replays=tmp_path / "others")
    assert words(report) == ["still failing"]


def test_a_case_that_decides_nothing_is_neither_fixed_nor_failing(tmp_path: Path) -> None:
    save(saved_case(ENORMOUS), tmp_path)
    report = judged(SOUND, None, replays=tmp_path)
    assert (words(report), report.exit_code) == (["not judged"], 0)


@pytest.mark.parametrize(
    ("saved", "asked"),
    [
        ({"target": "another:Layer"}, {}),
        ({"device": "cuda"}, {}),
        ({"dialect": {"running_variance": "biased"}}, {}),
        ({}, {"include": "forward.output"}),
        ({}, {"dtypes": ("float64",)}),
        ({}, {"ranks": (4,)}),
        ({}, {"dialect": {"running_variance": "unbiased"}}),
    ],
)
def test_a_case_that_the_run_is_not_about_is_left_out(
    tmp_path: Path, saved: dict[str, Any], asked: dict[str, Any]
) -> None:
    save(saved_case(**saved), tmp_path)
    assert words(judged(SOUND, None, replays=tmp_path, **asked)) == []


def test_cases_of_the_same_conventions_are_replayed(tmp_path: Path) -> None:
    conventions = {"running_variance": "biased"}
    save(saved_case(dialect=conventions), tmp_path)
    assert words(judged(BIASED, None, replays=tmp_path, dialect=conventions)) == ["fixed"]


def test_damaged_files_are_told_in_a_line_each_and_stop_nothing(tmp_path: Path) -> None:
    place = save(saved_case(), tmp_path)
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text('{"schema": 2}')
    (tmp_path / "c.json").mkdir()
    save(saved_case(law="statistics.gone"), tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    report = judged(SOUND, None, replays=tmp_path)
    assert (words(report), report.exit_code) == (["fixed"], 0)
    first, second, third, fourth = sorted(report.damaged, key=lambda each: "statistics.gone" in each)
    assert first.startswith(f"{tmp_path / 'a.json'} is no JSON file: ")
    assert second.endswith("its schema is 2, expected 1")
    assert third.endswith("c.json cannot be read: Is a directory")
    assert fourth.endswith("is of the law 'statistics.gone', which this version of bncheck does not have")
    assert report.as_json()["damaged_cases"] == list(report.damaged)
    assert told(report).count("not replayed: ") == 4
    assert place.is_file()


def test_a_folder_that_is_not_there_holds_no_cases(tmp_path: Path) -> None:
    assert words(judged(SOUND, None, replays=tmp_path / "nowhere")) == []


def test_the_examples_are_the_same_with_and_without_saved_cases(tmp_path: Path) -> None:
    for case in (SMALL, LONG, ENORMOUS):
        save(saved_case(case), tmp_path)
    with_them, without = judged(SOUND, None, replays=tmp_path), judged(SOUND, None)
    assert len(words(with_them)) == 3
    assert stripped(with_them) == stripped(without)


def stripped(report: Report) -> Any:
    """The laws of the report without their seconds."""
    (target,) = report.as_json()["targets"]
    return [{key: value for key, value in law.items() if key != "seconds"} for law in target["laws"]]


def test_no_replay_leaves_the_phase_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = f"{LAYERS}:Layer"
    asked = ["run", target, "--profile", "smoke", "--include", ALONE, "--dtype", "float64"]
    double = {
        name: getattr(SMALL, name).astype(np.float64)
        for name in ("x", "gamma", "beta", "running_mean", "running_var")
    }
    save(replace(saved_case(SMALL.changed(**double)), target=target))
    with_it = CliRunner().invoke(commands, asked)
    without = CliRunner().invoke(commands, [*asked, "--no-replay"])
    assert "saved cases: 1 replayed: 1 still failing" in with_it.output
    assert "saved cases" not in without.output
