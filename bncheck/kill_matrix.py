"""The kill matrix: which law kills which planted bug and rejects which sound variant, as plain values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bncheck.law import Law
from bncheck.planted.bug import Bug, Sound
from bncheck.verdict import Status

# The laws that hold one quantity of one evaluation against the oracle; all others also hold where no oracle is trusted.
ORACLE_LAWS = re.compile(
    r"(forward\.output|statistics\..*|evaluation\.output|gradient\.(dx|dgamma|dbeta)|evaluation_gradient\..*)\Z"
)
CRASHES = (Status.CRASHED, Status.TIMED_OUT)


@dataclass(frozen=True, slots=True)
class Hit:
    """The first example of a drawing on which a law fails for a target.

    `place`: of the drawing among all, in the order in which a run goes through them.
    """

    target: str
    law: str
    status: Status
    place: int
    region: str
    dtype: str
    example: int
    message: str


@dataclass(frozen=True, slots=True)
class Score:
    """One target in one drawing.  `applied`: the laws that judged it; `hits`: those that failed.

    `until`: examples and seconds up to the first kill, None where there is none.  `defects`: what a law raised, which is
    a defect of ours.  `remembered`: comparisons that another target, which answered the same, had already decided.
    """

    target: str
    place: int
    dtype: str
    applied: tuple[str, ...]
    hits: tuple[Hit, ...]
    examples: int
    comparisons: int
    seconds: float
    until: tuple[int, float] | None = None
    defects: tuple[str, ...] = ()
    remembered: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What judging by one law took, over all targets."""

    examples: int = 0
    seconds: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.examples + other.examples, self.seconds + other.seconds)

    @property
    def each(self) -> float:
        """Seconds an example."""
        return self.seconds / max(self.examples, 1)


def kills(status: Status, expected: str) -> bool:
    """Whether a verdict is one that kills a bug: instability only where that is what the bug is."""
    return status in (Status.VIOLATED, *CRASHES) or (status == Status.UNSTABLE and expected == "unstable")


@dataclass(frozen=True, slots=True)
class Row:
    """One target against all laws: what was counted, and the first hit of each law.

    `until`: examples and seconds of its own that it took to the first kill.
    """

    target: str
    expected: str
    applied: frozenset[str]
    hits: tuple[Hit, ...]
    examples: int
    comparisons: int
    seconds: float
    until: tuple[int, float] | None
    defects: tuple[str, ...] = ()
    remembered: int = 0

    @property
    def killers(self) -> tuple[Hit, ...]:
        """The hits that kill, in the order in which a run meets them."""
        return tuple(hit for hit in self.hits if kills(hit.status, self.expected))

    def shows(self, law: Law, beside: Iterable[Law]) -> bool:
        """Whether this law kills by what it says.

        A crash under every law of a region is seen by whatever evaluates a case of it: that is no merit of theirs, unless
        the region is a law's own and other regions are left in peace.
        """
        statuses = {hit.law: hit.status for hit in self.killers}
        if statuses.get(law.id) not in CRASHES:
            return law.id in statuses
        region = [each.id for each in beside if each.id in self.applied and each.region == law.region]
        applied = self.applied if len(region) == 1 else region
        return not all(statuses.get(each) in CRASHES for each in applied)


def row(target: str, scores: Iterable[Score], *, expected: str = "violated") -> Row:
    """The scores of one target, whatever the order in which they came."""
    ordered = sorted(scores, key=lambda score: score.place)
    until, spent = None, (0, 0.0)
    for score in ordered:
        if score.until is not None:
            until = spent[0] + score.until[0], spent[1] + score.until[1]
            break
        spent = spent[0] + score.examples, spent[1] + score.seconds
    first: dict[str, Hit] = {}
    for hit in (hit for score in ordered for hit in score.hits):
        known = first.get(hit.law)
        if known is None or (kills(hit.status, expected) and not kills(known.status, expected)):
            first[hit.law] = hit
    return Row(
        target=target,
        expected=expected,
        applied=frozenset(law for score in ordered for law in score.applied),
        hits=tuple(sorted(first.values(), key=lambda hit: (hit.place, hit.example))),
        examples=sum(score.examples for score in ordered),
        comparisons=sum(score.comparisons for score in ordered),
        seconds=sum(score.seconds for score in ordered),
        until=until,
        defects=tuple(defect for score in ordered for defect in score.defects),
        remembered=sum(score.remembered for score in ordered),
    )


@dataclass(frozen=True)
class KillMatrix:
    """Bugs and sound variants against laws.  `complete`: all bugs that ship were judged, so that an idle law is a finding.

    `absent`: targets that were not judged, and why.  `costs`: by law.
    """

    bugs: Mapping[Bug, Row]
    sound: Mapping[Sound, Row]
    laws: tuple[Law, ...]
    complete: bool = True
    absent: Mapping[str, str] = field(default_factory=dict)
    costs: Mapping[str, Cost] = field(default_factory=dict)

    @cached_property
    def killed(self) -> dict[str, tuple[str, ...]]:
        """Law to the bugs that it kills, run alone."""
        found: dict[str, list[str]] = {law.id: [] for law in self.laws}
        for bug, row in self.bugs.items():
            for hit in row.killers:
                found[hit.law].append(bug.id)
        return {law: tuple(bugs) for law, bugs in found.items()}

    @property
    def survivors(self) -> tuple[Bug, ...]:
        """The bugs that no law kills."""
        return tuple(bug for bug, row in self.bugs.items() if not row.killers)

    @property
    def rejected(self) -> dict[Sound, Row]:
        """The sound variants on which a law fails."""
        return {sound: row for sound, row in self.sound.items() if row.hits}

    @cached_property
    def idle(self) -> tuple[Law, ...]:
        """The laws that kill nothing by what they say."""
        rows = self.bugs.values()
        return tuple(law for law in self.laws if not any(row.shows(law, self.laws) for row in rows))

    @cached_property
    def beyond_need(self) -> tuple[Law, ...]:
        """The laws that kill only bugs which agreement with the oracle kills too."""
        by_oracle = {bug for law, bugs in self.killed.items() if ORACLE_LAWS.match(law) for bug in bugs}
        return tuple(
            law
            for law in self.laws
            if not ORACLE_LAWS.match(law.id) and self.killed[law.id] and set(self.killed[law.id]) <= by_oracle
        )

    def only_killed_by(self, law: Law) -> tuple[str, ...]:
        """The bugs that no other law kills."""
        return tuple(bug.id for bug, row in self.bugs.items() if {hit.law for hit in row.killers} == {law.id})

    @property
    def defects(self) -> tuple[str, ...]:
        """What laws raised: defects of ours."""
        return tuple(defect for row in (*self.bugs.values(), *self.sound.values()) for defect in row.defects)

    @property
    def comparisons(self) -> int:
        """One array of one case under one law is one."""
        return sum(row.comparisons for row in (*self.bugs.values(), *self.sound.values()))

    @property
    def remembered(self) -> int:
        """Of the comparisons those decided by the same bits of another target."""
        return sum(row.remembered for row in (*self.bugs.values(), *self.sound.values()))

    @property
    def times_to_kill(self) -> tuple[tuple[int, float], ...]:
        """Examples and seconds to the first kill of each bug that is killed."""
        return tuple(row.until for row in self.bugs.values() if row.until is not None)

    @property
    def passes(self) -> bool:
        """Every bug killed, no sound variant rejected, and where all were judged every law kills one."""
        return not (self.survivors or self.rejected or (self.complete and self.idle))


def by_class(bugs: Sequence[Bug]) -> dict[str, list[Bug]]:
    """Bugs by the class of public reports that they belong to."""
    found: dict[str, list[Bug]] = {}
    for bug in bugs:
        found.setdefault(bug.bug_class, []).append(bug)
    return found
