"""Classes and instances of layers as they are written down: attributes set, a mode, and their own backward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bncheck.adapter import BETA_NAMES, GAMMA_NAMES
from bncheck.adapters.attributes import Slot, dtype_name, shape_of
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.names import INFERENCE_NAMES, TRAINING_NAMES, gradient_names
from bncheck.case import Case
from bncheck.direction import Direction
from bncheck.reproducer.derivatives import (
    second_order_in_jax,
    second_order_in_torch,
    tangent_in_jax,
    tangent_in_torch,
)
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import (
    SLOTS,
    Lines,
    Making,
    called,
    constructed,
    fresh_value,
    indented,
    parameter_dtype,
    sample_config,
    stands,
    usual_arguments,
)
from bncheck.step import Step

_DICTIONARIES = ("grads", "gradients", "_grads")
_NAMES = {"gamma": GAMMA_NAMES, "beta": BETA_NAMES}
# For the layer to look at.
_BATCH = (np.arange(12.0) ** 2).astype(np.float32).reshape(4, 3)


class Layer:
    """`adapter`: a LayerAdapter, of which the constructor, the attributes, the mode and the backward are read."""

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.naming, self.device = adapter, naming, device
        self.words: Words = words_of(adapter.arrays.framework, device)
        self.handle = adapter.make(sample_config(device))
        self.slots: dict[str, Slot | None] = {role: adapter.slots[name] for role, name in SLOTS.items()}
        arrays = {
            role: None if slot is None else slot.read(self.handle.layer) for role, slot in self.slots.items()
        }
        self.fresh = {
            role: (dtype_name(array), fresh_value(adapter, array)) for role, array in arrays.items()
        }
        self.flat = {role for role, array in arrays.items() if len(shape_of(array)) < 2}
        self.several = self._returns_several()

    def made(self, making: Making) -> Lines:
        """Made, and its attributes replaced."""
        case, to, construction = making.case, making.to, self.adapter.construction
        roles = ["gamma", "beta"] if case.affine else []
        roles += ["running_mean", "running_var"] if case.running_mean is not None else []
        if not self.adapter.capabilities.set_statistics:
            roles = [role for role in roles if role in ("gamma", "beta")]
        if construction.signature is None:
            lines = [f"{to} = copy.deepcopy({self.naming.name})"]
        else:
            lines = [f"{to} = {self._construction(making)}"]
        for role in roles:
            if self.slots[role] is not None and not self._stands(case, role):
                place = self._place(role, to)
                value = role if role in self.flat else f"{role}.reshape({place}.shape)"
                tracked = role in ("running_mean", "running_var") and role not in case.layouts
                copied = making.own or tracked
                lines.append(f"{place} = {self.words.copied.format(value) if copied else value}")
        return lines

    def _stands(self, case: Case, role: str) -> bool:
        """Whether a new layer holds these very numbers in this dtype."""
        dtype, value = self.fresh[role]
        return dtype == getattr(case, role).dtype.name and stands(case, role, value)

    def _construction(self, making: Making) -> str:
        dtype, construction = parameter_dtype(making.case), self.adapter.construction
        momentum = spoken_momentum(making.momentum, self.adapter.dialect)
        values = constructed(making, dtype=self.words.dtype(dtype), device=self.device, momentum=momentum)
        for role in ("gamma", "beta"):
            if self.slots[role] is None or construction.needs(role):
                values |= {role: role} if making.case.affine else {}
        usual = usual_arguments(making, momentum, device=self.device, plain=dtype == "float32")
        return called(self.naming.name, construction.signature, values, usual)

    def _place(self, role: str, of: str) -> str:
        slot = self.slots[role]
        if slot is None:
            return role
        return f"{of}.{slot.name}" if slot.holder is None else f"{of}.{slot.holder}[{slot.name!r}]"

    def _call(self, making: Making, x: str, *, training: bool) -> tuple[Lines, str]:
        """What sets the mode, and the call."""
        mode, words = self._mode(making.to, training=training)
        entry = "" if self.adapter.entry == "__call__" else f".{self.adapter.entry}"
        call = f"{making.to}{entry}({', '.join([x, *words])})"
        return mode, f"{call}[0]" if self.several else call

    def _returns_several(self) -> bool:
        """Whether a call returns y and more."""
        adapter, handle = self.adapter, self.adapter.make(sample_config(self.device))
        x = adapter.place(_BATCH)
        words = {} if adapter.switch is None else adapter.switch.apply(handle.layer, training=True)
        return isinstance(getattr(handle.layer, adapter.entry)(x, **words), tuple | list)

    def _mode(self, of: str, *, training: bool) -> tuple[Lines, Lines]:
        """Lines before the call, and arguments of it."""
        signature, layer = self.adapter.signature, self.handle.layer
        if self.adapter.switch is None:
            return [], []
        for role, sense in (("training", True), ("inference", False)):
            if signature.has(role):
                return [], [f"{signature.roles[role].name}={training == sense}"]
        if callable(getattr(layer, "eval", None)):
            there = not training or callable(getattr(layer, "train", None))
            return [f"{of}.{'train' if training else 'eval'}()"] if there else [], []
        if callable(getattr(layer, "train", None)):
            return [f"{of}.train({training})"], []
        for names, sense in ((TRAINING_NAMES, True), (INFERENCE_NAMES, False)):
            for name in names:
                if isinstance(getattr(layer, name, None), bool | int):
                    return [f"{of}.{name} = {training == sense}"], []
        return [], []

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call in the mode asked for."""
        mode, call = self._call(making, x, training=training)
        if self.words.framework == "torch" and (not training or self.adapter.arrays.graphless):
            return [*mode, "with torch.no_grad():", f"    y = {call}"]
        return [*mode, f"y = {call}"]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """By the layer's own backward, else as the framework finds gradients."""
        if self.adapter.has_backward:
            return [*self.forward(making, x, training=training), *self._backward(making, dy)]
        return [*self._open(making, x, "", training=training), *self._close(making, x, dy, "")]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The forward half."""
        if self.adapter.has_backward:
            return self.forward(making, x, training=True)
        if self.words.framework == "jax":
            return self._open(making, x, str(number), training=True)
        named = f"x{number}_"
        return [
            f"{named} = {x}.clone()",
            *self._open(making, named, "", training=True),
            f"y{number}_ = y",
        ]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """The backward half."""
        if self.adapter.has_backward:
            return self._backward(making, dy)
        return self._close(making, f"x{number}_", dy, str(number))

    def _backward(self, making: Making, dy: str) -> Lines:
        """In the form that this layer's backward has, as a small batch shows."""
        returned, call = self._gradients(), f"{making.to}.backward({dy})"
        if not isinstance(returned, tuple | list):
            lines = [f"dx = {call}"]
            if making.case.affine:
                lines += [f"d{role} = {self._attribute(role, making.to)}" for role in ("gamma", "beta")]
            return lines
        if not making.case.affine:
            return [f"dx, *_ = {call}"]
        if len(returned) == 2 and isinstance(returned[1], Mapping):
            names = [_entry(returned[1], role) for role in ("gamma", "beta")]
            return [
                f"dx, found = {call}",
                f"dgamma, dbeta = {', '.join(f'found[{name!r}].reshape(-1)' for name in names)}",
            ]
        if "gamma" in self.flat:
            return [f"dx, dgamma, dbeta = {call}"]
        return [f"dx, dgamma, dbeta = {call}", "dgamma, dbeta = dgamma.reshape(-1), dbeta.reshape(-1)"]

    def _gradients(self) -> Any:
        """What backward returns; the layer that it was asked of is `handle`."""
        adapter, handle = self.adapter, self.adapter.make(sample_config(self.device))
        adapter.forward(handle, adapter.place(_BATCH), True)  # noqa: FBT003  # the protocol's
        self.asked = handle.layer
        return handle.layer.backward(adapter.place(_BATCH))

    def _attribute(self, role: str, of: str) -> str:
        held = dict(vars(self.asked))
        for holder in _DICTIONARIES:
            if isinstance(held.get(holder), Mapping):
                return f"{of}.{holder}[{_entry(held[holder], role)!r}].reshape(-1)"
        own = {name for name in held if name not in {*GAMMA_NAMES, *BETA_NAMES}}
        return f"{of}.{_entry(dict.fromkeys(own), role)}.reshape(-1)"

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """In forward mode."""
        leaves = self._leaves(making, x)
        if self.words.framework == "torch":
            mode, call = self._call(making, x, training=training)
            return [*mode, *tangent_in_torch([*self._bound(making), f"y = {call}"], leaves, along)]
        function, kept = self._function(making, training=training)
        return tangent_in_jax(function, leaves, along, aux=bool(kept))

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """As the framework differentiates twice."""
        leaves = self._leaves(making, x)
        if self.words.framework == "torch":
            mode, call = self._call(making, x, training=training)
            return [*mode, *second_order_in_torch([*self._bound(making), f"y = {call}"], leaves, dy, along)]
        function, kept = self._function(making, training=training)
        return second_order_in_jax(function, leaves, dy, along, aux=bool(kept))

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        """Gamma and beta are leaves that the layer holds; running statistics come out of a pure function."""
        leaves = ", ".join(self._leaves(making, x))
        if self.words.framework == "torch":
            mode, call = self._call(making, x, training=training)
            grads = [f"for leaf in [{leaves}]:", "    leaf.requires_grad_()"]
            return [*mode, *grads, *self._bound(making), f"y = {call}"]
        function, kept = self._function(making, training=training)
        if not kept:
            return [*function, f"y, pull{mark} = jax.vjp(function, {leaves})"]
        return [*function, f"y, pull{mark}, ({kept}) = jax.vjp(function, {leaves}, has_aux=True)"]

    def _function(self, making: Making, *, training: bool) -> tuple[Lines, str]:
        """A pure function of what is differentiated, and the statistics that come out of it beside y."""
        mode, call = self._call(making, "x", training=training)
        held = [self._place(role, making.to) for role in ("running_mean", "running_var") if self.slots[role]]
        kept = ", ".join(held)
        body = [*self._bound(making), f"return {call}, ({kept})" if kept else f"return {call}"]
        head = f"def function({', '.join(self._leaves(making, 'x'))}):"
        return [*mode, head, *indented(body)], kept

    def _leaves(self, making: Making, x: str) -> Lines:
        return [x, *(("gamma", "beta") if making.case.affine else ())]

    def _bound(self, making: Making) -> Lines:
        """Gamma and beta go into the layer."""
        lines: Lines = []
        for role in ("gamma", "beta") if making.case.affine else ():
            place = self._place(role, making.to)
            lines.append(f"{place} = {role if role in self.flat else f'{role}.reshape({place}.shape)'}")
        return lines

    def _close(self, making: Making, x: str, dy: str, mark: str) -> Lines:
        names = "dx, dgamma, dbeta" if making.case.affine else "dx,"
        if self.words.framework == "jax":
            return [f"{names} = pull{mark}({dy})"]
        leaves, y = ", ".join(self._leaves(making, x)), f"y{mark}_" if mark else "y"
        return [f"{names} = torch.autograd.grad({y}, [{leaves}], {dy}, materialize_grads=True)"]

    def changed(self, making: Making, _step: Step, number: int, /) -> Lines:
        """A copy; layers of this kind are offered nothing else."""
        return [f"left{number}, {making.to} = {making.to}, copy.deepcopy({making.to})"]

    def given(self, role: str, value: str) -> str:
        """The attribute is replaced."""
        place = self._place(role, "layer")
        shaped = value if role in self.flat else f"{value}.reshape({place}.shape)"
        return f"{place} = {self.words.copied.format(shaped)}"

    def held(self, role: str, of: str = "layer") -> str:
        """The attribute."""
        place = self._place(role, of)
        return place if role in self.flat else f"{place}.reshape(-1)"

    def count(self) -> str:
        """Layers of this kind are not asked for a count."""
        return "None"


def _entry(entries: Mapping[str, Any], role: str) -> str:
    """The name under which the gradient of gamma or beta stands."""
    return next((name for name in gradient_names(_NAMES[role]) if name in entries), f"d{role}")
