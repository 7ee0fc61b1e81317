"""An entry of the baseline: a failure that is known, its case, and what a person says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from bncheck.baseline.where import Where
from bncheck.case_file import SavedCase
from bncheck.environment import installed_version
from bncheck.verdict import Failure, Status

# Whoever fails so may fail like this too, by the same bug: errors beyond the bound of a class are of any size.
_COVERED = {Status.VIOLATED: (Status.VIOLATED, Status.UNSTABLE)}


@dataclass(frozen=True, slots=True)
class Entry:
    """`case`: its file, `saved`: what stands in it.  `cause`: an id, None where none is known, and then none is asked for.

    `quantities`: all that may fail, any where empty.
    `versions`: distribution to the specifier of its versions that the entry is for; `expires`: its last day.
    """

    target: str
    law: str
    case: Path
    saved: SavedCase
    reason: str
    where: Where = field(default_factory=Where)
    cause: str | None = None
    quantities: tuple[str, ...] = ()
    link: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    expires: date | None = None

    @property
    def dtype(self) -> str:
        """That of its case."""
        return self.saved.dtype

    def covers(self, law: str, failure: Failure) -> bool:
        """Whether it is the known failure: of the law, in the way in which its case fails, inside the predicate."""
        if self.law != law or failure.case not in self.where:
            return False
        status = Status(self.saved.status)
        return failure.status in _COVERED.get(status, (status,)) and (
            not self.quantities or set(failure.quantities) <= set(self.quantities)
        )

    def other_version(self) -> str | None:
        """The installed version that it is not for, in words; None where it is for all that are installed."""
        for name, specifier in self.versions.items():
            version = installed_version(name)
            if version is None:
                return f"{name} is not installed"
            if not SpecifierSet(specifier).contains(version, prereleases=True):
                return f"{name} {version} is installed"
        return None

    def as_json(self) -> dict[str, Any]:
        """What it says, as plain data."""
        return {
            "target": self.target,
            "law": self.law,
            "dtype": self.dtype,
            "case": str(self.case),
            "cause": self.cause,
            "quantities": list(self.quantities),
            "reason": self.reason,
            "link": self.link,
            "versions": dict(self.versions),
            "expires": None if self.expires is None else self.expires.isoformat(),
            "where": self.where.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a file, in its order."""

    path: Path
    entries: tuple[Entry, ...] = ()

    def of(self, law: str) -> Baseline:
        """The entries of a law."""
        return Baseline(self.path, tuple(each for each in self.entries if each.law == law))

    def concerning(self, target: str, device: str | None, dialect: Mapping[str, str]) -> tuple[Entry, ...]:
        """The entries for a target, whose cases were found on this device and under these conventions."""
        return tuple(
            each
            for each in self.entries
            if each.target == target and each.saved.was_found_under(device, dialect)
        )
