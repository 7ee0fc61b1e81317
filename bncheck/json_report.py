"""JSON reports of commands other than run, written where nothing of the user's stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bncheck.errors import UsageError
from bncheck.report import is_of_kind
from bncheck.whole_files import text_of, write_whole


def destination(folder: Path, name: str, *, kind: str) -> Path:
    """Where a report will go; raises UsageError if a file that is no report of ours, of this kind, stands there."""
    path = folder / name
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file; --report-dir takes a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(folder)!r} cannot be made a folder for reports: {error.strerror}") from None
    if path.exists() and not is_of_kind(text_of(path), kind):
        raise UsageError(
            f"{str(path)!r} is not a report of bncheck and is not overwritten; move it or use --report-dir"
        )
    return path


def written(content: Mapping[str, Any], path: Path) -> None:
    """Write plain data, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
