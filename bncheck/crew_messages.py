"""What the processes of a crew say to each other: plain values, for laws and drawings hold functions, which do not travel."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from bncheck.baseline.known import Known
from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.corpus import Drawing
from bncheck.division import Part
from bncheck.law import Law
from bncheck.verdict import Failure, Status, Tally
from bncheck.verify import UNLIMITED, Limits


@dataclass(frozen=True, slots=True)
class Request:
    """What a member is asked for: a target, and where `part` is given, to judge that of the run of it.

    `limits`: with the seconds that are left for a time, since each process has a clock of its own.
    """

    target: str
    part: Part | None = None
    known: Known = field(default_factory=Known)
    limits: Limits = UNLIMITED


@dataclass(frozen=True, slots=True)
class Found:
    """A failure without its drawing, which holds functions: the other side knows it by law and dtype."""

    case: Case
    comparisons: tuple[Comparison, ...]
    crash: str | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The tally of one law in one dtype, its failures apart."""

    law: str
    dtype: str
    tally: Tally
    failures: dict[Status, Found]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a part.  `examples`: known failures, by the number of the entry; `interrupted`, `stopped`: why it is
    not whole.
    """

    counted: tuple[Counted, ...] = ()
    examples: dict[int, int] = field(default_factory=dict)
    interrupted: bool = False
    stopped: str | None = None


def counted(law: Law, dtype: str, tally: Tally) -> Counted:
    """A tally as it travels."""
    failures = {
        status: Found(failure.case, failure.comparisons, failure.crash)
        for status, failure in tally.failures.items()
    }
    return Counted(law.id, dtype, replace(tally, failures={}), failures)


def tally_of(told: Counted, drawing: Drawing) -> Tally:
    """The tally again, its failures as they were drawn."""
    failures = {
        status: Failure(status, replace(found.case), drawing, found.comparisons, found.crash)
        for status, found in told.failures.items()
    }
    return replace(told.tally, failures=failures)


def left(limits: Limits) -> Limits:
    """With the seconds that are left in place of a time: each process has a clock of its own."""
    return limits if limits.until is None else replace(limits, until=limits.until - time.monotonic())


def from_now(limits: Limits) -> Limits:
    """The other way round."""
    return limits if limits.until is None else replace(limits, until=limits.until + time.monotonic())
