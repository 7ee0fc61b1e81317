"""The values of a matrix: a column for each target, as its report has it, and what was found in each cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bncheck.report import FAILING
from bncheck.verdict import Status

# Schema 1 of a report, of which the targets are taken as they are.
Json = Mapping[str, Any]
BROKEN = tuple(str(status) for status in (*FAILING, "undecided"))


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one cell: the report's own words.  `number`: of the findings of a matrix, from 1.

    `script`: a stand-alone script that shows it, or in `without_script` why there is none.
    """

    number: int
    target: str
    law: str
    status: str
    content: Json
    script: str | None = None
    without_script: str | None = None

    @property
    def anchor(self) -> str:
        """Its name in a page."""
        return f"finding-{self.number}"

    @property
    def causes(self) -> Sequence[Json]:
        """The likeliest first."""
        found: Sequence[Json] = self.content["causes"]
        return found

    @property
    def case_id(self) -> str | None:
        """The id by which `bncheck replay` finds the case, None where none was saved."""
        words = str(self.content["replay"]).split()
        return words[-1] if words[:2] == ["bncheck", "replay"] else None

    @property
    def likeness(self) -> tuple[str, ...]:
        """What findings have in common that are told together: target, verdict and cause, or without a cause quantity and dtype."""
        told = self.content
        kind = (
            [self.causes[0]["id"]]
            if self.causes
            else [str(told["quantity"] or told["message"]), told["dtype"]]
        )
        return self.target, self.status, *kind


@dataclass(frozen=True, slots=True)
class Group:
    """Findings that are alike, in the order of the laws."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The one that stands for all."""
        return self.findings[0]

    @property
    def title(self) -> str:
        """`flax.linen:BatchNorm: dx in float16, violated`."""
        _, status, *kind = self.first.likeness
        return f"{self.first.target}: {' in '.join(kind)}, {status.replace('_', ' ')}"

    @property
    def why(self) -> str:
        """The likeliest cause, or why there is none."""
        if self.first.causes:
            return f"Cause: {self.first.causes[0]['text']}"
        if self.first.status == Status.TIMED_OUT:
            return "No cause is looked for: what does not answer in time does not answer the probes either."
        return "No known cause."

    @property
    def script(self) -> str | None:
        """The shortest of all scripts."""
        return min(
            (each.script for each in self.findings if each.script is not None), key=_lines, default=None
        )

    @property
    def without_script(self) -> str | None:
        """Why there is none, of the first."""
        return self.first.without_script if self.script is None else None


@dataclass(frozen=True, slots=True)
class Column:
    """One target.  `content`: its part of the report, empty where `error` says why there is none."""

    target: str
    content: Json = field(default_factory=dict)
    error: str | None = None
    seconds: float = 0.0

    @property
    def laws(self) -> Mapping[str, Json]:
        """What is said of each law."""
        return {law["id"]: law for law in self.content.get("laws", ())}

    @property
    def versions(self) -> str:
        """`torch 2.13.0, numpy 2.4.6`."""
        return ", ".join(f"{name} {text}" for name, text in self.content.get("versions", {}).items())

    def counts(self) -> dict[str, int]:
        """Verdict to the number of laws, without what there is none of."""
        found: dict[str, int] = {}
        for law in self.laws.values():
            found[law["status"]] = found.get(law["status"], 0) + 1
        return found

    def told(self) -> str:
        """`74 held, 2 violated, 1 not applicable`, or why it was not judged."""
        counted = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in self.counts().items())
        return self.error or counted or "no law was judged"


@dataclass(frozen=True)
class Matrix:
    """Everything that was judged together.  `absent`: targets that are not installed, with the command that brings them."""

    columns: tuple[Column, ...]
    environment: Mapping[str, str]
    date: str
    profile: str
    seed: int
    seconds: float
    absent: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    without_script: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def laws(self) -> tuple[str, ...]:
        """The ids of all laws that were asked for, in the order of the catalogue."""
        found: dict[str, None] = {}
        for column in self.columns:
            found |= dict.fromkeys(column.laws)
        return tuple(found)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The first of each cell that is not as it should be."""
        return tuple(
            Finding(
                number,
                target,
                law["id"],
                law["status"],
                content,
                self.scripts.get(_key(target, law["id"])),
                self.without_script.get(_key(target, law["id"])),
            )
            for number, (target, law, content) in enumerate(self._broken(), start=1)
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """The findings, those that are alike together."""
        alike: dict[tuple[str, ...], list[Finding]] = {}
        for each in self.findings:
            alike.setdefault(each.likeness, []).append(each)
        return tuple(Group(tuple(found)) for found in alike.values())

    def _broken(self) -> Iterator[tuple[str, Json, Json]]:
        for column in self.columns:
            for law in column.laws.values():
                if law["status"] in BROKEN and law["findings"]:
                    yield column.target, law, law["findings"][0]

    def finding(self, target: str, law: str) -> Finding | None:
        """That of one cell."""
        return next((each for each in self.findings if (each.target, each.law) == (target, law)), None)

    @property
    def exit_code(self) -> int:
        """As a run over all these targets exits: 1 where a law fails or a target gave no report, 4 where one did not load."""
        statuses = {law["status"] for column in self.columns for law in column.laws.values()}
        if statuses & set(BROKEN) or any(column.error and not column.content for column in self.columns):
            return 1
        if any(column.error for column in self.columns):
            return 4
        return 0 if statuses - {"not_applicable"} else 5


def _key(target: str, law: str) -> str:
    return f"{target} {law}"


def key_of(finding: Finding) -> str:
    """By what scripts are told apart."""
    return _key(finding.target, finding.law)


def _lines(script: str) -> int:
    return script.count("\n")
