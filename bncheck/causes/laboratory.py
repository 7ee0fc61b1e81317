"""The laboratory: an implementation and layers of causes on the same probes, each evaluated once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from typing import Any

import numpy as np

from bncheck.case import Case
from bncheck.causes.cause import Cause, in_dialect
from bncheck.causes.classes import of_class, within_bounds
from bncheck.causes.differentiation import DERIVATIVES, derivatives
from bncheck.causes.giving import given, wide
from bncheck.causes.limits import limits
from bncheck.causes.matching import Limits, Match, Run, matches
from bncheck.causes.observation import Fact, Facts, facts, kind
from bncheck.causes.probes import directed_probes, probes, with_directions
from bncheck.dialect import Dialect
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.outcome import FURTHER
from bncheck.planted.numpy_adapter import layer
from bncheck.trial import Answers, Trial

TRUTH = Cause("sound", "A sound layer.", layer())
# Once probes have cost so many starts of the target's process, the rest is not tried.
RESTARTS = 3
MADE = frozenset({"made running_mean", "made running_var"})
# Batches without values, and those that are refused.
UNCOUNTED = ("empty", "single", "wrong")
# A cause and a probe.
_Asked = tuple[str, str, bool, int]


@dataclass(slots=True, eq=False)
class Probe:
    """One case with what the implementation gave on it.

    `limits`: how far a sound layer may lie from the truth, by quantity, where there is a bound.  `deviations`: names of
    the facts in which the implementation is not sound; `sound`: of those in which it is.  `trial`: where it was evaluated.
    """

    case: Case
    actual: Facts
    limits: Limits
    trial: Trial
    deviations: frozenset[str] = frozenset()
    sound: frozenset[str] = frozenset()


@dataclass(slots=True)
class Bench:
    """What does not depend on the implementation: exact answers and bounds, and what layers gave.

    Several laboratories may share one; a case is kept with what is known of it, so that its identity stays its own.
    `slopes`: the derivatives of forward passes, which causes share that differ in something else alone.
    """

    answers: Answers = field(default_factory=Answers)
    runs: dict[tuple[object, ...], tuple[Case, Facts]] = field(default_factory=dict)
    slopes: dict[tuple[object, ...], tuple[Case, Facts]] = field(default_factory=dict)


@dataclass(slots=True)
class Laboratory:
    """What one implementation gives on probes, and how causes match it there.

    `found`, `given`, `foreseen`: of each cause on each probe how it matches, what it reproduces, and in what it is not sound.
    """

    implementation: Implementation
    bench: Bench = field(default_factory=Bench)
    fixed: dict[str, list[Probe]] = field(default_factory=dict)
    found: dict[_Asked, tuple[Probe, Mapping[str, Match]]] = field(default_factory=dict)
    given: dict[_Asked, frozenset[str]] = field(default_factory=dict)
    foreseen: dict[_Asked, tuple[Probe, frozenset[str]]] = field(default_factory=dict)
    _conventions: str = field(init=False)

    def __post_init__(self) -> None:
        # A string, unlike a dialect, is hashed once.
        self._conventions = repr(self.implementation.dialect)

    def probes(self, dtype: str) -> list[Probe]:
        """The fixed probes of a dtype, those first that take the shortest."""
        if dtype not in self.fixed:
            observed: list[Probe] = []
            trial = Trial(self.implementation, self.bench.answers)
            for case in self._cases(dtype):
                if trial.restarts >= RESTARTS:
                    break
                observed.append(self._observed(case, trial))
            self.fixed[dtype] = sorted(observed, key=_cost)
        return self.fixed[dtype]

    def _observed(self, case: Case, trial: Trial) -> Probe:
        """A probe; without what is no batch like others where only counts deviate: no law says whether that counts."""
        found = self.probe(case, trial)
        if {kind(name) for name in found.deviations} != {"batches"}:
            return found
        kept = tuple(step for step in case.program if step.action not in UNCOUNTED)
        return found if kept == case.program else self.probe(case.changed(program=kept), trial)

    def _cases(self, dtype: str) -> list[Case]:
        """Derivatives beyond the gradients are asked of a target that offers them alone."""
        few = self.implementation.capabilities.compiles
        directed = (
            each
            for case in self._fitted(directed_probes(dtype, few=few))
            if self._further(case)
            for each in with_directions(case, few=few)
        )
        return [*self._fitted(probes(dtype, few=few)), *directed]

    def _fitted(self, cases: Iterable[Case]) -> list[Case]:
        """Those that it can be asked; an average that is corrected for its start is none in evaluation before any batch."""
        offered = self.implementation.capabilities
        return [
            case
            for case in (_begun(fit(each, self.implementation)) for each in cases)
            if (offered.train if case.training else offered.eval and offered.set_statistics)
            and len(case.x.shape) in offered.ranks
            and (case.training or not case.debiased or case.batches > 0)
        ]

    def _further(self, case: Case) -> frozenset[str]:
        """What is offered of derivatives beyond the gradients in the mode of a case."""
        offered = self.implementation.capabilities
        differentiated = offered.gradient if case.training else offered.eval_gradient
        given = {
            "forward_mode": offered.forward_mode,
            "second_order": offered.second_order and differentiated,
        }
        return frozenset(name for name, is_given in given.items() if is_given)

    def probe(self, case: Case, trial: Trial | None = None) -> Probe:
        """The implementation on a case, held against a sound layer."""
        trial = Trial(self.implementation, self.bench.answers) if trial is None else trial
        seen = facts(case, trial.outcome, trial.performance, offered=self._further(case))
        seen = _judged(seen, case, self.implementation.dialect)
        probe = Probe(case, seen, Limits(limits(case, trial)), trial)
        found = self.matched(TRUTH, probe)
        probe.deviations = frozenset(name for name, match in found.items() if not match.fits)
        probe.sound = frozenset(found) - probe.deviations
        return probe

    def matched(self, cause: Cause, probe: Probe) -> Mapping[str, Match]:
        """How the layer of a cause matches the implementation on a probe, fact by fact."""
        key = _asked(cause, probe)
        if key not in self.found:
            found = self._against(cause, probe)
            if cause.claims:
                found = {**found, **self._of_class(cause, probe, found)}
            self.found[key] = probe, found if cause is TRUTH else _said(cause, probe, found)
        return self.found[key][1]

    def reproduced(self, cause: Cause, probe: Probe) -> frozenset[str]:
        """The deviations of a probe that the layer of a cause gives too."""
        key = _asked(cause, probe)
        if key not in self.given:
            fitting = {name for name, match in self.matched(cause, probe).items() if match.fits}
            self.given[key] = probe.deviations & fitting
        return self.given[key]

    def predicted(self, cause: Cause, probe: Probe) -> frozenset[str]:
        """The facts in which the layer of a cause is not sound."""
        key = _asked(cause, probe)
        if key not in self.foreseen:
            self.foreseen[key] = probe, self._predicted(cause, probe)
        return self.foreseen[key][1]

    def _predicted(self, cause: Cause, probe: Probe) -> frozenset[str]:
        measured = cause if cause.measured is None else cause.measured(probe.case, probe.actual)
        if measured is None:
            return frozenset()
        ours = self._run(replace(measured, differentiated=cause.differentiated), probe.case)
        found = self._against(TRUTH, Probe(probe.case, ours, probe.limits, probe.trial))
        wrong = frozenset(name for name, match in found.items() if not match.fits)
        return wrong if cause.is_of_further else wrong.difference(FURTHER)

    def _against(self, cause: Cause, probe: Probe) -> Mapping[str, Match]:
        """The wider arithmetic is asked only where the same arithmetic leaves a difference."""
        measured = cause if cause.measured is None else cause.measured(probe.case, probe.actual)
        if measured is None:
            return {}
        cause = replace(measured, differentiated=cause.differentiated)
        ours = self._run(cause, probe.case)
        found = matches(probe.actual, Run(ours, ours), probe.limits, cause.rounds_to)
        if all(match.fits for match in found.values()) or found.keys() == {"raised"}:
            return found
        exact = self._run(TRUTH if cause.narrow else cause, probe.case, wide(probe.case))
        return matches(probe.actual, Run(ours, exact), probe.limits, cause.rounds_to)

    def _of_class(self, cause: Cause, probe: Probe, found: Mapping[str, Match]) -> Mapping[str, Match]:
        """What the layer does not give, and an implementation of its class might have given."""
        ours = self._run(cause, probe.case)
        missed = {
            name: (probe.actual[name], ours[name])
            for name, match in found.items()
            if not match.fits and name != "raised"
        }
        return dict(within_bounds(missed, probe.case, of_class(cause.claims, probe.trial))) if missed else {}

    def _run(self, cause: Cause, case: Case, arithmetic: np.dtype[Any] | None = None) -> Facts:
        key = cause.id, cause.text, cause.differentiated, id(case), self._conventions, arithmetic
        if key not in self.bench.runs:
            self.bench.runs[key] = case, self._facts(cause, case, arithmetic)
        return self.bench.runs[key][1]

    def _facts(self, cause: Cause, case: Case, arithmetic: np.dtype[Any] | None) -> Facts:
        """What the layer of a cause gives, its gradients by differentiation where the cause is that they are."""
        found = given(cause, case, self.implementation.dialect, arithmetic)
        if not cause.differentiated or found["raised"]:
            return found
        slopes = self._slopes(cause, case)
        if arithmetic is None:
            # With the rounding errors of a backward pass that is written out.
            written = given(cause, case, self.implementation.dialect, wide(case))
            slopes = {name: _moved(value, found[name], written[name]) for name, value in slopes.items()}
        return {name: value for name, value in found.items() if kind(name) not in DERIVATIVES} | slopes

    def _slopes(self, cause: Cause, case: Case) -> Facts:
        key = cause.forward_parts(), id(case), self._conventions
        if key not in self.bench.slopes:
            dialect = self.implementation.dialect
            layer = in_dialect(cause.layer(), dialect, arithmetic=np.dtype(np.longdouble))
            self.bench.slopes[key] = case, derivatives(layer, case)
        return self.bench.slopes[key][1]


def _asked(cause: Cause, probe: Probe) -> _Asked:
    return cause.id, cause.text, cause.differentiated, id(probe)


def _begun(case: Case) -> Case:
    """A program of an average that is corrected for its start without evaluations before any batch."""
    if not case.debiased or not case.program or case.batches:
        return case
    return case.changed(program=tuple(dropwhile(lambda step: step.action == "eval", case.program)))


def _judged(seen: Facts, case: Case, dialect: Dialect) -> Facts:
    """Without what no law says of the statistics of a new layer: their dtype, and where an average that is corrected for
    its start starts.
    """
    found = dict(seen)
    for name in MADE & seen.keys():
        held, value = case.running_mean, found.pop(name)
        if dialect.first_batch == "debiased":
            continue
        if isinstance(value, np.ndarray) and held is not None:
            value = value.astype(held.dtype)
        found[name] = value
    return found


def _said(cause: Cause, probe: Probe, found: Mapping[str, Match]) -> Mapping[str, Match]:
    """What a cause says.  How another than a sound layer is differentiated further has many answers: those that do not
    fit are none of a cause that is not about it.
    """
    if probe.case.direction is None or cause.is_of_further:
        return found
    return {name: match for name, match in found.items() if match.fits or name not in FURTHER}


def _moved(value: Fact, ours: Fact, exact: Fact) -> Fact:
    """A gradient with the error of another, where that is finite."""
    assert isinstance(value, np.ndarray) and isinstance(ours, np.ndarray) and isinstance(exact, np.ndarray)
    error = ours.astype(np.longdouble) - exact.astype(np.longdouble)
    moved = value.astype(np.longdouble) + np.where(np.isfinite(error), error, 0)
    return np.asarray(moved.astype(value.dtype))


def _cost(probe: Probe) -> int:
    """Small cases take the shortest, those with a direction three times as long, programs the longest."""
    times = 1 + 50 * len(probe.case.program) + 2 * int(probe.case.direction is not None)
    return times * probe.case.x.size
