"""equinox's modules as they are written down: mapped over the batch, with a state that is handed on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bncheck.case import Case
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import InHalves, Lines, Making, parameter_dtype, stands
from bncheck.step import Step

_PARAMETERS = {"gamma": "weight", "beta": "bias"}
_FRESH = {"gamma": 1.0, "beta": 0.0}
_STATISTICS = ("running_mean", "running_var")
_MAPPED = 'jax.vmap({layer}, (0, None), (0, None), axis_name="batch")({x}, {state})'


class EquinoxLayer(InHalves):
    """`adapter`: an EquinoxAdapter, of which the constructor is read, and whether its averages are corrected.

    Beside `layer` stands `state`.
    """

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter = adapter
        words = words_of("jax", device)
        self.words: Words = replace(words, imports=(*words.imports, "import equinox"))
        # The library's own modules are there as soon as it is.
        imports = tuple(line for line in naming.imports if not line.startswith("import equinox."))
        self.naming = replace(naming, imports=imports)

    def made(self, making: Making) -> Lines:
        """Made with its state, and both filled."""
        case, to, state = making.case, making.to, _state(making.to)
        lines = [f"make = equinox.nn.make_with_state({self.naming.name})"] if to == "layer" else []
        lines += [f"{to}, {state} = make({self._arguments(making)})", *self._filled(making)]
        if case.running_mean is None or self._starts(case):
            return lines
        mean, var = _STATISTICS
        if not self.adapter.debiased:
            return [*lines, f"{state} = {state}.set({to}.ema_state_index, ({mean}, {var}))"]
        if case.batches:
            weight = f"(1 - {to}.momentum**{case.batches})"
            lines.append(f"{state} = {state}.set({to}.batch_counter, jnp.array({case.batches}))")
            mean, var = f"{mean} * {weight}", f"{var} * {weight}"
        return [*lines, f"{state} = {state}.set({to}.batch_state_index, ({mean}, {var}))"]

    def _starts(self, case: Case) -> bool:
        """Whether the statistics given are not looked at: the layer is new, or the first batch fills them in."""
        if self.adapter.debiased:
            return case.training and case.batches == 0 and case.debias is not None
        return case.training and not case.program

    def _arguments(self, making: Making) -> str:
        case, signature = making.case, self.adapter.signature
        words = [f"input_size={case.channels}", 'axis_name="batch"']
        if signature.has("eps") and signature.roles["eps"].default != case.eps:
            words.append(f"eps={case.eps!r}")
        if not case.affine:
            words.append("channelwise_affine=False")
        # In mode "ema" the first batch weighs 1, whatever the momentum is; so do those that follow only without one.
        if signature.has("momentum") and (self.adapter.debiased or case.program or case.steps > 1):
            words.append(f"momentum={1 - (making.momentum or 0.0)!r}")
        dtype = parameter_dtype(case)
        if dtype not in ("float32", "float64") and "dtype" not in signature.options:
            words.append(f"dtype={self.words.dtype(dtype)}")
        words += [f"{key}={_literal(value)}" for key, value in signature.options.items()]
        return ", ".join(words)

    def _filled(self, making: Making) -> Lines:
        """Gamma and beta in the place of what was there, where that was something else."""
        case, to = making.case, making.to
        roles = [role for role in _PARAMETERS if case.affine and not stands(case, role, _FRESH[role])]
        return [
            f"{to} = equinox.tree_at(lambda layer: layer.{_PARAMETERS[role]}, {to}, {role})" for role in roles
        ]

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One mapped call."""
        state = _state(making.to)
        mode, layer = self._mode(making.to, training=training)
        return [*mode, f"y, {state} = {_MAPPED.format(layer=layer, x=x, state=state)}"]

    @staticmethod
    def _mode(layer: str, *, training: bool) -> tuple[Lines, str]:
        """The layer in a mode: lines before, and its name."""
        if training:
            return [], layer
        return [f"inference = equinox.nn.inference_mode({layer})"], "inference"

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        state = _state(making.to)
        mode, layer = self._mode(making.to, training=training)
        return [
            *mode,
            "def function(layer, inputs):",
            f"    return {_MAPPED.format(layer='layer', x='inputs', state=state)}",
            f"y, pull{mark}, {state} = equinox.filter_vjp(function, {layer}, {x}, has_aux=True)",
        ]

    @staticmethod
    def _close(making: Making, dy: str, mark: str) -> Lines:
        lines = [f"grads, dx = pull{mark}({dy})"]
        return [*lines, "dgamma, dbeta = grads.weight, grads.bias"] if making.case.affine else lines

    def changed(self, making: Making, step: Step, _number: int, /) -> Lines:
        """A new layer with another momentum, to which the old one's state belongs; modules are offered nothing else."""
        new = replace(making, momentum=step.value)
        return [f"{making.to}, _ = make({self._arguments(new)})", *self._filled(new)]

    def given(self, role: str, value: str) -> str:
        """The pair replaced, the other one as it was."""
        place = f"layer.{self._index}"
        pair = [f"state.get({place})[{number}]" for number in range(2)]
        pair[_STATISTICS.index(role)] = (
            f"{value} * {_correction('layer')}" if self.adapter.debiased else value
        )
        return f"state = state.set({place}, ({', '.join(pair)}))"

    def held(self, role: str, of: str = "layer") -> str:
        """The parameter, or the average as evaluation reads it."""
        if role in _PARAMETERS:
            return f"{of}.{_PARAMETERS[role]}"
        average = f"{_state(of)}.get({of}.{self._index})[{_STATISTICS.index(role)}]"
        return f"({average} / {_correction(of)})" if self.adapter.debiased else average

    def count(self) -> str:
        """That of mode "batch", the only one that is asked for it."""
        return "int(state.get(layer.batch_counter))"

    @property
    def _index(self) -> str:
        return "batch_state_index" if self.adapter.debiased else "ema_state_index"


def _correction(layer: str) -> str:
    """By what evaluation divides an average that starts at zero; 1 before the first batch."""
    return f"(1 - {layer}.momentum ** int({_state(layer)}.get({layer}.batch_counter)) or 1)"


def _state(layer: str) -> str:
    """The name of a layer's state."""
    return "state" if layer == "layer" else f"{layer}_state"


def _literal(value: object) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)
