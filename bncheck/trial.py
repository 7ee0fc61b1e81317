"""A trial: one implementation on the variants of one example, with the exact answers and bounds beside its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bncheck.capabilities import Capabilities
from bncheck.case import Case, Native, channel_major
from bncheck.comparison import Comparison, Elements, against_truth, defect_of
from bncheck.errors import BncheckError, ImplementationCrashed
from bncheck.further import Further, further
from bncheck.implementation import Implementation
from bncheck.model import Situation, situations
from bncheck.outcome import FURTHER, Outcome
from bncheck.performance import Performance
from bncheck.reference.bounds import Bound, bounds
from bncheck.reference.formats import FLOAT64, Array
from bncheck.reference.oracle import Exact, Truth, solve
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Profile


class IllFormed(BncheckError):
    """An outcome that cannot be compared, carried to where comparisons are collected."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__(comparison.message())
        self.comparison = comparison


@dataclass(slots=True)
class Answers:
    """Exact answers and bounds of the cases of one example, computed once and shared by laws and implementations."""

    problems: dict[tuple[int, bool], tuple[Case, Problem, Truth]] = field(default_factory=dict)
    known: dict[tuple[int, bool, Profile], dict[str, Bound]] = field(default_factory=dict)
    derived: dict[tuple[int, str], tuple[Case, Case]] = field(default_factory=dict)
    directed: dict[int, tuple[Case, Further]] = field(default_factory=dict)

    def derive(self, case: Case, name: str, make: Callable[[Case], Case]) -> Case:
        """The variant of a case that `make` makes, made once and known by its name from then on."""
        key = (id(case), name)
        if key not in self.derived:
            self.derived[key] = case, make(case)
        return self.derived[key][1]

    def truth(self, case: Case, *, biased: bool) -> tuple[Problem, Truth]:
        """The problem and its exact answer; the case is kept, so that its identity stays its own."""
        key = (id(case), biased)
        if key not in self.problems:
            problem = case.problem(biased=biased)
            self.problems[key] = case, problem, solve(problem, double_double=case.formats[0] == FLOAT64)
        return self.problems[key][1:]

    def bounds(self, case: Case, profile: Profile, *, biased: bool) -> dict[str, Bound]:
        """The bounds of a case under a profile."""
        key = (id(case), biased, profile)
        if key not in self.known and case.direction is not None:
            self.known[key] = self.further(case).bounds(profile)
        if key not in self.known:
            problem, truth = self.truth(case, biased=biased)
            self.known[key] = bounds(problem, truth, profile)
        return self.known[key]

    def further(self, case: Case) -> Further:
        """What is exact of a case with a direction of x."""
        if id(case) not in self.directed:
            self.directed[id(case)] = case, further(case)
        return self.directed[id(case)][1]


@dataclass(slots=True)
class Trial:
    """What a law sees of an implementation: its outcomes, each evaluated once, the truth and the bounds.

    `one_pass`: judge by the one-pass bound, to see whether a violation is only numerical instability.
    `other`: the trial of the companion, made when it is first needed.
    """

    implementation: Implementation
    answers: Answers = field(default_factory=Answers)
    outcomes: dict[int, tuple[Case, Outcome | ImplementationCrashed]] = field(default_factory=dict)
    performances: dict[
        int, tuple[Case, tuple[Performance, tuple[Situation, ...]] | ImplementationCrashed]
    ] = field(default_factory=dict)
    one_pass: bool = False
    other: Trial | None = None

    @property
    def capabilities(self) -> Capabilities:
        """What the implementation can be asked."""
        return self.implementation.capabilities

    @property
    def restarts(self) -> int:
        """What its crashes cost, in starts of a process."""
        found = (*self.outcomes.values(), *self.performances.values())
        return sum(each.restarts for _, each in found if isinstance(each, ImplementationCrashed))

    @property
    def as_one_pass(self) -> Trial:
        """The same outcomes, judged as those of a one-pass variance."""
        return replace(self, one_pass=True)

    @property
    def companion(self) -> Trial:
        """The trial of the same target on the CPU, on the same answers."""
        assert self.implementation.companion is not None
        if self.other is None:
            self.other = Trial(self.implementation.companion, self.answers)
        return self.other

    def outcome(self, case: Case) -> Outcome:
        """The implementation's outcome on a case; what it raised is raised again for each law, not evaluated again."""
        if id(case) not in self.outcomes:
            try:
                self.outcomes[id(case)] = case, self.implementation.evaluate(case)
            except ImplementationCrashed as crash:
                self.outcomes[id(case)] = case, crash
        found = self.outcomes[id(case)][1]
        if isinstance(found, ImplementationCrashed):
            raise found
        return found

    def situations(self, case: Case) -> tuple[Situation, ...]:
        """The steps of a program as the implementation performed them, once for all laws."""
        return self._performed(case)[1]

    def performance(self, case: Case) -> Performance:
        """What the implementation showed while it performed the program of a case."""
        return self._performed(case)[0]

    def _performed(self, case: Case) -> tuple[Performance, tuple[Situation, ...]]:
        if id(case) not in self.performances:
            try:
                performance = self.implementation.perform(case)
                found = performance, situations(case, performance, self.derive)
                self.performances[id(case)] = case, found
            except ImplementationCrashed as crash:
                self.performances[id(case)] = case, crash
        performed = self.performances[id(case)][1]
        if isinstance(performed, ImplementationCrashed):
            raise performed
        return performed

    def again(self, case: Case) -> Outcome:
        """A second evaluation of the same case."""
        return self.implementation.evaluate(case)

    def derive(self, case: Case, name: str, make: Callable[[Case], Case]) -> Case:
        """A variant of a case; laws and implementations share it, its answers and its bounds, by its name.

        `name` says everything that `make` depends on besides the case.
        """
        return self.answers.derive(case, name, make)

    def without_gradients(self, case: Case) -> Case:
        """The same case with nothing to differentiate, unless that would be one more function to compile, or the
        statistics wait for a backward pass.
        """
        if self.capabilities.compiles or case.dy is None or case.backward:
            return case
        return self.derive(case, "without dy", lambda case: case.changed(dy=None))

    def truth(self, case: Case) -> Truth:
        """The exact outcome in the implementation's dialect."""
        return self.answers.truth(case, biased=self._biased(case))[1]

    def bounds(self, case: Case, *, biased: bool | None = None) -> dict[str, Bound]:
        """The bounds of the implementation's profile, by quantity; `biased` where it is not as the dialect says."""
        profile = self.implementation.profile(case)
        if self.one_pass:
            # Unclipped: a negative variance, and the NaN that it makes, is the well-known end of the same instability.
            profile = replace(profile, variance="one_pass", clipped=False)
        found = self.answers.bounds(case, profile, biased=self._biased(case) if biased is None else biased)
        return found if self.implementation.dialect.is_usual else self._left(case, found)

    def exact(self, case: Case, quantity: str) -> Exact:
        """The exact rows of one quantity that the case has."""
        if quantity in FURTHER:
            return self.answers.further(case).exact(quantity)
        found = getattr(self.truth(case), quantity)
        assert isinstance(found, Exact)
        return found

    def agreement(self, case: Case, *quantities: str) -> list[Comparison]:
        """Each quantity that the case has against the truth."""
        outcome, limits = self.outcome(case), self.bounds(case)
        return [
            against_truth(
                name, outcome.quantity(name), self.exact(case, name), limits[name], shape_of(name, case)
            )
            for name in quantities
            if name in limits
        ]

    def rows(self, case: Case, quantity: str) -> Array:
        """One quantity of the outcome as float64 rows, (C, m) or (C, 1); raises IllFormed where it has none."""
        actual = self.outcome(case).quantity(quantity)
        defect = defect_of(quantity, actual, shape_of(quantity, case))
        if actual is None or defect is not None:
            raise IllFormed(Comparison(quantity, Elements(), defect=defect))
        return as_rows(actual)

    def _left(self, case: Case, found: dict[str, Bound]) -> dict[str, Bound]:
        """The bounds that the dialect leaves: without a place for eps, or a statistic, that they are derived for, those of
        the running statistics and of dbeta.  In evaluation an eps of 0 has no place.
        """
        if self.implementation.dialect.unbounded(training=case.training) is None:
            return found
        if case.eps == 0 and not case.training:
            return found
        return {name: bound for name, bound in found.items() if name in BESIDE_Y}

    def _biased(self, case: Case) -> bool:
        return self.implementation.dialect.biased(case.x.ndim)


# What does not hang on how x is normalised.
BESIDE_Y = ("running_mean", "running_var", "dbeta")
_LIKE_X = ("y", "dx", "tangent", "second_dy", "second_x")


def shape_of(quantity: str, case: Case) -> tuple[int, ...]:
    """The shape that a quantity should have: that of x for what has one number for each of x, (C,) for the others."""
    return case.x.shape if quantity in _LIKE_X else (case.channels,)


def as_rows(array: Native) -> Array:
    """(N, C, ...) as (C, m), (C,) as (C, 1), float64."""
    return channel_major(array) if array.ndim > 1 else array.astype("float64").reshape(-1, 1)
