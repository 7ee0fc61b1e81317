"""The model of a program: the case that each step evaluates, from the state that the layer itself showed before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bncheck.adapter import State
from bncheck.batches import batch_of
from bncheck.case import Case, Native
from bncheck.comparison import defect_of
from bncheck.performance import Observation, Performance
from bncheck.step import Step

Derive = Callable[[Case, str, Callable[[Case], Case]], Case]
TRAINING = ("train", "forward", "open", "other")
# The steps that move the statistics, where they move in the forward pass and where they wait for the backward pass.
FORWARD, BACKWARD = ("train", "forward", "open"), ("train", "backward")


@dataclass(frozen=True, slots=True, eq=False)
class Situation:
    """One step: what was observed, the state before it, and the case that it evaluates, None where it evaluates none.

    A backward pass belongs to the case of its forward pass; where it is what moves the statistics, from those before it.
    From statistics of a wrong shape or type nothing follows;
    the step that made them so is the one that is judged.
    """

    number: int
    step: Step
    observation: Observation
    before: State
    case: Case | None = None

    @property
    def where(self) -> str:
        """In words."""
        return f"in step {self.number + 1} ({self.step})"


@dataclass(slots=True)
class _Model:
    """What the steps so far lead to.  `batches`: those seen, where the layer does not count them itself."""

    case: Case
    derive: Derive
    before: State
    momentum: float | None
    batches: int
    opened: list[tuple[str, Case]] = field(default_factory=list)

    def situation(self, number: int, step: Step, observation: Observation) -> Situation:
        """The next step, and the state that it leaves behind."""
        found = Situation(number, step, observation, self.before, self._evaluated(step))
        if step.action in moving(self.case):
            self.batches += 1
        if step.action == "reset":
            self.batches = 0
        if step.action == "momentum":
            self.momentum = step.value
        self.before = observation.state
        return found

    def _evaluated(self, step: Step) -> Case | None:
        if step.action == "backward":
            return self._closed(step)
        if step.action == "eval":
            return self._passed(step, self.before)
        if step.action == "other":
            return self._passed(step, State(self.case.running_mean, self.case.running_var, self.case.batches))
        if step.action not in TRAINING:
            return None
        found = self._passed(step, self.before)
        if step.action == "open" and found is not None and found.dy is not None:
            self.opened.append((self._key(step, self.before), found))
        return found

    def _closed(self, step: Step) -> Case | None:
        """The pass that a backward pass belongs to, from the statistics that it moves if it moves any.

        By which weight is only certain where it hangs on no count, and momentum is the same in both passes.
        """
        if not self.opened:
            return None
        key, found = self.opened.pop(min(step.batch, len(self.opened) - 1))
        if not self.case.backward:
            return found
        counted = found.momentum is None or found.debiased or found.replaces
        certain = not counted and self.momentum == found.momentum and self._is_whole(self.before)
        mean, var = (self.before.mean, self.before.var) if certain else (None, None)
        return self.derive(
            self.case,
            f"backward {_bits(mean, var)} of {key}",
            lambda _: found.changed(running_mean=mean, running_var=var),
        )

    def _is_whole(self, state: State) -> bool:
        shape = (self.case.channels,)
        return not any(defect_of("", vector, shape) for vector in (state.mean, state.var))

    def _key(self, step: Step, state: State) -> str:
        """Everything that the pass over a batch from a state depends on."""
        batches = self.batches if state.batches is None else state.batches
        with_dy, mode = step.action != "forward", "eval" if step.action == "eval" else "train"
        return f"{mode} {step.batch} {with_dy} {batches} {self.momentum} {_bits(state.mean, state.var)}"

    def _passed(self, step: Step, state: State) -> Case | None:
        """The pass over a batch from a state; equal states and batches give one and the same case."""
        if not self._is_whole(state):
            return None
        batches = self.batches if state.batches is None else state.batches
        mean, var, momentum = state.mean, state.var, self.momentum
        with_dy, mode = step.action != "forward", "eval" if step.action == "eval" else "train"

        def made(case: Case) -> Case:
            x, dy = batch_of(case, step.batch)
            return case.changed(
                x=x,
                dy=dy if with_dy else None,
                running_mean=mean,
                running_var=var,
                momentum=momentum,
                batches=batches,
                mode=mode,
                program=(),
            )

        return self.derive(self.case, self._key(step, state), made)


def moving(case: Case) -> tuple[str, ...]:
    """The steps of a program that move the statistics once."""
    return BACKWARD if case.backward else FORWARD


def _bits(mean: Native | None, var: Native | None) -> str:
    return "" if mean is None or var is None else (mean.tobytes() + var.tobytes()).hex()


def situations(case: Case, performance: Performance, derive: Derive) -> tuple[Situation, ...]:
    """Every step of the program of `case` as it was performed; `derive` makes each case once."""
    model = _Model(case, derive, performance.start, case.momentum, case.batches)
    return tuple(
        model.situation(number, step, observation)
        for number, (step, observation) in enumerate(zip(case.program, performance.observations, strict=True))
    )
