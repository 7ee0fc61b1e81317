"""Performing a program: one layer goes through its steps in this process, and what it shows is observed after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Handle, Pullback, State
from bncheck.batches import batch_of, with_another_channel, with_one_value, without_values
from bncheck.case import Case, Native
from bncheck.errors import BncheckError
from bncheck.evaluation import caught, configured, prepared, told
from bncheck.performance import Observation, Performance
from bncheck.reference.formats import dtype_of
from bncheck.step import Step
from bncheck.surroundings import watched


def perform(adapter: Adapter, case: Case, *, device: str) -> Performance:
    """The observations of `case.program`; what a step raises that may not raise becomes ImplementationCrashed."""
    with caught(), watched(), adapter.running(case.x.size):
        return _Performer(adapter, case, configured(case, device)).performance()


@dataclass(slots=True)
class _Open:
    """A forward pass whose backward is still to come."""

    pullback: Pullback
    dy: Native


@dataclass(slots=True)
class _Performer:
    """`config`: what a layer is made for at present.  `number`: of the step that is being done."""

    adapter: Adapter
    case: Case
    config: Config
    handle: Handle = None
    number: int = 0
    open: list[_Open] = field(default_factory=list)
    outputs: dict[int, tuple[FrameworkArray, Native]] = field(default_factory=dict)
    behind: dict[int, Handle] = field(default_factory=dict)

    def performance(self) -> Performance:
        """All steps, and what is known of each when they are done."""
        made = self._state(self.adapter.make(self.config))
        self.handle = prepared(self.adapter, self.case, self.config)
        start = self._state(self.handle)
        observed: list[Observation] = []
        for self.number, step in enumerate(self.case.program):  # noqa: B020  # the step that is being done
            found = self._done(step)
            state = self._state(self.handle)
            observed.append(Observation(state) if found is None else replace(found, state=state))
        return Performance(made, start, tuple(map(self._final, range(len(observed)), observed)))

    def _final(self, number: int, observation: Observation) -> Observation:
        if number in self.behind:
            observation = replace(observation, left=self._state(self.behind[number]))
        if number in self.outputs:
            native, fetched = self.outputs[number]
            same = self.adapter.fetch(native).tobytes() == fetched.tobytes()
            observation = replace(observation, kept=same)
        return observation

    def _done(self, step: Step) -> Observation | None:
        """Do one step; what it computes, None where it computes nothing."""
        match step.action:
            case "train" | "eval":
                return self._passed(self.handle, step, training=step.action == "train")
            case "other":
                return self._passed(prepared(self.adapter, self.case, self.config), step, training=True)
            case "forward":
                return self._with(self._forward(batch_of(self.case, step.batch)[0]))
            case "open" | "backward":
                return self._opened(step) if step.action == "open" else self._closed(step)
            case "empty" | "single" | "wrong":
                return self._unusual(_UNUSUAL[step.action](self.case.x))
            case _:
                self._changed(step)
                return None

    def _changed(self, step: Step) -> None:
        """The steps that change the layer and compute nothing."""
        match step.action:
            case "momentum":
                self.adapter.set_momentum(self.handle, step.value)
                self.config = replace(self.config, momentum=step.value)
            case "reset":
                self.adapter.reset(self.handle)
            case "move":
                self.adapter.move(self.handle, dtype_of("float64"))
                self.adapter.move(self.handle, self.config.parameter_dtype)
            case "copy":
                self.behind[self.number] = self.handle
                self.handle = self.adapter.copy(self.handle)
            case "reload":
                saved = self.adapter.save(self.handle)
                self.behind[self.number], self.handle = self.handle, self.adapter.make(self.config)
                self.adapter.load(self.handle, saved)

    def _passed(self, handle: Handle, step: Step, *, training: bool) -> Observation:
        """Forward, and backward where it is offered."""
        offered = self.adapter.capabilities
        x, dy = batch_of(self.case, step.batch)
        placed = self.adapter.place(x)
        if dy is None or not (offered.gradient if training else offered.eval_gradient):
            return self._with(self.adapter.forward(handle, placed, training))
        y, found = self.adapter.evaluate(handle, placed, self.adapter.place(dy), training)
        dx, dgamma, dbeta = self._fetched(found)
        return replace(self._with(y), dx=dx, dgamma=dgamma, dbeta=dbeta)

    def _forward(self, x: Native) -> FrameworkArray:
        """A training forward without gradients."""
        return self.adapter.forward(self.handle, self.adapter.place(x), True)  # noqa: FBT003  # the protocol's

    def _opened(self, step: Step) -> Observation | None:
        x, dy = batch_of(self.case, step.batch)
        if dy is None:
            return None
        y, pullback = self.adapter.vjp(self.handle, self.adapter.place(x), True)  # noqa: FBT003  # the protocol's
        self.open.append(_Open(pullback, dy))
        return self._with(y)

    def _closed(self, step: Step) -> Observation | None:
        if not self.open:
            return None
        chosen = self.open.pop(min(step.batch, len(self.open) - 1))
        return Observation(NONE, None, *self._fetched(chosen.pullback(self.adapter.place(chosen.dy))))

    def _unusual(self, x: Native) -> Observation:
        """A batch that may be refused; y where it is not."""
        try:
            return self._with(self._forward(x))
        except BncheckError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever a layer refuses a batch with
            return Observation(NONE, error=told(error))

    def _with(self, y: FrameworkArray) -> Observation:
        fetched = self.adapter.fetch(y)
        self.outputs[self.number] = y, fetched
        return Observation(NONE, fetched)

    def _state(self, handle: Handle) -> State:
        """The statistics now, in arrays that no later step can write into."""
        mean, var, batches = self.adapter.get_state(handle)
        return State(None if mean is None else mean.copy(), None if var is None else var.copy(), batches)

    def _fetched(self, found: Gradients) -> tuple[Native | None, Native | None, Native | None]:
        dx, dgamma, dbeta = (None if each is None else self.adapter.fetch(each) for each in found)
        return dx, dgamma, dbeta


NONE = State(None, None)
_UNUSUAL: dict[str, Callable[[Native], Native]] = {
    "empty": without_values,
    "single": with_one_value,
    "wrong": with_another_channel,
}
