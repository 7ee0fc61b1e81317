"""Saved cases replayed: the findings of earlier runs, judged before the examples of a run are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bncheck.baseline.known import Known
from bncheck.case_file import SavedCase, read
from bncheck.errors import UsageError
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.replaying import judged_again
from bncheck.verdict import Status

# Once crashes have cost so many starts of the target's process, the other saved cases are not replayed.
RESTARTS = 20


@dataclass(frozen=True, slots=True)
class Cases:
    """The saved cases of a folder, in the order of their ids; `damaged`: what cannot be replayed, a sentence each."""

    saved: tuple[tuple[Path, SavedCase], ...] = ()
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayedCase:
    """What a target does on a saved case; `known`: it fails as the baseline says.  None where it was not replayed."""

    path: Path
    saved: SavedCase
    status: Status | None
    message: str = ""
    known: bool = False

    @property
    def still_fails(self) -> bool:
        """Whether it counts: it fails, and not as the baseline says."""
        return self.status is not None and self.status.fails and not self.known

    @property
    def word(self) -> str:
        """`still failing`, `known`, `fixed` or `not judged`."""
        if self.known:
            return "known"
        if self.still_fails:
            return "still failing"
        return "fixed" if self.status == Status.HELD else "not judged"

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "id": self.path.stem,
            "case": str(self.path),
            "law": self.saved.law,
            "dtype": self.saved.dtype,
            "status": None if self.status is None else str(self.status),
            "replayed": self.word,
            "message": self.message,
        }


def cases_in(folder: Path | None, laws: Sequence[Law]) -> Cases:
    """All saved cases of a folder, of any of the laws that there are; none where it is not there."""
    ids = {law.id for law in laws}
    saved: list[tuple[Path, SavedCase]] = []
    damaged: list[str] = []
    for path in [] if folder is None or not folder.is_dir() else sorted(folder.glob("*.json")):
        try:
            found = read(path)
        except UsageError as error:
            damaged.append(str(error))
            continue
        if found.law in ids:
            saved.append((path, found))
        else:
            damaged.append(f"{path} is of the law {found.law!r}, which this version of bncheck does not have")
    return Cases(tuple(saved), tuple(damaged))


def replayed_cases(
    cases: Sequence[tuple[Path, SavedCase]], laws: Sequence[Law], implementation: Implementation, known: Known
) -> Iterator[ReplayedCase]:
    """What the target does today on cases of these laws; the others are left out."""
    by_id, restarts = {law.id: law for law in laws}, 0
    for path, saved in cases:
        law = by_id.get(saved.law)
        if law is None:
            continue
        if restarts >= RESTARTS:
            yield ReplayedCase(
                path, saved, None, "not replayed: too many saved cases end the target's process"
            )
            continue
        case = fit(saved.case, implementation)
        again = judged_again(law, case, implementation, saved.dtype, ended=saved.ended)
        restarts += again.restarts
        is_known = again.failure is not None and known.entry_for(law.id, again.failure) is not None
        yield ReplayedCase(path, saved, again.status, "; ".join(again.messages[:1]), is_known)
