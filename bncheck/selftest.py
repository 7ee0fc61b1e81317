"""The self-test: the oracle, the references, and the laws proved on planted bugs and sound variants."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from bncheck.corpus import Corpus
from bncheck.cross_check import REFERENCES, Agreement, cross_checked, references
from bncheck.effort import effort_of
from bncheck.environment import environment, processors
from bncheck.errors import DefectError, UsageError
from bncheck.kill_matrix import Cost, Hit, KillMatrix, Row, Score, row
from bncheck.lanes import Collection, Course, course
from bncheck.planted.bug import Bug, Sound
from bncheck.processes import results
from bncheck.proving import Proof, proved
from bncheck.reference.formats import FORMATS
from bncheck.reference.self_check import OracleDisagreement, check_oracle_against_itself
from bncheck.verify import Progress

# Loaded anew in each process: laws and bugs hold functions, which do not travel.
Source = Callable[[], Collection]
Result = Proof | tuple[Agreement, ...]
MOST_WORKERS = 4


@dataclass(frozen=True, slots=True)
class SelfTestOptions:
    """`include`, `exclude`: regular expressions searched in the ids of bugs and sound variants."""

    profile: str = "ci"
    seed: int = 0
    include: str | None = None
    exclude: str | None = None
    workers: int = 0

    def __post_init__(self) -> None:
        effort_of(self.profile)
        for pattern in (self.include, self.exclude):
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise UsageError(f"{pattern!r} is no regular expression: {error}") from None

    def selected(self, collection: Collection) -> Collection:
        """What include and exclude leave; the first sound variant always, as that which devices are compared with."""
        if self.include is None and self.exclude is None:
            return collection
        bugs = tuple(bug for bug in collection.bugs if self._leaves(bug.id))
        sound = tuple(each for each in collection.sound if self._leaves(each.id))
        if not bugs and not sound:
            raise UsageError(
                f"no planted bug is left by include {self.include!r} and exclude {self.exclude!r}"
            )
        return replace(collection, bugs=bugs, sound=sound or collection.sound[:1], complete=False)

    def _leaves(self, name: str) -> bool:
        unwanted = self.exclude is not None and re.search(self.exclude, name)
        return bool(re.search(self.include or "", name)) and not unwanted

    @property
    def processes(self) -> int:
        """As many as asked for, else as there are processors, up to four."""
        return self.workers or min(processors(), MOST_WORKERS)


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a self-test says.  `compared`: numbers on which the oracle agrees with itself; `absent`: references."""

    environment: Mapping[str, str]
    options: SelfTestOptions
    date: str
    seconds: float
    compared: int
    agreements: tuple[Agreement, ...]
    absent: Mapping[str, str]
    matrix: KillMatrix
    generation: float = 0.0

    @property
    def references_agree(self) -> bool:
        """Whether no pair of references differs by more than the sum of the bounds."""
        return not any(agreement.failures for agreement in self.agreements)

    def place(self, hit: Hit) -> str:
        """Where a law failed, so that it can be drawn again."""
        return (
            f"{hit.law} {hit.status} on example {hit.example} of {hit.region} in {hit.dtype}, "
            f"profile {self.options.profile}, seed {self.options.seed}"
        )

    @property
    def exit_code(self) -> int:
        """0 if references agree and the matrix passes, else 1; 3 where a law raised, as for a defect of the oracle."""
        if self.matrix.defects:
            return 3
        return 0 if self.references_agree and self.matrix.passes else 1


@dataclass(slots=True)
class _Gathered:
    """What came back from the processes, in the order in which it came."""

    scores: dict[str, list[Score]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)
    agreements: list[Agreement] = field(default_factory=list)
    generation: float = 0.0

    def take(self, result: Result) -> None:
        """One result more."""
        if isinstance(result, tuple):
            self.agreements += result
            return
        for score in result.scores:
            self.scores.setdefault(score.target, []).append(score)
        for law, cost in result.costs.items():
            self.costs[law] = self.costs.get(law, Cost()) + cost
        self.generation += result.generation


def selftest(source: Source, options: SelfTestOptions, *, progress: Progress | None = None) -> SelfTest:
    """Prove the oracle, the references and the laws; raises DefectError where the oracle disagrees with itself."""
    started = time.perf_counter()
    compared = trusted_oracle()
    collection = options.selected(source())
    whole = _course(source, options)
    gathered = _gathered(whole, source, options, progress)
    return SelfTest(
        environment=environment(),
        options=options,
        date=datetime.now(UTC).date().isoformat(),
        seconds=time.perf_counter() - started,
        compared=compared,
        agreements=tuple(sorted(gathered.agreements, key=_place)),
        absent=references()[1],
        matrix=_matrix(collection, whole, gathered),
        generation=gathered.generation,
    )


def trusted_oracle() -> int:
    """How many numbers the oracle agrees on with itself; raises DefectError."""
    try:
        return check_oracle_against_itself()
    except OracleDisagreement as disagreement:
        raise DefectError(str(disagreement)) from None


def _course(source: Source, options: SelfTestOptions) -> Course:
    corpus = Corpus(options.seed, effort_of(options.profile))
    return course(options.selected(source()), corpus, thorough=options.profile == "thorough")


def _agreements(seed: int, dtype: str, _: Course) -> tuple[Agreement, ...]:
    return cross_checked(seed, dtype)


def _place(agreement: Agreement) -> tuple[int, int, int]:
    pair = REFERENCES.index(agreement.left), REFERENCES.index(agreement.right)
    return *pair, list(FORMATS).index(agreement.dtype)


def pairs(agreements: Sequence[Agreement]) -> list[Agreement]:
    """One value a pair of references, over all dtypes; `dtype` is then empty."""
    found: dict[tuple[str, str], Agreement] = {}
    for each in agreements:
        known = found.get((each.left, each.right), Agreement(each.left, each.right, "", 0, 0.0))
        found[each.left, each.right] = Agreement(
            each.left,
            each.right,
            dtype="",
            comparisons=known.comparisons + each.comparisons,
            worst=max(known.worst, each.worst),
            failures=(*known.failures, *(f"{each.dtype}: {message}" for message in each.failures)),
        )
    return list(found.values())


def _gathered(
    whole: Course, source: Source, options: SelfTestOptions, progress: Progress | None
) -> _Gathered:
    """All lanes and the cross-check, which does not take long, judged in as many processes as are asked for."""
    gathered = _Gathered()
    tasks: list[Callable[[Course], Result]] = [partial(proved, lane) for lane in whole.lanes()]
    tasks += [partial(_agreements, options.seed, dtype) for dtype in FORMATS]
    prepare = partial(_course, source, options)
    for number, result in enumerate(results(tasks, prepare, workers=options.processes)):
        gathered.take(result)
        if progress is not None:
            progress("judging planted bugs", number, len(tasks))
    return gathered


def _matrix(collection: Collection, whole: Course, gathered: _Gathered) -> KillMatrix:
    def judged(each: Bug | Sound) -> Row:
        expected = each.expected if isinstance(each, Bug) else "unstable"
        return row(each.id, gathered.scores.get(each.id, []), expected=expected)

    return KillMatrix(
        bugs={each: judged(each) for each in collection.bugs if each.id in whole.suspects},
        sound={each: judged(each) for each in collection.sound if each.id in whole.suspects},
        laws=collection.laws,
        complete=collection.complete and all(bug.id in whole.suspects for bug in collection.bugs),
        absent=whole.absent,
        costs=gathered.costs,
    )
