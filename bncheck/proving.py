"""Proving: the suspects of a lane through its drawings, each law run alone until it kills, to one score a target."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from bncheck.adapter import Adapter
from bncheck.case import Case
from bncheck.corpus import Drawing
from bncheck.evaluation import told
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.kill_matrix import Cost, Hit, Score, kills
from bncheck.lanes import Course, Lane, Suspect, few_shapes
from bncheck.law import Law
from bncheck.outcome import Outcome
from bncheck.performance import Performance
from bncheck.recollection import Recollection, Witness
from bncheck.trial import Answers, Trial
from bncheck.verdict import Failure, Judgement
from bncheck.verify import judge, planned

# Of each drawing, to a sound variant.
SOUND_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of one lane: plain values.  `generation`: seconds that drawing the examples took."""

    scores: tuple[Score, ...]
    costs: dict[str, Cost]
    generation: float = 0.0


@dataclass(slots=True)
class Remembering:
    """Evaluates each case once for all suspects: the second device that they are compared with, a sound one."""

    adapter: Adapter
    trial: Trial = field(init=False)

    def __post_init__(self) -> None:
        self.close()

    def evaluate(self, case: Case) -> Outcome:
        """The outcome of a case."""
        return self.trial.outcome(case)

    def perform(self, case: Case) -> Performance:
        """What a layer shows while it goes through the program of a case."""
        return self.trial.performance(case)

    def close(self) -> None:
        """Forget, before the next example."""
        self.trial = Trial(Implementation("second device", self.adapter))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one example, for all suspects: exact answers and bounds, and judgements by what they rest on."""

    answers: Answers
    recollection: Recollection


@dataclass(slots=True)
class Standing:
    """One suspect in one drawing: the laws that have not yet killed it, and what was counted."""

    suspect: Suspect
    implementation: Implementation
    drawing: Drawing
    place: int
    laws: tuple[Law, ...]
    open: list[Law] = field(default_factory=list)
    hits: dict[str, Hit] = field(default_factory=dict)
    examples: int = 0
    comparisons: int = 0
    seconds: float = 0.0
    until: tuple[int, float] | None = None
    defects: list[str] = field(default_factory=list)
    costs: dict[str, Cost] = field(default_factory=dict)
    remembered: int = 0
    claim: str = ""

    def __post_init__(self) -> None:
        self.open = list(self.laws)
        offered, dialect = str(self.implementation.capabilities), self.implementation.dialect
        self.claim = f"{dialect} {offered}"

    @property
    def most(self) -> int:
        """Examples of a drawing that are shown: no law ends the trial of a sound variant early, and the soak has more."""
        return SOUND_EXAMPLES if self.suspect.expected is None else self.drawing.count

    @property
    def expected(self) -> str:
        """For a sound variant every failure counts."""
        return "unstable" if self.suspect.expected is None else self.suspect.expected

    def show(self, case: Case, number: int, known: Known) -> None:
        """One example to the laws that are left; the case is made fit once for all that offer the same."""
        self.examples += 1
        fitted = known.answers.derive(case, self.claim, lambda case: fit(case, self.implementation))
        witness = Witness(self.implementation)
        for law in tuple(self.open):
            before = witness.seconds
            judgement, seconds, remembered = self._judged(law, fitted, witness, known)
            seconds += witness.seconds - before
            self.seconds += seconds
            self.costs[law.id] = self.costs.get(law.id, Cost()) + Cost(1, seconds)
            self.comparisons += len(judgement.comparisons)
            self.remembered += len(judgement.comparisons) if remembered else 0
            if judgement.failure is not None:
                self._hit(law, judgement.failure, number)

    def _hit(self, law: Law, failure: Failure, number: int) -> None:
        counts = kills(failure.status, self.expected)
        if counts:
            self.open.remove(law)
            self.until = self.until or (self.examples, self.seconds)
        if counts or law.id not in self.hits:
            region, dtype = self.drawing.region.name, self.drawing.dtype
            self.hits[law.id] = Hit(
                self.suspect.id, law.id, failure.status, self.place, region, dtype, number, message(failure)
            )

    def _judged(self, law: Law, case: Case, witness: Witness, known: Known) -> tuple[Judgement, float, bool]:
        """What a law raises is a defect of ours: it is told, and the law does not see this suspect again."""

        def judged(implementation: Implementation) -> Judgement:
            return judge(law, case, Trial(implementation, known.answers), self.drawing)

        try:
            return known.recollection.judged((law.id, self.claim), witness, judged)
        except Exception as error:  # noqa: BLE001  # a law may be wrong in any way
            self.open.remove(law)
            self.defects.append(f"{law.id} raised {told(error)} on {self.suspect.id}: {case.summary()}")
            return Judgement((), None), 0.0, False

    def score(self) -> Score:
        """What is known when all examples are judged."""
        applied = tuple(law.id for law in self.laws)
        return Score(
            self.suspect.id,
            self.place,
            self.drawing.dtype,
            applied,
            tuple(self.hits.values()),
            self.examples,
            self.comparisons,
            self.seconds,
            self.until,
            tuple(self.defects),
            self.remembered,
        )


def message(failure: Failure) -> str:
    """What a failure says first."""
    return failure.comparisons[0].message() if failure.crash is None else failure.crash


def proved(
    lane: Lane,
    course: Course,
    *,
    answers: Callable[[], Answers] = Answers,
    recollection: Callable[[], Recollection] = Recollection,
) -> Proof:
    """The lane from its first place to its last; `answers` and `recollection` are made anew for each example."""
    scores: list[Score] = []
    costs: dict[str, Cost] = {}
    generation = 0.0
    second = _second_devices(course)
    for place in lane.places:
        started = time.perf_counter()
        cases = _examples(lane, place, course)
        generation += time.perf_counter() - started
        standings = list(_standings(lane, place, course, second))
        for number, case in enumerate(cases):
            known = Known(answers(), recollection())
            for standing in standings:
                if standing.open and number < standing.most:
                    standing.show(case, number, known)
            for each in second.values():
                each.close()
        scores += [standing.score() for standing in standings]
        for standing in standings:
            for law, cost in standing.costs.items():
                costs[law] = costs.get(law, Cost()) + cost
    return Proof(tuple(scores), costs, generation)


def _second_devices(course: Course) -> dict[str, Remembering]:
    """By the running variance that is declared, the first sound variant of it: what a sound run on a device gives."""
    found: dict[str, Remembering] = {}
    for each in course.suspects.values():
        if each.expected is None and not each.compiles:
            found.setdefault(each.adapter.dialect.running_variance, Remembering(each.fresh))
    return found


def _examples(lane: Lane, place: int, course: Course) -> list[Case]:
    """A lane of one that compiles keeps its examples for the next, and the others those that more than one region is
    about; all others come by once.
    """
    compiles = course.suspects[lane.targets[0]].compiles
    drawing = course.drawing(place, ladder=compiles)
    if compiles:
        return few_shapes(course.corpus.examples(drawing))
    base = drawing.region.base
    if base is None:
        return course.corpus.examples(drawing) if course.is_base(drawing.region) else drawing.examples()
    return [drawing.region.of_base(case) for case in course.corpus.examples(replace(drawing, region=base))]


def _standings(lane: Lane, place: int, course: Course, second: dict[str, Remembering]) -> Iterator[Standing]:
    """The suspects at the start of a drawing, each with the laws that apply to it."""
    drawing = course.drawing(place, ladder=course.suspects[lane.targets[0]].compiles)
    laws = tuple(law for law in course.laws if law.region == drawing.region)
    for suspect in (course.suspects[name] for name in lane.targets):
        adapter = suspect.fresh
        other = second.get(adapter.dialect.running_variance)
        companion = None if other is None else Implementation("second device", other.adapter, worker=other)
        implementation = Implementation(suspect.id, adapter, companion=companion)
        plan = planned(laws, implementation, (drawing.dtype,))
        if plan.laws:
            yield Standing(suspect, implementation, drawing, place, plan.laws)
