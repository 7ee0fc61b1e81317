"""What a shell is offered for an argument."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from bncheck.command_line import commands


def offered(command: str, incomplete: str) -> list[tuple[str, str]]:
    """What is offered for the first argument of a command: its kind and its text."""
    found = commands.commands[command]
    (argument, *_) = (each for each in found.params if isinstance(each, click.Argument))
    return [(each.type, each.value) for each in argument.shell_complete(click.Context(found), incomplete)]


def test_explain_is_offered_the_laws() -> None:
    assert offered("explain", "symmetry.s") == [
        ("plain", "symmetry.shift"),
        ("plain", "symmetry.scale"),
        ("plain", "symmetry.sign"),
    ]


def test_replay_is_offered_the_saved_cases_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("replay", "a") == [("file", "a")]
    cases = tmp_path / ".bncheck" / "cases"
    cases.mkdir(parents=True)
    for name in ("ab12.json", "a34.json", "b56.json", "a78.txt"):
        (cases / name).touch()

    assert offered("replay", "a") == [("plain", "a34"), ("plain", "ab12"), ("file", "a")]
