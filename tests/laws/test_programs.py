"""Each law of programs, run alone, kills its bug and holds for a sound layer."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from laws.verdicts import CORPUS
from mutants.layers import LayerAdapter, Made, sound

from bncheck import Gradients, State
from bncheck.adapter import Pullback
from bncheck.case import Native
from bncheck.checking import report_on
from bncheck.implementation import Implementation
from bncheck.options import Options
from bncheck.properties.programs import PROGRAM_LAWS

LAWS = {law.id: law for law in PROGRAM_LAWS}


class Base(LayerAdapter):
    def __init__(self) -> None:
        super().__init__(sound())


class FirstStatistics(Base):
    """Evaluates with the statistics that it was given at first: a cache that nothing renews."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        if training or handle.first is None:
            return super().vjp(handle, x, training)
        kept = handle.mean, handle.var
        handle.mean, handle.var = handle.first
        result = super().vjp(handle, x, training)
        handle.mean, handle.var = kept
        return result


class OnlyWithGradients(Base):
    """Updates its statistics only where gradients are asked for."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        kept = handle.mean, handle.var, handle.batches
        y = super().forward(handle, x, training)
        handle.mean, handle.var, handle.batches = kept
        return y


class LastBatch(Base):
    """Keeps the batch for the backward pass in the layer, where the next forward pass overwrites it."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, handle.extra["pull"] = super().vjp(handle, x, training)
        return y, lambda dy: _matching(handle.extra["pull"], dy)


def _matching(pull: Pullback, dy: Native) -> Gradients:
    try:
        return pull(dy)
    except ValueError:  # the batches differ in shape
        return Gradients(np.zeros_like(dy), None, None)


class MovesInBackward(Base):
    """Nudges the running mean in each backward pass."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, pull = super().vjp(handle, x, training)

        def pullback(dy: Native) -> Gradients:
            assert handle.mean is not None
            handle.mean = handle.mean + np.ones_like(handle.mean)
            return pull(dy)

        return y, pullback


class CountsEvaluation(Base):
    """Counts batches in evaluation too."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        handle.batches += not training
        return super().vjp(handle, x, training)


class HalfReset(Base):
    """Forgets the variance in a reset."""

    def reset(self, handle: Made) -> None:
        var = handle.var
        super().reset(handle)
        handle.var = var


class ShallowCopy(Base):
    """Copies share the running mean, which is updated in place."""

    def copy(self, handle: Made) -> Made:
        return copy(handle)

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        shared = handle.mean
        result = super().vjp(handle, x, training)
        if training and shared is not None and handle.mean is not None:
            shared.flags.writeable = True
            shared[...] = handle.mean
            handle.mean = shared
        return result


class LoadsOneBuffer(Base):
    """Loads the mean alone."""

    def load(self, handle: Made, saved: Any) -> None:
        handle.gamma, handle.beta, handle.mean = saved[:3]


class MovesByHalf(Base):
    """Rounds to half precision on the way."""

    def move(self, handle: Made, dtype: Any) -> None:
        assert handle.mean is not None
        handle.mean = handle.mean.astype(np.float16)
        super().move(handle, dtype)


class TakesWhatFits(Base):
    """Leaves out the channels that are too many."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        return super().forward(handle, x[:, : handle.config.channels], training)


class ClassLevel(Base):
    """All layers share one running mean."""

    shared: Native | None = None

    def set_state(self, handle: Made, state: State) -> None:
        super().set_state(handle, state)
        type(self).shared = handle.mean

    def get_state(self, handle: Made) -> State:
        return State(self.shared, handle.var, handle.batches)

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        handle.mean = self.shared
        result = super().vjp(handle, x, training)
        type(self).shared = handle.mean
        return result


class ReusedBuffer(Base):
    """Returns one buffer again and again."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, pull = super().vjp(handle, x, training)
        buffer = handle.extra.setdefault(f"buffer {y.shape}", np.empty_like(y))
        buffer[...] = y
        return buffer, pull


KILLED: dict[str, list[LayerAdapter]] = {
    "program.output": [FirstStatistics()],
    "program.statistics": [OnlyWithGradients()],
    "program.gradients": [LastBatch()],
    "program.rest": [MovesInBackward()],
    "program.counter": [CountsEvaluation()],
    "program.reset": [HalfReset()],
    "program.copy": [ShallowCopy()],
    "program.reload": [LoadsOneBuffer()],
    "program.move": [MovesByHalf()],
    "program.refusal": [TakesWhatFits()],
    "program.instances": [ClassLevel()],
    "program.outputs_stay": [ReusedBuffer()],
}


def test_a_program_is_made_short_until_it_shows_the_bug_alone() -> None:
    implementation = Implementation("layer", LoadsOneBuffer())
    report = report_on(
        implementation, [LAWS["program.reload"]], Options("smoke", dtypes=("float32",)), CORPUS
    )
    finding = report.laws[0].findings[0]
    assert [step.action for step in finding.case.program] == ["reload"]
    assert "running_var[0] in step 1 (reload) is 1, expected" in finding.message
