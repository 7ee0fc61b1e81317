"""JSON reports of schema 1, written where nothing of the user's stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bncheck.errors import UsageError
from bncheck.report import Report
from bncheck.whole_files import write_whole

FILE_NAME = "bncheck-report.json"


def destination(folder: Path, name: str = FILE_NAME, *, kind: str | None = None) -> Path:
    """Where a report will go; raises UsageError if a file that is no report of ours, of this kind, stands there."""
    path = folder / name
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is a file; --report-dir takes a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(folder)!r} cannot be made a folder for reports: {error.strerror}") from None
    if path.exists() and not _is_ours(path, kind):
        raise UsageError(
            f"{str(path)!r} is not a report of bncheck and is not overwritten; move it or use --report-dir"
        )
    return path


def write(report: Report, path: Path) -> None:
    """Write the report of a run."""
    written(report.as_json(), path)


def written(content: Mapping[str, Any], path: Path) -> None:
    """Write plain data, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def _is_ours(path: Path, kind: str | None) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    ours = isinstance(content, dict) and "bncheck" in content and "schema" in content
    return ours and content.get("kind") == kind
