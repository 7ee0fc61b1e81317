"""Paddle's layers as they are written down: parameters and statistics set by set_value, gradients by paddle.grad."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bncheck.adapters.construction import spoken_momentum
from bncheck.case import Case, Native
from bncheck.layout import Layout, arranged, buffer_of
from bncheck.reproducer.frameworks import Words
from bncheck.reproducer.literals import shape_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import (
    Lines,
    Making,
    called,
    fresh_value,
    parameter_dtype,
    sample_config,
    stands,
    usual_arguments,
)
from bncheck.step import Step

_PLACES = {"gamma": "weight", "beta": "bias", "running_mean": "_mean", "running_var": "_variance"}
_PLAIN = {"weight_attr": False, "bias_attr": False}
# What stands there as soon as paddle is imported.
_LOADED = "import paddle.nn"


class PaddleWords(Words):
    """Paddle counts the strides of a view in elements, and its offset in bytes."""

    def literal(self, array: Native, layout: Layout | None) -> str:
        """An expression for an array in a layout."""
        if layout in (None, "contiguous"):
            return self._plain(array)
        assert layout is not None
        place = arranged(array, layout)
        start = place.offset * array.dtype.itemsize
        return self.strided.format(
            self._plain(buffer_of(array, place)), shape_of(array), place.strides, start
        )


_WORDS = PaddleWords(
    "paddle",
    ("import paddle",),
    "paddle",
    "paddle.to_tensor({0}, {1})",
    "{0}.clone()",
    "{0}.numpy().tobytes()",
    strided="paddle.as_strided({0}, {1}, {2}, {3})",
)


class PaddleLayer:
    """`adapter`: a PaddleAdapter, of which the constructor's signature and a sample are read."""

    words: Words = _WORDS

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.device = adapter, device
        self.naming = replace(naming, imports=tuple(each for each in naming.imports if each != _LOADED))
        sample = adapter.make(sample_config(device))
        self.fresh = {role: fresh_value(adapter, adapter.held(sample, role)) for role in _PLACES}

    def made(self, making: Making) -> Lines:
        """Made, and given what differs from a new layer's; what lies elsewhere takes the place of what was there."""
        case, to = making.case, making.to
        roles = ["gamma", "beta"] if case.affine else []
        roles += ["running_mean", "running_var"] if case.running_mean is not None else []
        lines = self._new(making, to)
        for role in roles:
            if role in case.layouts:
                lines.append(f"{self.held(role, to)}.data = {role}")
            elif not stands(case, role, self.fresh[role]):
                lines.append(f"{self.held(role, to)}.set_value({role})")
        return lines

    def _new(self, making: Making, to: str) -> Lines:
        """A layer as its constructor gives it, in the dtype of the parameters."""
        case, signature = making.case, self.adapter.signature
        momentum = spoken_momentum(making.momentum, self.adapter.dialect)
        values = {"channels": str(case.channels), "eps": repr(case.eps), "momentum": repr(momentum)}
        usual = usual_arguments(making, momentum, device=self.device, plain=False)
        if not case.affine:
            signature = replace(signature, options={**signature.options, **_PLAIN})
        lines = [f"{to} = {called(self.naming.name, signature, values, usual)}"]
        dtype = parameter_dtype(case)
        return lines if dtype == "float32" else [*lines, _moved(to, dtype)]

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call in the mode asked for."""
        call = f"    y = {self._call(making.to, x)}"
        return [_mode(making.to, training=training), "with paddle.no_grad():", call]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """By paddle.grad."""
        return [
            _mode(making.to, training=training),
            f"{x}.stop_gradient = False",
            f"y = {self._call(making.to, x)}",
            _gradients(making.case, making.to, x, "y", dy),
        ]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The output keeps its graph."""
        return [
            _mode(making.to, training=True),
            f"x{number}_ = paddle.to_tensor({x}, stop_gradient=False)",
            f"y = y{number}_ = {self._call(making.to, f'x{number}_')}",
        ]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """By paddle.grad."""
        return [_gradients(making.case, making.to, f"x{number}_", f"y{number}_", dy)]

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """As layers of paddle are copied, loaded and moved."""
        to, left = making.to, f"left{number}"
        match step.action:
            case "move":
                return [_moved(to, "float64"), _moved(to, parameter_dtype(making.case))]
            case "copy":
                return [f"{left}, {to} = {to}, copy.deepcopy({to})"]
            case _:
                return [
                    f"{left} = {to}",
                    *self._new(making, to),
                    f"{to}.set_state_dict({left}.state_dict())",
                ]

    def given(self, role: str, value: str) -> str:
        """By set_value, which copies."""
        return f"{self.held(role)}.set_value({value})"

    def held(self, role: str, of: str = "layer") -> str:
        """The parameter or buffer."""
        return f"{of}.{_PLACES[role]}"

    def count(self) -> str:
        """Layers of paddle count nothing."""
        return "None"

    def _call(self, to: str, x: str) -> str:
        """The call, around which the channels are moved where the layer takes them last."""
        if self.adapter.last:
            return f"paddle.moveaxis({to}(paddle.moveaxis({x}, 1, -1)), -1, 1)"
        return f"{to}({x})"


def _mode(to: str, *, training: bool) -> str:
    return f"{to}.{'train' if training else 'eval'}()"


def _moved(to: str, dtype: str) -> str:
    return f'{to}.to(dtype="{dtype}")'


def _gradients(case: Case, to: str, x: str, y: str, dy: str) -> str:
    if not case.affine:
        return f"dx, = paddle.grad({y}, [{x}], {dy})"
    return f"dx, dgamma, dbeta = paddle.grad({y}, [{x}, {to}.weight, {to}.bias], {dy})"
