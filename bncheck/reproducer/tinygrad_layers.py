"""tinygrad's layers as they are written down: attributes replaced, gradients by Tensor.gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bncheck.adapters.construction import spoken_momentum
from bncheck.direction import Direction
from bncheck.errors import UsageError
from bncheck.reproducer.frameworks import Words
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import (
    Lines,
    Making,
    OfAttributes,
    called,
    fresh_value,
    parameter_dtype,
    sample_config,
    stands,
    usual_arguments,
)
from bncheck.step import Step

_STATISTICS = ("running_mean", "running_var")
_STATE = "tinygrad.nn.state"
_WORDS = Words(
    "tinygrad",
    # tinygrad would take another device where there is one.
    ("import os", 'os.environ.setdefault("DEV", "CPU")', "import tinygrad", "import tinygrad.nn"),
    "tinygrad.dtypes",
    "tinygrad.Tensor({0}, dtype={1})",
    "{0}.clone().realize()",
    "{0}.numpy().tobytes()",
    dtype_name="{0}.numpy().dtype.name",
    item="{0}.item()",
)


class TinygradLayer(OfAttributes):
    """`adapter`: a TinygradAdapter, of which the constructor's signature and a sample are read."""

    words: Words = _WORDS

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.naming, self.device = adapter, naming, device
        sample = adapter.make(sample_config(device))
        roles = (*OfAttributes.names, *_STATISTICS)
        self.fresh = {role: fresh_value(adapter, adapter.held(sample, role)) for role in roles}

    def made(self, making: Making) -> Lines:
        """Made, and what differs from a new layer's replaced; the statistics by copies, into which it writes."""
        case, to = making.case, making.to
        given = [role for role in _roles(making) if not stands(case, role, self.fresh[role])]
        lines = [f"{self.held(role, to)} = {role}" for role in given]
        if case.running_mean is not None:
            written = [role for role in _STATISTICS if not stands(case, role, self.fresh[role])]
            lines += [f"{self.held(role, to)} = {self.words.copied.format(role)}" for role in written]
        return [*self._new(making, to), *lines]

    def _new(self, making: Making, to: str) -> Lines:
        """A layer as its constructor gives it, in the dtype of the parameters."""
        case, signature = making.case, self.adapter.signature
        momentum = spoken_momentum(making.momentum, self.adapter.dialect)
        values = {"channels": str(case.channels), "eps": repr(case.eps), "momentum": repr(momentum)}
        usual = usual_arguments(making, momentum, device=self.device, plain=False)
        if not case.affine:
            signature = replace(signature, options={**signature.options, "affine": False})
        lines = [f"{to} = {called(self.naming.name, signature, values, usual)}"]
        dtype = parameter_dtype(case)
        if dtype == "float32":
            return lines
        held = f"{_STATE}.get_state_dict({to}).values()"
        cast = f"each.replace(each.cast({self.words.dtype(dtype)}).contiguous())"
        return [*lines, f"for each in {held}:", "    if each.is_floating_point():", f"        {cast}"]

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call in the mode asked for, computed at once."""
        return [*_call(making.to, x, training=training), _computed(making.to, "y")]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """By Tensor.gradient, computed at once."""
        to = making.to
        return [
            *_call(to, x, training=training),
            _gradients(making, to, x, dy),
            _computed(to, ", ".join(["y", *_found(making)])),
        ]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """What is computed has no graph any more: a copy of the output is."""
        call = [line.replace("y =", f"y{number}_ =") for line in _call(making.to, x, training=True)]
        return [f"x{number}_ = {x}", *call, f"y = y{number}_.clone()", _computed(making.to, "y")]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """From the graph of the output itself."""
        found = ", ".join(_found(making))
        lines = _gradients(making, making.to, f"x{number}_", dy, f"y{number}_")
        return [lines, f"tinygrad.Tensor.realize({found})"]

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:  # noqa: ARG002  # a protocol's
        """UsageError: there is none."""
        raise UsageError("no script can be written for a tangent: tinygrad has no forward mode")

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """By the gradient of what the gradients and the direction make."""
        paired = zip(_found(making), along, strict=False)
        inner = " + ".join(f"({each} * {moved}).sum()" for each, moved in paired if moved is not None)
        wanted = [dy, x, *([self.held("gamma", making.to)] if making.case.affine else [])]
        names = ["second_dy", "second_x", "second_gamma"][: len(wanted)]
        return [
            *_call(making.to, x, training=training),
            _gradients(making, making.to, x, dy),
            f"{', '.join(names)} = ({inner}).gradient({', '.join(wanted)})",
            f"tinygrad.Tensor.realize(y, {', '.join(names)})",
        ]

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """As layers of tinygrad are changed."""
        to, left = making.to, f"left{number}"
        if step.action == "momentum":
            return [f"{to}.momentum = {spoken_momentum(step.value, self.adapter.dialect)!r}"]
        return [f"{left} = {to}", *self._new(making, to), _loaded(to, left)]

    def count(self) -> str:
        """The attribute."""
        return "layer.num_batches_tracked.item()"


def _roles(making: Making) -> Lines:
    """Gamma and beta, where there are any."""
    return list(OfAttributes.names) if making.case.affine else []


def _found(making: Making) -> Lines:
    """The names of the gradients."""
    return ["dx", *(f"d{role}" for role in _roles(making))]


def _call(to: str, x: str, *, training: bool) -> Lines:
    """y, not yet computed."""
    return [f"with tinygrad.Context(TRAINING={int(training)}):", f"    y = {to}({x})"]


def _gradients(making: Making, to: str, x: str, dy: str, y: str = "y") -> str:
    leaves = ", ".join([x, *(f"{to}.{OfAttributes.names[role]}" for role in _roles(making))])
    names = ", ".join(_found(making))
    if parameter_dtype(making.case) != making.case.x.dtype.name:
        dy = f"{dy}.cast({y}.dtype)"
    return f"{names if making.case.affine else f'{names},'} = {y}.gradient({leaves}, gradient={dy})"


def _computed(to: str, names: str) -> str:
    """Arrays and the layer's statistics, which are written in the same go."""
    return f"tinygrad.Tensor.realize({names}, *{_STATE}.get_state_dict({to}).values())"


def _loaded(to: str, left: str) -> str:
    """A layer given the state of another; without the copies both would write into one memory."""
    state = f"{{name: each.clone().realize() for name, each in {_STATE}.get_state_dict({left}).items()}}"
    return f"{_STATE}.load_state_dict({to}, {state}, verbose=False)"
