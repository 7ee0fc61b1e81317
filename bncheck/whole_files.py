"""Files that are whole or not there, written where nothing of the user's stands."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bncheck.errors import UsageError


def destinations(
    names: Mapping[str, str], kinds: Iterable[str], folder: Path, *, is_ours: Callable[[str], bool], what: str
) -> dict[str, Path]:
    """Where the files of these kinds will go, by their names.

    Raises UsageError if `folder` is a file, or something stands in it whose text is none of ours; `what`: what it is not.
    """
    paths = {kind: folder / names[kind] for kind in kinds}
    if paths and folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file; --report-dir takes a folder")
    for path in paths.values():
        if path.exists() and not is_ours(text_of(path)):
            raise UsageError(
                f"{str(path)!r} is not {what} and is not overwritten; move it or use --report-dir"
            )
    return paths


def text_of(path: Path) -> str:
    """Empty for what is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def write_whole(path: Path, text: str) -> None:
    """Through a neighbour, which takes the file's place when it is complete; UsageError where it cannot be written."""
    neighbour = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        neighbour.write_text(text, encoding="utf-8")
        neighbour.replace(path)
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be written: {error.strerror}") from None


def why_no_files(folder: Path) -> str | None:
    """Why no file can be written there, or in the folder in which it would be made; None where one can.

    Permissions do not tell of a file system that is read-only: a file does.
    """
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return None
    except OSError as error:
        return error.strerror
