"""The cards of a call as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bncheck.identify.measurement import Card
from bncheck.report import SCHEMA, jsonable

FILE_NAME, KIND = "bncheck-identify.json", "identify"


def exit_code(cards: Sequence[Card]) -> int:
    """0; 1 where a target answered none of the probes, 4 where one could not be loaded: the first of them decides."""
    codes = {1 if card.crashed else 0 if card.error is None else 4 for card in cards}
    return next((code for code in (1, 4) if code in codes), 0)


def as_json(cards: Sequence[Card], environment: Mapping[str, str]) -> dict[str, Any]:
    """Schema 1, as that of a run: non-finite numbers as the strings NaN, Infinity, -Infinity."""
    plain = {
        "schema": SCHEMA,
        "kind": KIND,
        "bncheck": environment["bncheck"],
        "environment": dict(environment),
        "targets": [card.as_json() for card in cards],
        "exit": exit_code(cards),
    }
    return {key: jsonable(value) for key, value in plain.items()}
