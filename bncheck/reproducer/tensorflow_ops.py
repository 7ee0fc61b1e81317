"""TensorFlow's operations as they are written down: everything is an argument, gradients by tapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bncheck.case import Case, Native
from bncheck.direction import Direction
from bncheck.reproducer.frameworks import Words
from bncheck.reproducer.literals import listed, shape_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import Lines, Making, indented
from bncheck.step import Step

_PARAMETERS = ("gamma", "beta")
_STATISTICS = ("running_mean", "running_var")
_ZEROS = "unconnected_gradients=tf.UnconnectedGradients.ZERO"


class TensorflowWords(Words):
    """Eager tensors have no method that reshapes them; tf.constant takes a shape."""

    def _plain(self, array: Native) -> str:
        told, flat = listed(array)
        shape = f", {shape_of(array)}" if (flat and array.ndim > 1) or array.size == 0 else ""
        return f"tf.constant({told}, {self.dtype(array.dtype.name)}{shape})"


TENSORFLOW = TensorflowWords(
    "tensorflow",
    ("import tensorflow as tf",),
    "tf",
    "tf.constant({0}, {1})",
    "tf.identity({0})",
    "{0}.numpy().tobytes()",
    dtype_name="tf.as_dtype({0}.dtype).name",
)


class Operation:
    """`adapter`: a TensorflowAdapter; a subclass says how its operation is called."""

    words: Words = TENSORFLOW

    def __init__(self, adapter: Any, naming: Naming, _device: str) -> None:
        self.adapter, self.naming = adapter, _short(naming)

    def call(self, making: Making, x: str, *, training: bool) -> Lines:
        """y, and the running statistics where the operation returns them."""
        raise NotImplementedError

    def made(self, making: Making) -> Lines:
        """The statistics that a second layer starts from, which the first one has moved by then."""
        if making.case.running_mean is None:
            return []
        here = ", ".join(self.held(name, making.to) for name in _STATISTICS)
        first = ", ".join(f"first_{name}" for name in _STATISTICS)
        if making.to != "layer":
            return [f"{here} = {first}"]
        others = any(step.action == "other" for step in making.case.program)
        return [f"{first} = {here}"] if others else []

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call."""
        return self.call(making, x, training=training)

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """By a tape."""
        return [
            *self._taped(making, x, "tape", training=training),
            self._gradients(making, x, "tape", "y", dy),
        ]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The tape is kept."""
        return [
            f"x{number}_ = {x}",
            *self._taped(making, f"x{number}_", f"tape{number}", training=True),
            f"y{number}_ = y",
        ]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """And asked."""
        return [self._gradients(making, f"x{number}_", f"tape{number}", f"y{number}_", dy)]

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """By a forward accumulator."""
        moved = {leaf: v for leaf, v in zip(_leaves(making, x), along, strict=False) if v is not None}
        given = f"[{', '.join(moved)}], [{', '.join(moved.values())}]"
        return [
            f"with tf.autodiff.ForwardAccumulator({given}) as accumulator:",
            *indented(self.call(making, x, training=training)),
            f"tangent = accumulator.jvp(y, {_ZEROS})",
        ]

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """By a tape of a tape."""
        leaves = _leaves(making, x)
        moved = {f"d{name}": v for name, v in zip(("x", *_PARAMETERS), along, strict=False) if v is not None}
        wanted = [dy, *leaves[:2]]
        names = ["second_dy", "second_x", "second_gamma"][: len(wanted)]
        asked = f"[{', '.join(moved)}], [{', '.join(wanted)}], [{', '.join(moved.values())}]"
        inner = self._taped(making, x, "inner", training=training)
        return [
            "with tf.GradientTape() as outer:",
            f"    outer.watch([{', '.join([dy, *leaves])}])",
            *indented([*inner, self._gradients(making, x, "inner", "y", dy)]),
            f"{', '.join(names)} = outer.gradient({asked}, {_ZEROS})",
        ]

    def changed(self, _making: Making, _step: Step, _number: int, /) -> Lines:
        """A momentum is that of the calls from now on, which say it themselves."""
        return []

    def given(self, role: str, value: str) -> str:
        """The next call is given it; no tensor can be changed."""
        return f"{role} = {value}"

    def held(self, role: str, of: str = "layer") -> str:
        """The tensor of that name; of a second layer under a name of its own."""
        return role if of == "layer" or role in _PARAMETERS else f"{of}_{role}"

    def count(self) -> str:
        """An operation counts nothing."""
        return "None"

    def statistics(self, making: Making) -> Lines:
        """The expressions for the running statistics; those of a new layer where a case has none."""
        case = making.case
        if case.running_mean is not None:
            return [self.held(name, making.to) for name in _STATISTICS]
        ones = np.ones(case.channels, case.x.dtype if case.gamma is None else case.gamma.dtype)
        return [self.words.literal(0 * ones, None), self.words.literal(ones, None)]

    def _taped(self, making: Making, x: str, tape: str, *, training: bool) -> Lines:
        return [
            f"with tf.GradientTape() as {tape}:",
            f"    {tape}.watch([{', '.join(_leaves(making, x))}])",
            *indented(self.call(making, x, training=training)),
        ]

    def _gradients(self, making: Making, x: str, tape: str, y: str, dy: str) -> str:
        names = "dx, dgamma, dbeta" if making.case.affine else "dx,"
        return f"{names} = {tape}.gradient({y}, [{', '.join(_leaves(making, x))}], {dy}, {_ZEROS})"


class Fused(Operation):
    """`adapter`: a FusedAdapter, of which the data format is read."""

    def call(self, making: Making, x: str, *, training: bool) -> Lines:
        """The statistics come back changed from training; a factor of 1 takes none."""
        case, last = making.case, self.adapter.format == "NHWC"
        weight = making.momentum if training else None
        given = ["x_last" if last else x, *_PARAMETERS]
        given += [] if weight == 1 else self.statistics(making)
        given.append(f"epsilon={case.eps!r}")
        layout = self.adapter.format if case.x.ndim == 4 else self.adapter.format.replace("HW", "DHW")
        given += [] if layout == "NHWC" else [f"data_format={layout!r}"]
        given += [] if training else ["is_training=False"]
        given += [] if weight in (None, 1) else [f"exponential_avg_factor={weight!r}"]
        kept = training and case.running_mean is not None
        names = ", ".join(self.held(name, making.to) for name in _STATISTICS) if kept else "*rest"
        call = f"{self.naming.name}({', '.join(given)})"
        if not last:
            return [f"y, {names} = {call}"]
        return [_last(case, x), f"y_last, {names} = {call}", _second(case)]


class Moments(Operation):
    """`adapter`: a MomentsAdapter."""

    def call(self, making: Making, x: str, *, training: bool) -> Lines:
        """By the moments in training and by the given statistics in evaluation."""
        case, rank = making.case, making.case.x.ndim
        gamma, beta = _PARAMETERS if case.affine else ("None", "None")
        given, y = (x, "y") if rank == 2 else ("x_last", "y_last")
        axes = ", ".join(map(str, range(rank - 1)))
        mean, variance = ("mean", "variance") if training else self.statistics(making)
        lines = [f"mean, variance = tf.nn.moments({given}, [{axes}])"] if training else []
        lines.append(f"{y} = {self.naming.name}({given}, {mean}, {variance}, {beta}, {gamma}, {case.eps!r})")
        return lines if rank == 2 else [_last(case, x), *lines, _second(case)]


def _leaves(making: Making, x: str) -> Sequence[str]:
    """What is differentiated by."""
    return [x, *(_PARAMETERS if making.case.affine else ())]


def _last(case: Case, x: str) -> str:
    """x with its channels last, as these operations take it."""
    return f"x_last = tf.transpose({x}, {[0, *range(2, case.x.ndim), 1]})"


def _second(case: Case) -> str:
    """y with its channels second, as the case has them."""
    return f"y = tf.transpose(y_last, {[0, case.x.ndim - 1, *range(1, case.x.ndim - 1)]})"


def _short(naming: Naming) -> Naming:
    """TensorFlow's own functions under the name that everybody gives it."""
    root, _, rest = naming.name.partition(".")
    if root != "tensorflow":
        return naming
    return Naming(
        tuple(each for each in naming.imports if not each.startswith("import tensorflow.")), f"tf.{rest}"
    )
