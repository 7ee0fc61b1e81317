"""Derivatives of a Keras layer as they are written down on each of its backends that finds any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bncheck.direction import Direction
from bncheck.reproducer.derivatives import (
    second_order_in_jax,
    second_order_in_torch,
    tangent_in_jax,
    tangent_in_torch,
)
from bncheck.reproducer.spelling import Lines, indented

_PARAMETERS = ("gamma", "beta")
_SECOND = ("second_dy", "second_x", "second_gamma")
_ZEROS = 'unconnected_gradients="zero"'


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `layer`.  `moved`: whether the channels come last for it, and second again in y."""

    layer: str
    training: bool
    affine: bool
    moved: bool

    def plain(self, x: str) -> str:
        """y of `x`."""
        return self._second(f"{self.layer}({self._last(x)}, training={self.training})")

    def stateless(self, parameters: str, x: str) -> str:
        """y of `x` and of a sequence of gamma and beta, with what the layer would keep."""
        kept = f"{self.layer}.non_trainable_variables"
        return f"{self.layer}.stateless_call({parameters}, {kept}, {self._last(x)}, training={self.training})"

    def pure(self, x: str) -> Lines:
        """y of `x`, and of gamma and beta under these names."""
        return [f"y = {self._second(f'{self.stateless(self._parameters(), x)}[0]')}"]

    def function(self) -> Lines:
        """`function` of x and the parameters, which gives y and what the layer would keep."""
        head, call = "def function(x, *parameters):", self.stateless("parameters", "x")
        if not self.moved:
            return [head, f"    return {call}"]
        return [head, f"    y, left = {call}", f"    return {self._second('y')}, left"]

    def held(self, x: str) -> Lines:
        """What y is differentiated by: `x`, and gamma and beta as the layer holds them."""
        return [x, *(f"{self.layer}.{role}.value" for role in _PARAMETERS if self.affine)]

    def named(self, x: str) -> Lines:
        """The same for a pure call."""
        return [x, *(role for role in _PARAMETERS if self.affine)]

    def gradients(self) -> str:
        """The names of the gradients, to be given a sequence of them."""
        return "dx, dgamma, dbeta" if self.affine else "dx,"

    def _parameters(self) -> str:
        return f"[{', '.join(_PARAMETERS)}]" if self.affine else "[]"

    def _last(self, x: str) -> str:
        return f"keras.ops.moveaxis({x}, 1, -1)" if self.moved else x

    def _second(self, y: str) -> str:
        return f"keras.ops.moveaxis({y}, -1, 1)" if self.moved else y


class Gradients(Protocol):
    """How a backend finds derivatives; `mark` tells the names of one forward pass from those of another."""

    def opened(self, call: Call, x: str, mark: str) -> Lines:
        """y, with what its gradients need later."""

    def closed(self, call: Call, dy: str, mark: str) -> Lines:
        """dx, dgamma and dbeta."""

    def tangent(self, call: Call, x: str, along: Direction) -> Lines:
        """y and its derivative along a direction."""

    def second_order(self, call: Call, x: str, dy: str, along: Direction) -> Lines:
        """The derivatives of the gradients along a direction."""


class TorchGradients:
    """By autograd."""

    def opened(self, call: Call, x: str, mark: str) -> Lines:
        """The leaves are those of now: a copy of the layer has others."""
        leaves = ", ".join(call.held(f"{x}.clone().requires_grad_()" if mark else f"{x}.requires_grad_()"))
        kept = f"y = y{mark}_" if mark else "y"
        return [f"leaves{mark} = [{leaves}]", f"{kept} = {call.plain(f'leaves{mark}[0]')}"]

    def closed(self, call: Call, dy: str, mark: str) -> Lines:
        """What y does not depend on has gradient zero."""
        y = f"y{mark}_" if mark else "y"
        found = f"torch.autograd.grad({y}, leaves{mark}, {dy}, materialize_grads=True)"
        return [f"{call.gradients()} = {found}"]

    def tangent(self, call: Call, x: str, along: Direction) -> Lines:
        """In forward mode."""
        return tangent_in_torch(call.pure(x), call.named(x), along)

    def second_order(self, call: Call, x: str, dy: str, along: Direction) -> Lines:
        """By autograd, twice."""
        return second_order_in_torch(call.pure(x), call.named(x), dy, along)


class JaxGradients:
    """Of the stateless call, which leaves it to its caller to keep the statistics."""

    def opened(self, call: Call, x: str, mark: str) -> Lines:
        """By jax.vjp."""
        pull = f"y, pull{mark}, left = jax.vjp(function, {', '.join(call.held(x))}, has_aux=True)"
        kept = [f"{call.layer}.moving_mean.assign(left[0])", f"{call.layer}.moving_variance.assign(left[1])"]
        return [*call.function(), pull, *(kept if call.training else [])]

    def closed(self, call: Call, dy: str, mark: str) -> Lines:
        """The pullback."""
        return [f"{call.gradients()} = pull{mark}({dy})"]

    def tangent(self, call: Call, x: str, along: Direction) -> Lines:
        """By jax.jvp."""
        return tangent_in_jax(call.function(), call.named(x), along, aux=True)

    def second_order(self, call: Call, x: str, dy: str, along: Direction) -> Lines:
        """By jax.vjp of jax.vjp."""
        return second_order_in_jax(call.function(), call.named(x), dy, along, aux=True)


class TensorflowGradients:
    """By tapes."""

    def opened(self, call: Call, x: str, mark: str) -> Lines:
        """The leaves are those of now: a copy of the layer has others."""
        kept = f"y = y{mark}_" if mark else "y"
        return [
            f"leaves{mark} = [{', '.join(call.held(x))}]",
            f"with tf.GradientTape() as tape{mark}:",
            f"    tape{mark}.watch({x})",
            f"    {kept} = {call.plain(x)}",
        ]

    def closed(self, call: Call, dy: str, mark: str) -> Lines:
        """What y does not depend on has gradient zero."""
        y = f"y{mark}_" if mark else "y"
        return [f"{call.gradients()} = tape{mark}.gradient({y}, leaves{mark}, {dy}, {_ZEROS})"]

    def tangent(self, call: Call, x: str, along: Direction) -> Lines:
        """By a forward accumulator."""
        moved = _moved(call.named(x), along)
        pair = f"[{', '.join(moved)}], [{', '.join(moved.values())}]"
        return [
            f"with tf.autodiff.ForwardAccumulator({pair}) as accumulator:",
            *indented(call.pure(x)),
            f"tangent = accumulator.jvp(y, {_ZEROS})",
        ]

    def second_order(self, call: Call, x: str, dy: str, along: Direction) -> Lines:
        """By a tape of a tape."""
        leaves, names = call.named(x), call.gradients().rstrip(",").split(", ")
        moved, wanted = _moved(names, along), [dy, *leaves[:2]]
        of, to, cotangents = ", ".join(moved), ", ".join(wanted), ", ".join(moved.values())
        return [
            "with tf.GradientTape() as outer, tf.GradientTape() as inner:",
            f"    outer.watch([{', '.join([dy, *leaves])}])",
            f"    inner.watch([{', '.join(leaves)}])",
            *indented(call.pure(x)),
            "    with inner.stop_recording():",
            f"        {call.gradients()} = inner.gradient(y, [{', '.join(leaves)}], {dy}, {_ZEROS})",
            f"{', '.join(_SECOND[: len(wanted)])} = outer.gradient([{of}], [{to}], [{cotangents}], {_ZEROS})",
        ]


def _moved(names: Lines, along: Direction) -> dict[str, str]:
    """What a direction moves, and the name of where."""
    return {name: v for name, v in zip(names, along, strict=False) if isinstance(v, str)}


# By backend; NumPy finds none.
GRADIENTS: Mapping[str, Gradients] = {
    "torch": TorchGradients(),
    "jax": JaxGradients(),
    "tensorflow": TensorflowGradients(),
}
