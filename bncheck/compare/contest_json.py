"""A comparison as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bncheck.compare.difference import Contest
from bncheck.report import SCHEMA, jsonable

FILE_NAME, KIND = "bncheck-compare.json", "compare"


def as_json(contest: Contest, environment: Mapping[str, str], *, profile: str, seed: int) -> dict[str, Any]:
    """Schema 1, as that of a run: non-finite numbers as the strings NaN, Infinity, -Infinity."""
    plain = {
        "schema": SCHEMA,
        "kind": KIND,
        "bncheck": environment["bncheck"],
        "environment": dict(environment),
        "seed": seed,
        "profile": profile,
        "dtypes": contest.dtypes,
        "headline": contest.headline,
        "differences": [each.as_json() for each in contest.differences],
        "targets": [entry.as_json() for entry in contest.entries],
        "pairs": [pair.as_json() for pair in contest.pairs],
        "exit": contest.exit_code,
    }
    return {key: jsonable(value) for key, value in plain.items()}
