"""Classes and instances of layers with the usual names, in NumPy, torch or JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bncheck.adapter import (
    BETA_NAMES,
    GAMMA_NAMES,
    MEAN_NAMES,
    VAR_NAMES,
    Config,
    FrameworkArray,
    Gradients,
    Handle,
    Pullback,
    Second,
    State,
)
from bncheck.adapters.arrays import ArraysAdapter, Valued
from bncheck.adapters.attributes import Slot, slot_of
from bncheck.adapters.backward import gradients_of
from bncheck.adapters.claims import claimed, measured
from bncheck.adapters.construction import arguments, construction_of, entry_point
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import arrays_of, framework_of
from bncheck.adapters.modes import Switch, switch_of
from bncheck.adapters.names import CALL_ROLES
from bncheck.adapters.probe import Probe
from bncheck.case import Native
from bncheck.dialect import usual
from bncheck.direction import Direction
from bncheck.errors import NotOffered
from bncheck.layout import Layout


@dataclass(slots=True)
class _Layer:
    """The user's layer and what it was made for; the gradients see gamma and beta as they were placed."""

    layer: Handle
    config: Config
    gamma: FrameworkArray | None = None
    beta: FrameworkArray | None = None


class LayerAdapter(ArraysAdapter):
    """A layer by the names of its constructor's arguments and of its attributes."""

    name = "layer_class"

    def __init__(self, found: Found) -> None:
        self.construction = construction_of(found)
        self.arrays = arrays_of(framework_of(found), found)
        self.dialect = found.dialect(usual(self.arrays.dialect, found.device))
        sample = self._sample()
        self.entry, self.signature = entry_point(type(sample), CALL_ROLES, found.name)
        self.slots: dict[str, Slot | None] = {
            "gamma": slot_of(sample, GAMMA_NAMES),
            "beta": slot_of(sample, BETA_NAMES),
            "mean": slot_of(sample, MEAN_NAMES),
            "var": slot_of(sample, VAR_NAMES),
        }
        self.switch: Switch | None = switch_of(sample, self.signature)
        self.has_backward = callable(getattr(sample, "backward", None))
        self.capabilities = claimed(
            found,
            self.construction,
            sample,
            slots=self.slots,
            arrays=self.arrays,
            dialect=self.dialect,
            gradient=self.has_backward or self.arrays.differentiates,
            eval_mode=self.switch is not None,
        )
        # A layer's own backward is that of its last forward pass.
        self.capabilities = replace(self.capabilities, older_backward=not self.has_backward)
        if self.has_backward:
            own = dict.fromkeys(
                ("forward_mode", "second_order"), "its gradients are those of its own backward(dy)"
            )
            reasons = {**self.capabilities.reasons, **own}
            self.capabilities = replace(
                self.capabilities, forward_mode=False, second_order=False, reasons=reasons
            )
        probe = Probe(self, found.name, found.device)
        probe.narrow()
        self.capabilities = measured(probe, self.construction, sample)

    def make(self, config: Config) -> _Layer:
        """A new layer, gamma 1 and beta 0 where its constructor must have them."""
        return _Layer(self._made(config, {}), config)

    def set_params(self, handle: _Layer, gamma: Native, beta: Native) -> None:
        """Into the attributes of the usual names, else by a new layer that is given them."""
        handle.gamma, handle.beta = self.place(gamma), self.place(beta)
        if self.slots["gamma"] is None or self.slots["beta"] is None:
            handle.layer = self._made(handle.config, {"gamma": handle.gamma, "beta": handle.beta})
        else:
            self._write(handle.layer, ("gamma", handle.gamma), ("beta", handle.beta))

    def held(self, handle: _Layer, role: str) -> FrameworkArray | None:
        """The attribute of a usual name; gamma and beta as they were given where there is none."""
        if role == "gamma" and self.slots["gamma"] is None:
            return handle.gamma
        if role == "beta" and self.slots["beta"] is None:
            return handle.beta
        return self._read(handle.layer, role.removeprefix("running_"))

    def lay_out(self, handle: _Layer, role: str, layout: Layout) -> None:
        """Placed anew, and the layer with it where it is given gamma and beta when it is made."""
        held, name = self.held(handle, role), role.removeprefix("running_")
        if held is None:
            raise NotOffered(f"{self.name} has no {role} that could lie elsewhere")
        placed = self.place(self.fetch(held).reshape(-1), layout)
        if role == "gamma":
            handle.gamma = placed
        elif role == "beta":
            handle.beta = placed
        if self.slots[name] is None:
            handle.layer = self._made(handle.config, {"gamma": handle.gamma, "beta": handle.beta})
        else:
            self._write(handle.layer, (name, placed))

    def get_state(self, handle: _Layer) -> State:
        """From the attributes of the usual names, (1, C, 1, 1) as (C,)."""
        mean, var = (self._read(handle.layer, role) for role in ("mean", "var"))
        if mean is None or var is None:
            return State(None, None)
        return State(self.fetch(mean).reshape(-1), self.fetch(var).reshape(-1))

    def set_state(self, handle: _Layer, state: State) -> None:
        """Into the attributes of the usual names."""
        if state.mean is not None and state.var is not None:
            self._write(handle.layer, ("mean", self.place(state.mean)), ("var", self.place(state.var)))

    def forward(self, handle: _Layer, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call in the mode asked for."""
        with self.arrays.scope(handle.config.dtype, training=training):
            return self._called(handle.layer, x, training=training)

    def vjp(self, handle: _Layer, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """By the layer's own `backward`, else as the framework finds them."""
        if not self.has_backward:
            return self._differentiated(handle, x, training=training)
        y = self.forward(handle, x, training)

        def pullback(dy: FrameworkArray) -> Gradients:
            with self.arrays.scope(handle.config.dtype, training=training):
                return gradients_of(handle.layer, handle.layer.backward(dy), affine=handle.gamma is not None)

        return y, pullback

    def _differentiated(
        self, handle: _Layer, x: FrameworkArray, *, training: bool
    ) -> tuple[FrameworkArray, Pullback]:
        layer, function = handle.layer, self._pure(handle, training=training)
        with self.arrays.scope(handle.config.dtype, training=training):
            y, statistics, pull = self.arrays.vjp(function, (x, handle.gamma, handle.beta))
        mean, var = statistics
        if mean is not None and var is not None:
            self._write(layer, ("mean", self.arrays.constant(mean)), ("var", self.arrays.constant(var)))
        if handle.gamma is not None:
            self._write(layer, ("gamma", handle.gamma), ("beta", handle.beta))
        return y, lambda dy: Gradients(*pull(dy))

    def tangent(
        self, handle: _Layer, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """As the framework finds it."""
        function = self._pure(handle, training=training)
        with self.arrays.scope(handle.config.dtype, training=training):
            return self.arrays.jvp(function, (x, handle.gamma, handle.beta), direction)

    def second_order(
        self, handle: _Layer, x: FrameworkArray, dy: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, Second]:
        """As the framework finds them."""
        function = self._pure(handle, training=training)
        with self.arrays.scope(handle.config.dtype, training=training):
            return self.arrays.second(function, (x, handle.gamma, handle.beta), dy, direction)

    def _pure(self, handle: _Layer, *, training: bool) -> Callable[..., Valued]:
        """A pure function: gamma and beta go in by the attributes, running statistics come out of them."""
        layer = handle.layer

        def function(x: FrameworkArray, gamma: FrameworkArray | None, beta: FrameworkArray | None) -> Valued:
            if gamma is not None and beta is not None:
                self._write(layer, ("gamma", gamma), ("beta", beta))
            y = self._called(layer, x, training=training)
            return y, (self._read(layer, "mean"), self._read(layer, "var"))

        return function

    def _called(self, layer: Handle, x: FrameworkArray, *, training: bool) -> FrameworkArray:
        words = {} if self.switch is None else self.switch.apply(layer, training=training)
        result = getattr(layer, self.entry)(x, **words)
        return result[0] if isinstance(result, tuple | list) and result else result

    def _sample(self) -> Handle:
        """A layer to look at: three channels, as a two-dimensional float32 batch would ask for."""
        float32 = np.dtype(np.float32)
        config = Config((4, 3), 1e-3, 0.5, affine=True, dtype=float32, parameter_dtype=float32, device="cpu")
        return self._made(config, {})

    def _made(self, config: Config, given: dict[str, FrameworkArray]) -> Handle:
        """A layer with gamma and beta as given, else 1 and 0 where they must be."""
        values = arguments(config, self.dialect, dtype=self.arrays.dtype(config.parameter_dtype))
        zero = np.zeros(config.channels, config.parameter_dtype)
        with self.arrays.making(config.dtype):
            for role, default in (("gamma", zero + zero.dtype.type(1)), ("beta", zero)):
                if role in given or self.construction.needs(role):
                    values[role] = given[role] if role in given else self.place(default)
            return self.construction.make(values)

    def _read(self, layer: Handle, role: str) -> FrameworkArray | None:
        slot = self.slots[role]
        return None if slot is None else slot.read(layer)

    def _write(self, layer: Handle, *values: tuple[str, FrameworkArray]) -> None:
        for role, value in values:
            slot = self.slots[role]
            if slot is not None:
                slot.write(layer, value)
