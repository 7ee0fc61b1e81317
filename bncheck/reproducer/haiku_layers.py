"""haiku's modules as they are written down: transformed to a pure function of their parameters and their averages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import haiku
import jax
import jax.numpy as jnp

from bncheck.adapters.jax_layers import Layer, Numbers
from bncheck.case import Case
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import InHalves, Lines, Making, indented, stands
from bncheck.step import Step

# By role: haiku's name of the parameter, and what `init` fills it with.
_PARAMETERS = {"gamma": ("scale", 1.0), "beta": ("offset", 0.0)}
_STATISTICS = ("running_mean", "running_var")
_FILLED = [
    'value = value.reshape(ema["average"].shape)',
    "ema.update(hidden=value * (1 - {decay}**{batches}), average=value, counter={counter})",
]
_FILL = [
    "def fill(ema, value, counter):",
    *indented([line.format(decay="decay", batches="counter", counter="counter") for line in _FILLED]),
]
# Compiled, as it is judged: what is rounded in between differs elsewhere.
_TRANSFORMED = (
    "layer = haiku.transform_with_state(network)",
    "apply = jax.jit(layer.apply, static_argnums=4)",
)


class HaikuLayer(InHalves):
    """`adapter`: a HaikuAdapter, of which the constructor and the place of the channels are read.

    Beside `layer`, the pair of `init` and `apply`, stand `params` and `state`; a second layer is another state.
    """

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.naming = adapter, naming
        words = words_of("jax", device)
        self.words: Words = replace(words, imports=(*words.imports, "import haiku"))
        self.module, self.averages = _names(adapter)
        self.axis = adapter.axis

    def made(self, making: Making) -> Lines:
        """Initialised by the batch, and what it holds replaced."""
        case, state = making.case, _state(making.to)
        if making.to != "layer":
            return [f"{state} = layer.init(None, x, True)[1]", *self._averages(case, state)]
        lines = [*self._transformed(making), "params, state = layer.init(None, x, True)"]
        filled = [
            f"{name}={self._shaped(role, case)}"
            for role, (name, usual) in _PARAMETERS.items()
            if case.affine and not stands(case, role, usual)
        ]
        if filled:
            lines.append(f'params["{self.module}"].update({", ".join(filled)})')
        return [*lines, *self._averages(case, state)]

    def _transformed(self, making: Making) -> Lines:
        """The module inside a function, which is handed the channels where it expects them."""
        moved = making.case.x.ndim > 2 and self.axis != 1
        inner = f"jnp.moveaxis(inputs, 1, {self.axis})" if moved else "inputs"
        call = f"norm({inner}, is_training)"
        return [
            *([f"decay = {_decay(making.momentum)!r}"] if making.case.program else []),
            "def network(inputs, is_training):",
            f"    norm = {self._construction(making)}",
            f"    return {f'jnp.moveaxis({call}, {self.axis}, 1)' if moved else call}",
            *_TRANSFORMED,
        ]

    def _construction(self, making: Making) -> str:
        case, signature = making.case, self.adapter.signature
        words: dict[str, str] = dict.fromkeys(("create_scale", "create_offset"), repr(case.affine))
        if signature.has("momentum"):
            words["decay_rate"] = "decay" if case.program else repr(_decay(making.momentum))
        if signature.has("eps") and signature.roles["eps"].default != case.eps:
            words["eps"] = repr(case.eps)
        words |= {key: _literal(value) for key, value in signature.options.items()}
        return f"{self.naming.name}({', '.join(f'{key}={value}' for key, value in words.items())})"

    def _averages(self, case: Case, state: str) -> Lines:
        """The averages of a case; evaluation reads nothing else, training goes on from those that start at zero."""
        new = case.training and case.batches == 0 and case.debias is not None
        if case.running_mean is None or (new and not case.program):
            return []
        if not case.training and not case.program:
            return [
                f'{self._average(role, state)}["average"] = {self._shaped(role, case)}'
                for role in _STATISTICS
            ]
        counter = f"jnp.array({case.batches})"
        if not case.program:
            words = {"decay": _decay(case.momentum), "batches": case.batches, "counter": counter}
            return [
                f"for ema, value in zip({state}.values(), (running_mean, running_var)):",
                *indented([line.format_map(words) for line in _FILLED]),
            ]
        lines = _FILL if state == "state" else []
        filled = [f"fill({self._average(role, state)}, {role}, {counter})" for role in _STATISTICS]
        return [*lines, *([] if new else filled)]

    def _shaped(self, role: str, case: Case) -> str:
        """Numbers a channel in the shape, such as (1, 1, C), of what haiku holds of them."""
        shape = ["1"] * case.x.ndim
        shape[self.axis] = "-1"
        return f"{role}.reshape({', '.join(shape)})"

    def _place(self, role: str) -> str:
        return f'params["{self.module}"]["{_PARAMETERS[role][0]}"]'

    def _average(self, role: str, state: str) -> str:
        return f'{state}["{self.averages[role]}"]'

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call of `apply`."""
        state = _state(making.to)
        return [f"y, {state} = apply(params, {state}, None, {x}, {training})"]

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        state = _state(making.to)
        return [
            "def function(params, inputs):",
            f"    return apply(params, {state}, None, inputs, {training})",
            f"y, pull{mark}, {state} = jax.vjp(function, params, {x}, has_aux=True)",
        ]

    def _close(self, making: Making, dy: str, mark: str) -> Lines:
        lines = [f"grads, dx = pull{mark}({dy})"]
        if not making.case.affine:
            return lines
        found = f'(grads["{self.module}"][name].reshape(-1) for name in ("scale", "offset"))'
        return [*lines, f"dgamma, dbeta = {found}"]

    def changed(self, _making: Making, step: Step, _number: int, /) -> Lines:
        """A decay rate is that of the calls from now on, compiled anew; modules of haiku are offered nothing else."""
        return [f"decay = {_decay(step.value)!r}", *_TRANSFORMED]

    def given(self, role: str, value: str) -> str:
        """The average and the one that starts at zero, behind as many batches as before."""
        place = self._average(role, "state")
        return f'fill({place}, {value}, {place}["counter"])'

    def held(self, role: str, of: str = "layer") -> str:
        """The parameter, or the average."""
        if role in _PARAMETERS:
            return f"{self._place(role)}.reshape(-1)"
        return f'{self._average(role, _state(of))}["average"].reshape(-1)'

    def count(self) -> str:
        """That of the first of the averages."""
        return f'int({self._average("running_mean", "state")}["counter"])'


def _names(adapter: Any) -> tuple[str, dict[str, str]]:
    """Under which names haiku keeps the parameters, and the average of each statistic."""

    def network(inputs: jax.Array) -> Any:
        words = adapter.words(inputs, Layer(None, None, None), Numbers(1.0, 0.5, 0.5))
        norm = adapter.found.callable(create_scale=True, create_offset=True, **words, **adapter.found.options)
        return norm(inputs, is_training=True)

    params, state = haiku.transform_with_state(network).init(None, jnp.zeros((4, 3)))
    return next(iter(params)), dict(zip(_STATISTICS, state, strict=True))


def _decay(momentum: float | None) -> float:
    return 1 - (momentum or 0.0)


def _state(layer: str) -> str:
    """The name of a layer's state."""
    return "state" if layer == "layer" else f"{layer}_state"


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
