"""How an entry of the baseline stands today: it fails as it is written, it is stale, or it does not apply."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bncheck.baseline.entry import Entry


class Standing(StrEnum):
    """What became of an entry; all but the first two are stale, and fail a run."""

    KNOWN = "known"
    OTHER_VERSION = "other_version"
    FIXED = "fixed"
    NOT_JUDGED = "not_judged"
    EXPIRED = "expired"
    OTHER_FAILURE = "other_failure"
    OTHER_CAUSE = "other_cause"


# In these its case still fails as it says.
STILL_FAILING = (Standing.KNOWN, Standing.EXPIRED, Standing.OTHER_CAUSE)


@dataclass(frozen=True, slots=True)
class EntryReport:
    """An entry and how it stands.  `message`: why, in words; `cause`: the likeliest one today, where it is another.

    `examples`: of this run, fail as the entry says.
    """

    entry: Entry
    standing: Standing
    message: str = ""
    cause: str | None = None
    examples: int = 0

    @property
    def is_stale(self) -> bool:
        """Whether it fails the run."""
        return self.standing not in (Standing.KNOWN, Standing.OTHER_VERSION)

    @property
    def is_kept(self) -> bool:
        """Whether an update keeps the entry: it still fails, or is for another version."""
        return self.standing in (*STILL_FAILING, Standing.OTHER_VERSION)

    def as_json(self) -> dict[str, Any]:
        """The entry of the report: what it says, and how it stands."""
        return self.entry.as_json() | {
            "standing": str(self.standing),
            "stale": self.is_stale,
            "message": self.message,
            "examples": self.examples,
        }
