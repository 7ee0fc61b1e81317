"""The files of a matrix: the whole of it as JSON, a page in Markdown and one in HTML."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bncheck import whole_files
from bncheck.matrix.grid import Column, Matrix
from bncheck.matrix.html_page import html
from bncheck.matrix.markdown_page import TITLE, markdown
from bncheck.whole_files import write_whole

SCHEMA, KIND = 1, "matrix"
FILES: Mapping[str, str] = {
    "json": "bncheck-matrix.json",
    "md": "bncheck-matrix.md",
    "html": "bncheck-matrix.html",
}
SCRIPTS = "bncheck-scripts"


def destinations(kinds: Sequence[str], folder: Path) -> dict[str, Path]:
    """Where the files will go; raises UsageError if something that is none of ours stands there."""
    return whole_files.destinations(FILES, kinds, folder, is_ours=_is_ours, what="a matrix of bncheck")


def write(found: Matrix, paths: Mapping[str, Path]) -> None:
    """Each file whole or not at all."""
    texts: Mapping[str, Callable[[Matrix], str]] = {"json": _json, "md": markdown, "html": html}
    for kind, path in paths.items():
        write_whole(path, texts[kind](found))


def _json(found: Matrix) -> str:
    return json.dumps(as_json(found), indent=2, allow_nan=False) + "\n"


def _is_ours(content: str) -> bool:
    return (
        content.startswith((TITLE, f"<!doctype html>\n<!-- {TITLE} -->"))
        or f'"kind": "{KIND}"' in content[:200]
    )


def as_json(found: Matrix) -> dict[str, Any]:
    """Plain data; the targets are those of a report of schema 1."""
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "bncheck": found.environment["bncheck"],
        "environment": dict(found.environment),
        "date": found.date,
        "profile": found.profile,
        "seed": found.seed,
        "seconds": found.seconds,
        "laws": list(found.laws),
        "targets": [_target(column) for column in found.columns],
        "scripts": [
            {
                "target": each.first.target,
                "laws": [finding.law for finding in each.findings],
                "script": each.script,
                "reason": each.without_script,
            }
            for each in found.groups
        ],
        "absent": dict(found.absent),
        "exit": found.exit_code,
    }


def _target(column: Column) -> dict[str, Any]:
    error = None if column.error is None else {"type": "Error", "message": column.error}
    plain: dict[str, Any] = {"target": column.target, "error": error, "laws": []}
    return {**plain, **column.content, "seconds": column.seconds}
