"""The files of a self-test: a page in Markdown and the whole matrix in JSON, written where nothing of the user's stands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bncheck import whole_files
from bncheck.kill_matrix import Hit, Row
from bncheck.report import jsonable
from bncheck.selftest import SelfTest
from bncheck.selftest_page import TITLE, page
from bncheck.whole_files import write_whole

SCHEMA = 1
JSON, MARKDOWN = "bncheck-selftest.json", "kill-matrix.md"
FILES = {"json": JSON, "md": MARKDOWN}


def destinations(kinds: Sequence[str], folder: Path) -> dict[str, Path]:
    """Where the files will go; raises UsageError if something that is none of ours stands there."""
    return whole_files.destinations(FILES, kinds, folder, is_ours=_is_ours, what="of a self-test")


def write(found: SelfTest, paths: dict[str, Path]) -> None:
    """Each file whole or not at all."""
    for kind, path in paths.items():
        text = page(found) if kind == "md" else json.dumps(as_json(found), indent=2, allow_nan=False) + "\n"
        write_whole(path, text)


def _is_ours(content: str) -> bool:
    return content.startswith(TITLE) or ('"schema"' in content and '"survivors"' in content)


def as_json(found: SelfTest) -> dict[str, Any]:
    """The self-test as plain data; non-finite numbers as strings."""
    matrix = found.matrix
    plain = {
        "schema": SCHEMA,
        "bncheck": found.environment["bncheck"],
        "environment": dict(found.environment),
        "date": found.date,
        "profile": found.options.profile,
        "seed": found.options.seed,
        "processes": found.options.processes,
        "seconds": found.seconds,
        "oracle": {"compared": found.compared},
        "references": [asdict(agreement) for agreement in found.agreements],
        "references_absent": dict(found.absent),
        "bugs": [
            {
                "id": bug.id,
                "text": bug.text,
                "class": bug.bug_class,
                "report": bug.report,
                "port_of": bug.port_of,
                "expected": bug.expected,
                **_row(row),
                "killed_by": [_hit(hit) for hit in row.killers],
            }
            for bug, row in matrix.bugs.items()
        ],
        "sound": [
            {"id": sound.id, "text": sound.text, **_row(row), "rejected_by": [_hit(hit) for hit in row.hits]}
            for sound, row in matrix.sound.items()
        ],
        "laws": [
            {
                "id": law.id,
                "kills": list(matrix.killed[law.id]),
                "only_killer_of": list(matrix.only_killed_by(law)),
                "beyond_need": law in matrix.beyond_need,
                "seconds_an_example": matrix.costs[law.id].each if law.id in matrix.costs else None,
            }
            for law in matrix.laws
        ],
        "survivors": [bug.id for bug in matrix.survivors],
        "rejected": [sound.id for sound in matrix.rejected],
        "defects": list(matrix.defects),
        "idle": [law.id for law in matrix.idle],
        "complete": matrix.complete,
        "absent": dict(matrix.absent),
        "comparisons": matrix.comparisons,
        "exit": found.exit_code,
    }
    return {key: jsonable(value) for key, value in plain.items()}


def _row(row: Row) -> dict[str, Any]:
    examples, seconds = (None, None) if row.until is None else row.until
    return {
        "laws": sorted(row.applied),
        "examples": row.examples,
        "comparisons": row.comparisons,
        "seconds": row.seconds,
        "examples_to_kill": examples,
        "seconds_to_kill": seconds,
    }


def _hit(hit: Hit) -> dict[str, Any]:
    return asdict(hit) | {"status": str(hit.status)}
