"""The difference of two reports: what fails now, what no longer does, what is worse or better, what is judged no more."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf, nan
from pathlib import Path
from typing import Any

from bncheck.errors import UsageError
from bncheck.report import FAILING, SCHEMA
from bncheck.verdict import SERIOUSNESS, Status

# Errors of two runs, in units of the bound, differ by less where nothing has changed but the examples.
NOTABLE = 2.0
# A law that holds is told of from this share of its bound on.
NEAR = 0.5


class Change(StrEnum):
    """What became of a law."""

    NEW = "new"
    WORSE = "worse"
    LOST = "lost"
    OTHER_CAUSE = "other cause"
    NEARER = "nearer its bound"
    BETTER = "better"
    FIXED = "fixed"
    ADDED = "added"

    @property
    def fails(self) -> bool:
        """Whether it is what a gate is there for."""
        return self in (Change.NEW, Change.WORSE, Change.LOST)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One law of one target in a report.  `worst`: error over bound; `cause`: the likeliest, by its id."""

    status: Status
    worst: float = 0.0
    message: str = ""
    cause: str | None = None
    reason: str = ""

    @property
    def fails(self) -> bool:
        """Whether a run of profile ci would fail by it."""
        return self.status in FAILING or self.status == Status.UNDECIDED

    @property
    def judged(self) -> bool:
        """Whether anything is said of it."""
        return self.status != Status.NOT_APPLICABLE


@dataclass(frozen=True, slots=True)
class Changed:
    """A law of a target that a change is told of; None where a report does not have it."""

    target: str
    law: str
    change: Change
    old: Verdict | None
    new: Verdict | None

    def words(self) -> str:
        """`statistics.variance: held, now violated: running_var[0] is ...`."""
        old, new = (_told(each) for each in (self.old, self.new))
        if self.change == Change.OTHER_CAUSE:
            old, new = (each.cause or "no known cause" for each in (self.old, self.new) if each is not None)
        note = self.new.message if self.new is not None and self.new.fails else ""
        note = self.new.reason if self.new is not None and not self.new.judged else note
        return f"{self.law}: {old}, now {new}" + (f": {note}" if note else "")


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes, and what makes the two reports hard to compare, a sentence each."""

    changes: tuple[Changed, ...]
    notes: tuple[str, ...]
    compared: int

    @property
    def exit_code(self) -> int:
        """1 where a law fails now, is worse, or is judged no more; 5 where there is nothing to compare, nor lost."""
        if any(each.change.fails for each in self.changes):
            return 1
        return 0 if self.compared else 5

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "compared": self.compared,
            "notes": list(self.notes),
            "changes": [
                {
                    "target": each.target,
                    "law": each.law,
                    "change": str(each.change),
                    "old": None if each.old is None else str(each.old.status),
                    "new": None if each.new is None else str(each.new.status),
                    "words": each.words(),
                }
                for each in self.changes
            ],
            "exit": self.exit_code,
        }


def report_in(path: Path) -> dict[str, Any]:
    """A JSON report of a run; raises UsageError for what is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    except ValueError:
        raise UsageError(
            f"{str(path)!r} is no JSON; valid is what bncheck run --report json writes"
        ) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or "kind" in content:
        raise UsageError(
            f"{str(path)!r} is no report of schema {SCHEMA}; valid is what bncheck run --report json writes"
        )
    try:
        list(_verdicts(content))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UsageError(
            f"{str(path)!r} is no report of a run, or a damaged one; valid is what bncheck run --report json writes"
        ) from None
    return content


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    """What changed from one report to the other, the worst first."""
    before, after = dict(_verdicts(old)), dict(_verdicts(new))
    found = [
        Changed(*place, change, before.get(place), after.get(place))
        for place in dict.fromkeys((*after, *before))
        if (change := _change(before.get(place), after.get(place))) is not None
    ]
    order = list(Change)
    notes = [
        f"{name} differ: {old.get(name)} and {new.get(name)}"
        for name in ("profile", "seed")
        if old.get(name) != new.get(name)
    ]
    notes += [
        f"{target['target']} was not loaded: {target['error']['message']}"
        for report in (old, new)
        for target in report["targets"]
        if target["error"] is not None
    ]
    return Difference(
        tuple(sorted(found, key=lambda each: order.index(each.change))),
        tuple(notes),
        len(before.keys() & after.keys()),
    )


def _change(old: Verdict | None, new: Verdict | None) -> Change | None:
    if new is None or (not new.judged and old is not None and old.judged):
        return Change.LOST if old is not None and old.judged else None
    if old is None or not old.judged:
        return None if not new.judged else Change.NEW if new.fails else Change.ADDED
    if not (old.fails and new.fails):
        if new.fails:
            return Change.NEW
        if old.fails:
            return Change.FIXED
        return Change.NEARER if new.worst >= max(NEAR, NOTABLE * old.worst) else None
    return _between(old, new)


def _between(old: Verdict, new: Verdict) -> Change | None:
    """Of two that fail."""
    if old.status != new.status:
        return (
            Change.WORSE if SERIOUSNESS.index(new.status) < SERIOUSNESS.index(old.status) else Change.BETTER
        )
    if new.worst > NOTABLE * old.worst:
        return Change.WORSE
    if old.worst > NOTABLE * new.worst:
        return Change.BETTER
    return Change.OTHER_CAUSE if old.cause != new.cause else None


def _verdicts(report: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Verdict]]:
    for target in report["targets"]:
        for law in target["laws"]:
            first: dict[str, Any] = next(iter(law["findings"]), {})
            causes = [cause["id"] for cause in first.get("causes", ())]
            yield (
                (str(target["target"]), str(law["id"])),
                Verdict(
                    Status(law["status"]),
                    _number(law["worst"]),
                    str(first.get("message", "")),
                    causes[0] if causes else None,
                    str(law["reason"] or ""),
                ),
            )


def _number(value: float | str | None) -> float:
    """A number of a report, where what is not finite is a string."""
    named = {"NaN": nan, "Infinity": inf, "-Infinity": -inf, None: 0.0}
    return named[value] if value is None or isinstance(value, str) else float(value)


def _told(verdict: Verdict | None) -> str:
    if verdict is None:
        return "not in the report"
    words = str(verdict.status).replace("_", " ")
    return f"{words} at {verdict.worst:.3g} times the bound" if verdict.worst else words
