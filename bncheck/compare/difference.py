"""What a comparison finds: differences of dialect, of numerics, and bugs; and how far two targets are apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bncheck.identify.measurement import Card
from bncheck.report import FAILING, TargetReport
from bncheck.verdict import Status


class Kind(StrEnum):
    """Bug: a law fails whatever is declared.  Dialect: all hold by the conventions that were measured.  Numerics: all
    hold in the numeric class that was measured.
    """

    BUG = "bug"
    DIALECT = "dialect"
    NUMERICS = "numerics"


@dataclass(frozen=True, slots=True)
class Difference:
    """`text`: one sentence that names the targets and what each does.  `evidence`: what was measured.

    `target`: the one that is off, None where none is.  `laws`: those that fail for it.  `declare`: what it would have
    to declare for them to hold.
    """

    kind: Kind
    text: str
    evidence: str = ""
    target: str | None = None
    laws: tuple[str, ...] = ()
    declare: Mapping[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "kind": str(self.kind),
            "text": self.text,
            "evidence": self.evidence,
            "target": self.target,
            "laws": list(self.laws),
            "declare": dict(self.declare or {}),
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """Two targets on the same cases, each in its own dialect.  `worst`: error over the sum of the bounds, by quantity.

    `failures`: messages of what differs by more.  `evaluations`: cases that both answered.
    """

    left: str
    right: str
    evaluations: int
    worst: Mapping[str, float]
    failures: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "left": self.left,
            "right": self.right,
            "evaluations": self.evaluations,
            "worst": dict(self.worst),
            "failures": list(self.failures),
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the targets that are compared.  `report`: the verdicts by the dialect that it declares.

    `translated`: the verdicts by the dialect that was measured, on the laws that fail otherwise.
    """

    card: Card
    report: TargetReport
    translated: Mapping[str, Status]
    undeclared: Mapping[str, str]

    @property
    def name(self) -> str:
        """The target as the user wrote it."""
        return self.report.target

    @property
    def failing(self) -> tuple[str, ...]:
        """The laws that fail by what it declares."""
        return tuple(each.law.id for each in self.report.laws if each.status in FAILING)

    @property
    def unexplained(self) -> tuple[str, ...]:
        """Those of them that fail by what was measured as well."""
        return tuple(id_ for id_ in self.failing if self.translated.get(id_, Status.VIOLATED) in FAILING)

    @property
    def wrong(self) -> tuple[str, ...]:
        """Those of these that are more than unstable by either."""
        return tuple(
            id_
            for id_ in self.unexplained
            if Status.UNSTABLE not in {self.status(id_), self.translated.get(id_)}
        )

    def status(self, law: str) -> Status:
        """The verdict on a law by what it declares."""
        return next((each.status for each in self.report.laws if each.law.id == law), Status.NOT_APPLICABLE)

    def as_json(self) -> dict[str, Any]:
        """Plain data: the card, and the verdicts on the laws that apply to all."""
        return {
            "card": self.card.as_json(),
            "undeclared": dict(self.undeclared),
            "laws": [
                {
                    **each.as_json(),
                    "translated": str(self.translated[each.law.id])
                    if each.law.id in self.translated
                    else None,
                }
                for each in self.report.laws
            ],
        }


@dataclass(frozen=True, slots=True)
class Contest:
    """A comparison of targets.  `dtypes`: in which all of them were judged."""

    entries: tuple[Entry, ...]
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    dtypes: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where one of them has a bug; 5 where no law applies to all; else 0."""
        if any(each.kind == Kind.BUG for each in self.differences):
            return 1
        return 0 if any(entry.report.laws for entry in self.entries) else 5

    @property
    def headline(self) -> str:
        """What matters most, in one line."""
        if self.differences:
            first = self.differences[0]
            return f"{first.kind}: {first.text}"
        names = ", ".join(entry.name for entry in self.entries)
        if self.exit_code == 5:
            return f"no law that is asked for applies to all of {names}"
        return f"no difference beyond rounding: {names}"
