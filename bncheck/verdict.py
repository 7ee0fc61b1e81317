"""Verdicts, and the tally that leads to one: counts, the worst error, the first example of each failure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bncheck import error_profile
from bncheck.case import Case
from bncheck.comparison import Comparison, Elements
from bncheck.corpus import Drawing
from bncheck.error_profile import Nears, Place


class Status(StrEnum):
    """What a run says of a law; see the table of verdicts in the documentation."""

    HELD = "held"
    VIOLATED = "violated"
    UNSTABLE = "unstable"
    KNOWN = "known"
    NOT_APPLICABLE = "not_applicable"
    UNDECIDED = "undecided"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"

    @property
    def fails(self) -> bool:
        """Whether the law does not hold."""
        return self in (Status.VIOLATED, Status.UNSTABLE, Status.CRASHED, Status.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Failure:
    """One example on which a law fails, where it came from, and the comparisons that failed."""

    status: Status
    case: Case
    drawing: Drawing
    comparisons: tuple[Comparison, ...] = ()
    crash: str | None = None

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of what failed."""
        return tuple(comparison.quantity for comparison in self.comparisons)

    def messages(self) -> tuple[str, ...]:
        """What failed, in words."""
        if self.crash is not None:
            return (self.crash,)
        return tuple(comparison.message() for comparison in self.comparisons)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A law on one example: its comparisons, whether they decide anything, and the failure if there is one."""

    comparisons: tuple[Comparison, ...]
    failure: Failure | None

    @property
    def decides(self) -> bool:
        """Whether this example could have shown a violation."""
        return self.failure is not None or any(comparison.decides for comparison in self.comparisons)


@dataclass(slots=True)
class Tally:
    """Everything counted for one law in one dtype; `comparisons`: arrays of a case held against what is right.

    `shares`: of each example that has elements, how many of them were conclusive, from 0 to 1.  `known`: examples that
    fail as the baseline says; `failures`: the first of each other failure.  `nears`: how near errors came to
    their bounds, by place and quantity.
    """

    examples: int = 0
    deciding: int = 0
    comparisons: int = 0
    elements: Elements = field(default_factory=Elements)
    worst: float = 0.0
    seconds: float = 0.0
    shares: list[float] = field(default_factory=list)
    known: int = 0
    failures: dict[Status, Failure] = field(default_factory=dict)
    nears: Nears = field(default_factory=dict)

    def add(
        self, judgement: Judgement, seconds: float, *, known: bool = False, places: Sequence[Place] = ()
    ) -> None:
        """Count one example; `known`: it fails as the baseline says; `places`: where it stands in the error profile."""
        self.examples += 1
        self.deciding += judgement.decides
        self.comparisons += len(judgement.comparisons)
        self.seconds += seconds
        elements = sum((each.elements for each in judgement.comparisons), Elements())
        if elements.total:
            self.shares.append(elements.judged / elements.total)
        self.elements = self.elements + elements
        self.worst = max((self.worst, *(each.ratio for each in judgement.comparisons)))
        error_profile.add(self.nears, places, judgement.comparisons)
        self.known += known
        if judgement.failure is not None and not known:
            self.failures.setdefault(judgement.failure.status, judgement.failure)

    @property
    def failure(self) -> Failure | None:
        """The most serious first failure."""
        order = (Status.CRASHED, Status.TIMED_OUT, Status.VIOLATED, Status.UNSTABLE)
        return next((self.failures[status] for status in order if status in self.failures), None)

    @property
    def status(self) -> Status:
        """Held needs a deciding example, and half of the elements conclusive, of whatever size an example is."""
        if self.failure is not None:
            return self.failure.status
        if self.deciding == 0 or 2 * sum(self.shares) < len(self.shares):
            return Status.UNDECIDED
        return Status.KNOWN if self.known else Status.HELD


SERIOUSNESS = (
    Status.CRASHED,
    Status.TIMED_OUT,
    Status.VIOLATED,
    Status.UNSTABLE,
    Status.UNDECIDED,
    Status.KNOWN,
    Status.HELD,
    Status.NOT_APPLICABLE,
)


def most_serious(statuses: Sequence[Status]) -> Status:
    """Of several verdicts the one that decides."""
    return min(statuses, key=SERIOUSNESS.index, default=Status.NOT_APPLICABLE)
