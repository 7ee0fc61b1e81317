"""A spelling: how one kind of target is written down in Python, line by line; an adapter may bring its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, runtime_checkable

import numpy as np

from bncheck.adapter import Config
from bncheck.adapters.signatures import Signature
from bncheck.case import Case
from bncheck.direction import Direction
from bncheck.errors import UsageError
from bncheck.implementation import Implementation
from bncheck.reproducer.frameworks import Words
from bncheck.reproducer.naming import Naming, naming_of
from bncheck.step import Step
from bncheck.target import parse_target

Lines = list[str]
# What an adapter's slots are named for.
SLOTS = {"gamma": "gamma", "beta": "beta", "running_mean": "mean", "running_var": "var"}


@dataclass(frozen=True, slots=True)
class Making:
    """What a layer is made for.  `to`: the name that it gets.  `own`: whether the arrays that it is given must stay as
    they are, so that it gets copies.
    """

    case: Case
    momentum: float | None
    to: str = "layer"
    own: bool = False


@runtime_checkable
class Spelling(Protocol):
    """Arrays are named x, dy, gamma, beta, running_mean and running_var; y, dx, dgamma and dbeta come out of a call."""

    @property
    def words(self) -> Words:
        """Those of the framework."""

    @property
    def naming(self) -> Naming:
        """How the script comes by the target."""

    def made(self, making: Making) -> Lines:
        """A layer with the parameters and statistics of a case."""

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """y of the expression `x`, without gradients."""

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """y, dx, dgamma and dbeta."""

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """y in training, with what the backward pass of that number needs later."""

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """dx, dgamma and dbeta of the forward pass of that number."""

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """A step that changes the layer and computes nothing; what a copy or a new one takes over from is `left{number}`."""

    def given(self, role: str, value: str) -> str:
        """A line that gives the layer a running statistic, a copy of the expression `value`."""

    def held(self, role: str, of: str = "layer") -> str:
        """The expression for gamma, beta or a running statistic, shape (C,)."""

    def count(self) -> str:
        """The expression for the count of batches."""


@runtime_checkable
class FurtherSpelling(Spelling, Protocol):
    """One that has words for derivatives beyond the gradients; `along`: the names of the arrays of a direction."""

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """y and `tangent`, its derivative along a direction."""

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """`second_dy`, `second_x` and `second_gamma`: what the inner product of the gradients and a direction
        depends on.
        """


class InHalves:
    """The part of a spelling that writes a step as its forward half, which keeps a pullback, and its backward half.

    `mark`: what the names of a step's own arrays end with, nothing where there is one step alone.
    """

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        """y, and the pullback."""
        raise NotImplementedError

    def _close(self, making: Making, dy: str, mark: str) -> Lines:
        """dx, dgamma and dbeta by the pullback."""
        raise NotImplementedError

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """One half after the other."""
        return [*self._open(making, x, "", training=training), *self._close(making, dy, "")]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The forward half of that number."""
        return self._open(making, x, str(number), training=True)

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """The backward half of that number."""
        return self._close(making, dy, str(number))


class OfAttributes:
    """The part of a spelling whose layers hold arrays as attributes, which are replaced."""

    words: Words
    names: Mapping[str, str] = {"gamma": "weight", "beta": "bias"}

    def given(self, role: str, value: str) -> str:
        """The attribute is replaced."""
        return f"{self.held(role)} = {self.words.copied.format(value)}"

    def held(self, role: str, of: str = "layer") -> str:
        """The attribute."""
        return f"{of}.{self.names.get(role, role)}"


# By the name of the adapter: where its spelling is made.
_BUILT_IN: Mapping[str, tuple[str, str]] = {
    "torch_module": ("bncheck.reproducer.modules", "TorchModule"),
    "torch_compile": ("bncheck.reproducer.modules", "CompiledModule"),
    "layer_class": ("bncheck.reproducer.layers", "Layer"),
    "function": ("bncheck.reproducer.functions", "Function"),
    "torch_native": ("bncheck.reproducer.functions", "Function"),
    "haiku": ("bncheck.reproducer.haiku_layers", "HaikuLayer"),
    "equinox": ("bncheck.reproducer.equinox_layers", "EquinoxLayer"),
    "flax_linen": ("bncheck.reproducer.flax_layers", "Linen"),
    "flax_nnx": ("bncheck.reproducer.flax_layers", "Nnx"),
    "tensorflow_fused": ("bncheck.reproducer.tensorflow_ops", "Fused"),
    "tensorflow_moments": ("bncheck.reproducer.tensorflow_ops", "Moments"),
    "keras": ("bncheck.reproducer.keras_layers", "KerasLayer"),
    "paddle": ("bncheck.reproducer.paddle_layers", "PaddleLayer"),
    "mlx": ("bncheck.reproducer.mlx_layers", "MlxLayer"),
    "tinygrad": ("bncheck.reproducer.tinygrad_layers", "TinygradLayer"),
    "onnx.reference": ("bncheck.reproducer.onnx_nodes", "OnnxNode"),
    "onnxruntime": ("bncheck.reproducer.onnx_nodes", "OnnxNode"),
    "openvino": ("bncheck.reproducer.onnx_nodes", "OnnxNode"),
}


def spelling_of(implementation: Implementation) -> Spelling:
    """The adapter's own, from its method `spelling()`, else that of its kind; UsageError where there is none."""
    adapter = implementation.adapter
    own = getattr(adapter, "spelling", None)
    if callable(own):
        found = own()
        if not isinstance(found, Spelling):
            raise UsageError(
                f"the spelling of the adapter {adapter.name} is a {type(found).__name__} that lacks methods of "
                "bncheck.reproducer.spelling.Spelling"
            )
        return found
    if adapter.name not in _BUILT_IN:
        raise UsageError(
            f"no script can be written for {implementation.name}: its adapter {adapter.name} has no method spelling()"
        )
    module, name = _BUILT_IN[adapter.name]
    made: Spelling = getattr(import_module(module), name)(
        adapter, naming_of(parse_target(implementation.name)), implementation.device
    )
    return made


def indented(lines: Lines) -> Lines:
    """One level deeper."""
    return [f"    {line}" for line in lines]


def called(name: str, signature: Signature, values: Mapping[str, str], defaults: Mapping[str, object]) -> str:
    """The call of `name` with expressions by role.

    `defaults`: what a role would be given, by value, so that one that the signature gives by itself is left out.
    """
    positional: Lines = []
    named = [f"{key}={value!r}" for key, value in signature.options.items()]
    first = next(iter(signature.roles), None)
    for role, parameter in signature.roles.items():
        if role not in values:
            continue
        usual = parameter.default
        if role in defaults and usual is not parameter.empty and _same(usual, defaults[role]):
            continue
        if parameter.kind is parameter.POSITIONAL_ONLY or role == first:
            positional.append(values[role])
        else:
            named.append(f"{parameter.name}={values[role]}")
    return f"{name}({', '.join([*positional, *named])})"


def _same(usual: object, given: object) -> bool:
    return type(usual) is type(given) and usual == given


def constructed(making: Making, *, dtype: str, device: str, momentum: float | None) -> dict[str, str]:
    """The constructor's arguments by role, as expressions."""
    case = making.case
    return {
        "channels": str(case.channels),
        "rank": str(case.x.ndim),
        "eps": repr(case.eps),
        "momentum": repr(momentum),
        "affine": repr(case.affine),
        "dtype": dtype,
        "device": repr(device),
    }


def usual_arguments(making: Making, momentum: float | None, *, device: str, plain: bool) -> dict[str, object]:
    """The same as values, where a default may stand for them: a dtype and a device of None for float32 on the CPU."""
    usual: dict[str, object] = {
        "eps": making.case.eps,
        "momentum": momentum,
        "affine": making.case.affine,
    }
    if plain:
        usual["dtype"] = None
    if device == "cpu":
        usual["device"] = None
    return usual


def parameter_dtype(case: Case) -> str:
    """The dtype that a layer for a case is made in."""
    array = next((each for each in (case.gamma, case.running_mean) if each is not None), case.x)
    return array.dtype.name


def sample_config(device: str) -> Config:
    """What a layer to look at is made for."""
    float32 = np.dtype(np.float32)
    return Config((4, 3), 1e-3, 0.5, affine=True, dtype=float32, parameter_dtype=float32, device=device)


def fresh_value(adapter: Any, array: Any) -> float | None:
    """The one number that an array of a new layer is full of; None where it holds several, or is none."""
    if array is None:
        return None
    found = adapter.fetch(array).reshape(-1)
    return float(found[0]) if found.size and (found == found[0]).all() else None


def stands(case: Case, role: str, value: float | None) -> bool:
    """Whether an array of a case is full of the number that a new layer has there, and lies as it does."""
    array = getattr(case, role)
    if value is None or role in case.layouts:
        return False
    return bool((array == value).all() and not np.signbit(array.astype(np.float64)).any())
