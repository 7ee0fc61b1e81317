"""Writing: a reproducer to standard output or to a file that is not there yet."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from bncheck.errors import UsageError
from bncheck.implementation import Implementation
from bncheck.replaying import Replay, Replayed
from bncheck.reproducer.reproducing import reproduced

HERE = "-"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written, and where to: a path, "-" for standard output, None for what is not wanted.

    Raises UsageError, before anything runs, for a file that is there and for two texts on standard output.
    """

    script: str | None = None
    test: str | None = None
    issue: str | None = None

    def __post_init__(self) -> None:
        if self._places.count(HERE) > 1:
            raise UsageError(
                "only one of --script, --pytest and --issue can go to standard output; name a file"
            )
        for place in self._places:
            if place != HERE:
                _check(Path(place))
        named = [place for place in self._places if place != HERE]
        if len({Path(place).absolute() for place in named}) < len(named):
            raise UsageError(f"--script, --pytest and --issue cannot share the file {named[0]}")

    @property
    def _places(self) -> list[str]:
        return [place for place in (self.script, self.test, self.issue) if place is not None]

    @property
    def on_standard_output(self) -> bool:
        """Whether standard output is taken."""
        return HERE in self._places

    def texts(self, found: Replayed, asked: Replay, implementation: Implementation) -> list[tuple[str, str]]:
        """The texts that are wanted of a case that fails, each with its place; UsageError where there is one too few."""
        if not self._places:
            return []
        if found.exit_code != 1:
            raise UsageError(
                f"nothing fails on {found.target}, so there is nothing to write that would reproduce it"
            )
        likeliest = next(iter(found.causes or ()), None)
        made = replace(reproduced(found, asked, implementation), cause=likeliest)
        kinds = (self.script, made.text), (self.test, made.test), (self.issue, made.issue)
        return [(place, text()) for place, text in kinds if place is not None]


def _check(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise UsageError(f"{path} is there already and is not overwritten; name another file")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent} to write {path.name} in")


def write(place: str, text: str) -> None:
    """To standard output, or to a new file; UsageError where that cannot be made."""
    if place == HERE:
        sys.stdout.write(text)
        return
    try:
        with Path(place).open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror}") from None
