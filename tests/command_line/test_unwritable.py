"""Folders that take no files: one sentence, and what was found is told all the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from bncheck.case_file import folder_for_cases
from bncheck.command_line import commands
from bncheck.errors import UsageError
from bncheck.whole_files import why_no_files, write_whole

LAYERS = Path(__file__).parent / "samples" / "layers.py"
WRONG = [
    "run",
    f"{LAYERS}:Wrong",
    "--profile",
    "smoke",
    "--include",
    "statistics.variance",
    "--dtype",
    "float32",
]
# Root may write whatever permissions say; nobody may in this one.
NOWHERE = Path("/proc")
pytestmark = pytest.mark.skipif(not NOWHERE.is_dir(), reason="there is no folder that takes no files")


def test_a_folder_is_tried_and_so_is_the_one_it_would_be_made_in(tmp_path: Path) -> None:
    assert why_no_files(tmp_path / "a" / "b") is None
    assert list(tmp_path.iterdir()) == []
    assert why_no_files(NOWHERE)
    assert why_no_files(NOWHERE / "a" / "b")
    (tmp_path / "file").touch()
    assert why_no_files(tmp_path / "file" / "a")


def test_what_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"file/case\.json' cannot be written: "):
        write_whole(tmp_path / "file" / "case.json", "{}")


def test_a_run_says_that_it_saves_nothing_and_what_it_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOWHERE)
    assert folder_for_cases() is None
    result = CliRunner().invoke(commands, WRONG)
    assert result.exit_code == 1
    assert "findings are not saved" in result.output
    assert "violated statistics.variance" in result.output


def test_a_disk_that_is_full_when_a_case_is_saved_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise UsageError("'.bncheck/cases/1.json' cannot be written: No space left on device")

    monkeypatch.setattr("bncheck.findings.save", full)
    result = CliRunner().invoke(commands, [*WRONG, "--no-isolate", "--workers", "1"])
    assert result.exit_code == 1
    assert "violated statistics.variance" in result.output
    assert "Reproduce with: bncheck run" in result.output


@pytest.mark.parametrize("command", ["identify", "compare"])
def test_a_report_that_cannot_be_written_is_told_in_one_sentence(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(NOWHERE)
    targets = ["reference.numpy"] * (2 if command == "compare" else 1)
    result = CliRunner().invoke(commands, [command, *targets, "--report", "json"])
    assert result.exit_code == 2, result.output
    assert f"'bncheck-{command}.json' cannot be written: " in result.output
    assert os.linesep not in result.output.strip().rpartition("bncheck: ")[2]


def test_a_pattern_that_leaves_no_law_is_named() -> None:
    result = CliRunner().invoke(commands, ["run", "reference.numpy", "--include", "nolaw"])
    assert result.exit_code == 5
    assert "--include 'nolaw' leaves no law; bncheck list shows them" in result.output
