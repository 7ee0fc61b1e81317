"""The terminal: names of targets as they are, and nothing of a line of progress in a file."""

from __future__ import annotations

import pytest

from bncheck.terminal import progress_line, terminal


def test_a_name_is_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    terminal().print("l2.py:Bug on nope:X: and :X:")
    assert capsys.readouterr().out == "l2.py:Bug on nope:X: and :X:\n"


def test_colours_in_a_file_are_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)
    console = terminal()
    assert console.is_terminal
    assert console.width == 160
    with progress_line() as progress:
        assert progress is None
    assert capsys.readouterr().err == ""
