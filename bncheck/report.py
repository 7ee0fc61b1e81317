"""The report of a run: values that follow schema 1, and the exit code that they lead to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite, isnan
from typing import Any

from bncheck.baseline.standing import EntryReport
from bncheck.capabilities import Capabilities
from bncheck.case import Case
from bncheck.case_text import arrays_of, shown
from bncheck.causes.explanation import Explanation
from bncheck.comparison import Comparison, Elements
from bncheck.dialect import Dialect
from bncheck.error_profile import profile
from bncheck.law import Law
from bncheck.numerics import Numerics
from bncheck.saved_cases import ReplayedCase
from bncheck.verdict import Status, Tally

SCHEMA = 1
FAILING = tuple(status for status in Status if status.fails)


@dataclass(frozen=True, slots=True)
class Finding:
    """One quantity that is wrong, on the smallest case that shows it, and the command that shows it again.

    `found_by`: the command of the run, where `replay` replays the case that was saved as the file `saved`.
    `causes`: the likeliest first, empty where no known cause explains it, None where none was looked for.
    """

    message: str
    case: Case
    dtype: str
    replay: str
    comparison: Comparison | None = None
    saved: str | None = None
    found_by: str | None = None
    causes: tuple[Explanation, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """The finding of the schema."""
        worst = None if self.comparison is None else self.comparison.worst
        return {
            "quantity": None if self.comparison is None else self.comparison.quantity,
            "index": None if worst is None else list(worst.index),
            "actual": None if worst is None else worst.actual,
            "expected": None if worst is None else worst.expected,
            "bound": None if worst is None else worst.bound,
            "message": self.message,
            "dtype": self.dtype,
            "input": self.case.summary(),
            "arrays": {name: shown(array) for name, array in arrays_of(self.case).items()},
            "case": self.saved,
            "replay": self.replay,
            "causes": [cause.as_json() for cause in self.causes or ()],
        }


@dataclass(frozen=True, slots=True)
class LawReport:
    """The verdict on one law, with what was counted in each dtype."""

    law: Law
    status: Status
    reason: str | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def examples(self) -> int:
        """Examples judged."""
        return sum(tally.examples for tally in self.tallies.values())

    @property
    def deciding(self) -> int:
        """Examples that could have shown a violation."""
        return sum(tally.deciding for tally in self.tallies.values())

    @property
    def comparisons(self) -> int:
        """Arrays held against what is right."""
        return sum(tally.comparisons for tally in self.tallies.values())

    @property
    def elements(self) -> Elements:
        """Elements over all dtypes."""
        return sum((tally.elements for tally in self.tallies.values()), Elements())

    @property
    def worst(self) -> float | None:
        """The largest error over bound, None where nothing was judged."""
        return max((tally.worst for tally in self.tallies.values() if tally.deciding), default=None)

    def as_json(self) -> dict[str, Any]:
        """The law of the schema."""
        return {
            "id": self.law.id,
            "family": self.law.family,
            "status": str(self.status),
            "reason": self.reason,
            "examples": self.examples,
            "deciding": self.deciding,
            "comparisons": self.comparisons,
            "seconds": sum(tally.seconds for tally in self.tallies.values()),
            "worst": self.worst,
            "elements": asdict(self.elements),
            "by_dtype": {
                dtype: {
                    "status": str(tally.status),
                    "known": tally.known,
                    "examples": tally.examples,
                    "deciding": tally.deciding,
                    "comparisons": tally.comparisons,
                    "worst": tally.worst if tally.deciding else None,
                    "elements": asdict(tally.elements),
                }
                for dtype, tally in self.tallies.items()
            },
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(frozen=True, slots=True)
class TargetReport:
    """Everything said of one target; `error` where it could not be loaded.  `versions`: of the libraries that it runs on.

    `contradictions`: where laws fail, the conventions that it is judged by and was measured not to follow; else
    `misdeclared`: those that are declared, judged by no law, and not so, which fails the run.
    `stopped`: the limit that ended it early.
    `baseline`: the entries for this target, and how they stand.  `replayed`: the saved cases of earlier runs.
    """

    target: str
    adapter: str | None = None
    device: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    capabilities: Capabilities | None = None
    dialect: Dialect | None = None
    numerics: Numerics | None = None
    laws: tuple[LawReport, ...] = ()
    contradictions: tuple[str, ...] = ()
    misdeclared: tuple[str, ...] = ()
    interrupted: bool = False
    stopped: str | None = None
    baseline: tuple[EntryReport, ...] = ()
    replayed: tuple[ReplayedCase, ...] = ()

    @property
    def stale(self) -> tuple[EntryReport, ...]:
        """The entries of the baseline that fail the run."""
        return tuple(each for each in self.baseline if each.is_stale)

    @property
    def still_failing(self) -> tuple[ReplayedCase, ...]:
        """The saved cases that fail the run."""
        return tuple(each for each in self.replayed if each.still_fails)

    def as_json(self) -> dict[str, Any]:
        """The target of the schema."""
        return {
            "target": self.target,
            "adapter": self.adapter,
            "device": self.device,
            "versions": dict(self.versions),
            "error": None if self.error is None else {"type": "LoadError", "message": self.error},
            "capabilities": None if self.capabilities is None else asdict(self.capabilities),
            "dialect": None if self.dialect is None else asdict(self.dialect),
            "numerics": {"variance": None, "affine": None, "breakdown_offset": None}
            if self.numerics is None
            else asdict(self.numerics),
            "profile": profile(
                (dtype, tally.nears) for law in self.laws for dtype, tally in law.tallies.items()
            ),
            "laws": [law.as_json() for law in self.laws],
            "contradictions": list(self.contradictions),
            "misdeclared": list(self.misdeclared),
            "interrupted": self.interrupted,
            "stopped": self.stopped,
            "baseline": [entry.as_json() for entry in self.baseline],
            "replayed": [case.as_json() for case in self.replayed],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A run: what it ran on, what it says, how it exits; `damaged`: saved cases that cannot be replayed, a sentence each."""

    environment: Mapping[str, Any]
    seed: int
    profile: str
    seconds: float
    targets: tuple[TargetReport, ...]
    strict: bool
    damaged: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """`<Report on torch.nn:BatchNorm2d: 74 held, 2 violated; exit 1>`: what a notebook shows of it."""
        names = ", ".join(target.target for target in self.targets)
        return f"<Report on {names or 'nothing'}: {self.counted}; exit {self.exit_code}>"

    @property
    def counted(self) -> str:
        """The summary in words: `74 held, 2 violated`."""
        told = [f"{count} {status.replace('_', ' ')}" for status, count in self.summary.items() if count]
        return ", ".join(told) or "nothing ran"

    @property
    def summary(self) -> dict[str, int]:
        """Status to the number of laws, over all targets."""
        counted = Counter(law.status for target in self.targets for law in target.laws)
        return {str(status): counted[status] for status in Status}

    @property
    def checks(self) -> int:
        """Examples judged, over all laws and targets."""
        return sum(law.examples for target in self.targets for law in target.laws)

    @property
    def exit_code(self) -> int:
        """0 all hold; 1 something fails, an entry of the baseline is stale, or the run was interrupted; 4 a target could not be loaded; 5 nothing ran.  The most serious decides."""
        codes = [self._exit_code_of(target) for target in self.targets]
        return next((code for code in (1, 4, 5) if code in codes), 0 if codes else 5)

    def _exit_code_of(self, target: TargetReport) -> int:
        if target.error is not None:
            return 4
        if target.interrupted or target.stale or target.still_failing or target.misdeclared:
            return 1
        statuses = {law.status for law in target.laws}
        if statuses.intersection(FAILING) or (self.strict and Status.UNDECIDED in statuses):
            return 1
        return 5 if statuses <= {Status.NOT_APPLICABLE} else 0

    def as_json(self) -> dict[str, Any]:
        """The report of schema 1: plain data, non-finite numbers as the strings NaN, Infinity, -Infinity."""
        plain = {
            "schema": SCHEMA,
            "bncheck": self.environment["bncheck"],
            "environment": dict(self.environment),
            "seed": self.seed,
            "profile": self.profile,
            "seconds": self.seconds,
            "targets": [target.as_json() for target in self.targets],
            "summary": self.summary,
            "exit": self.exit_code,
            "damaged_cases": list(self.damaged),
        }
        return {key: jsonable(value) for key, value in plain.items()}


def is_of_kind(text: str, kind: str | None) -> bool:
    """Whether a text is a JSON report of ours, of this kind; that of a run has none."""
    try:
        content = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(content, dict) and {"bncheck", "schema"} <= content.keys() and content.get("kind") == kind
    )


def jsonable(value: Any) -> Any:
    """`value` with every non-finite number as its string, and tuples and mappings as lists and dicts."""
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Mapping):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(each) for each in value]
    return value
