"""Layers of Keras as they are written down: variables assigned, the mode given with the call, one backend a script."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bncheck.adapters.construction import spoken_momentum
from bncheck.case import Case
from bncheck.direction import Direction
from bncheck.reproducer.frameworks import words_of
from bncheck.reproducer.keras_gradients import GRADIENTS, Call, Gradients
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import Lines, Making, parameter_dtype, stands
from bncheck.reproducer.tensorflow_ops import TENSORFLOW
from bncheck.step import Step

_VARIABLES = {
    "gamma": "gamma",
    "beta": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
# What they are full of in a new layer.
_FRESH = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}


# By backend, where it is not that of `words_of`.  A variable of Keras is none of TensorFlow's, but NumPy takes both.
_WORDS = {"tensorflow": replace(TENSORFLOW, bits="np.array({0}, np.float64).tobytes()")}


class KerasLayer:
    """`adapter`: that of a backend, of which the constructor's signature and the axis of the channels are read."""

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        backend = adapter.arrays.framework
        self.adapter = adapter
        self.words = _WORDS[backend] if backend in _WORDS else words_of(backend, device)
        chosen = ("import os", f'os.environ["KERAS_BACKEND"] = "{backend}"', "import keras")
        own = [line for line in naming.imports if line != "import keras.layers"]
        self.naming = replace(naming, imports=(*chosen, *own))

    def made(self, making: Making) -> Lines:
        """Built, and its variables assigned; what does not lie contiguously takes the place of a variable's data."""
        lines = self._built(making)
        for role in self._given(making.case):
            variable = f"{making.to}.{_VARIABLES[role]}"
            own = f"{variable}.value.data = {role}" if role in making.case.layouts else None
            lines.append(own or f"{variable}.assign({role})")
        return lines

    def _given(self, case: Case) -> Lines:
        """What a new layer does not hold by itself; along a direction, gamma and beta come with the call."""
        roles = ["gamma", "beta"] if case.affine and case.direction is None else []
        roles += ["running_mean", "running_var"] if case.running_mean is not None else []
        return [role for role in roles if not stands(case, role, _FRESH[role])]

    def _built(self, making: Making) -> Lines:
        """A new layer with its variables."""
        _, channels, *rest = making.case.x.shape
        last = self.adapter.axis == -1
        shape = [str(each) for each in ((*rest, channels) if last else (channels, *rest))]
        return [
            f"{making.to} = {self._construction(making)}",
            f"{making.to}.build(({', '.join(['None', *shape])}))",
        ]

    def _construction(self, making: Making) -> str:
        """The layer's call, without what it gives by itself: in float32, with gamma and beta."""
        case, adapter = making.case, self.adapter
        words: dict[str, object] = dict(adapter.signature.options)
        if not case.affine:
            words |= {"center": False, "scale": False}
        values = {"momentum": spoken_momentum(making.momentum, adapter.dialect), "eps": case.eps}
        for role, parameter in adapter.signature.roles.items():
            if values[role] != parameter.default:
                words[parameter.name] = values[role]
        dtype, own = case.x.dtype.name, parameter_dtype(case)
        if (dtype, own) != ("float32", "float32"):
            words["dtype"] = dtype if dtype == own else f"mixed_{dtype}"
        given = (f"{name}={_literal(value)}" for name, value in words.items())
        return f"{self.naming.name}({', '.join(given)})"

    def _call(self, making: Making, *, training: bool) -> Call:
        moved = self.adapter.axis == -1 and making.case.x.ndim > 2
        return Call(making.to, training, making.case.affine, moved)

    @property
    def _gradients(self) -> Gradients:
        return GRADIENTS[self.words.framework]

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call."""
        y = self._call(making, training=training).plain(x)
        return [f"y = {y}.detach()" if self.words.framework == "torch" else f"y = {y}"]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """As the backend finds gradients."""
        call = self._call(making, training=training)
        return [*self._gradients.opened(call, x, ""), *self._gradients.closed(call, dy, "")]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The first half."""
        return self._gradients.opened(self._call(making, training=True), x, str(number))

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """The second half."""
        return self._gradients.closed(self._call(making, training=True), dy, str(number))

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """In forward mode, of the stateless call."""
        return self._gradients.tangent(self._call(making, training=training), x, along)

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """The gradients of the stateless call, differentiated again."""
        return self._gradients.second_order(self._call(making, training=training), x, dy, along)

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """The attribute, a deep copy, or a new layer with the same weights."""
        to, left = making.to, f"left{number}"
        match step.action:
            case "momentum":
                return [f"{to}.momentum = {spoken_momentum(step.value, self.adapter.dialect)!r}"]
            case "copy":
                return [f"{left}, {to} = {to}, copy.deepcopy({to})"]
            case _:
                return [f"{left} = {to}", *self._built(making), f"{to}.set_weights({left}.get_weights())"]

    def given(self, role: str, value: str) -> str:
        """Assigned."""
        return f"layer.{_VARIABLES[role]}.assign({value})"

    def held(self, role: str, of: str = "layer") -> str:
        """The value of the variable."""
        return f"{of}.{_VARIABLES[role]}.value"

    def count(self) -> str:
        """Keras counts no batches."""
        return "None"


def _literal(value: object) -> str:
    """In the quotes of the other lines."""
    return json.dumps(value) if isinstance(value, str) else repr(value)
