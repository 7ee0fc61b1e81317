"""A sound layer in JAX whose parts can be replaced, compiled as one function a mode, and its adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from bncheck.adapter import Config, Gradients, Pullback, Second, State
from bncheck.adapters.arrays import ArraysAdapter, unchangeable
from bncheck.adapters.jax_arrays import JaxArrays, completed
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction

# A jax.Array, or a tracer that stands for one.
Values: TypeAlias = Any


@dataclass(slots=True)
class JaxMade:
    """One layer: its arrays and the number of batches."""

    config: Config
    gamma: Values | None = None
    beta: Values | None = None
    running_mean: Values | None = None
    running_var: Values | None = None
    batches: int = 0


def beside(vector: Values, x: Values) -> Values:
    """(C,) as (1, C, 1, ...)."""
    return vector.reshape(1, -1, *(1,) * (x.ndim - 2))


def along(x: Values) -> tuple[int, ...]:
    """All axes but that of the channels."""
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def squares(x: Values, mean: Values) -> Values:
    """The biased variance about a mean."""
    return jnp.mean((x - beside(mean, x)) ** 2, along(x))


def normalised(x: Values, mean: Values, r: Values) -> Values:
    """(x - mean) r."""
    return (x - beside(mean, x)) * beside(r, x)


@dataclass(frozen=True, slots=True)
class JaxLayer:
    """Parts that can be replaced; all are traced, and eps and the weight of the new batch with them."""

    mean: Callable[[Values], Values] = lambda x: jnp.mean(x, along(x))
    variance: Callable[[Values, Values], Values] = squares
    inverse: Callable[[Values, Values], Values] = lambda variance, eps: jax.lax.rsqrt(variance + eps)
    normalised: Callable[[Values, Values, Values], Values] = normalised
    tracked: Callable[[Values, int], Values] = lambda variance, m: variance * (m / (m - 1))
    blend: Callable[[Values, Values, Values], Values] = lambda old, new, w: (1 - w) * old + w * new
    held: Callable[[Values], Values] = lambda moment: moment
    given: Callable[[Values, Values, Values], tuple[Values, Values]] = lambda _x, mean, var: (mean, var)

    def forward(
        self, x: Values, gamma: Values | None, beta: Values | None, rest: tuple[Values, ...], training: bool
    ) -> tuple[Values, tuple[Values, Values]]:
        """y, and the running statistics after it; `rest`: those before it, eps and the weight of the new batch."""
        running_mean, running_var, eps, w = rest
        values = x.astype(eps.dtype)
        old = running_mean.astype(eps.dtype), running_var.astype(eps.dtype)
        if training:
            m = values.size // values.shape[1]
            mean = self.held(self.mean(values))
            variance = self.held(self.variance(values, mean))
            moved = self.blend(old[0], mean, w), self.blend(old[1], self.tracked(variance, m), w)
            after = moved[0].astype(running_mean.dtype), moved[1].astype(running_var.dtype)
        else:
            mean, variance = self.given(values, *old)
            after = running_mean, running_var
        y = self.normalised(values, mean, self.inverse(variance, eps))
        if gamma is not None and beta is not None:
            y = y * beside(gamma.astype(y.dtype), y) + beside(beta.astype(y.dtype), y)
        return y, after


Step = Callable[..., tuple[Values, tuple[Values, Values], tuple[Values | None, ...]]]


def compiled(layer: JaxLayer) -> Step:
    """y, running statistics and gradients of one dy, in one compiled function."""

    @partial(jax.jit, static_argnames=("training",))
    def step(
        x: Values,
        dy: Values,
        gamma: Values | None,
        beta: Values | None,
        rest: tuple[Values, ...],
        *,
        training: bool,
    ) -> tuple[Values, tuple[Values, Values], tuple[Values | None, ...]]:
        y, pull, after = jax.vjp(
            lambda x, gamma, beta: layer.forward(x, gamma, beta, rest, training), x, gamma, beta, has_aux=True
        )
        return y.astype(x.dtype), after, pull(dy.astype(y.dtype))

    return step


class JaxLayerAdapter(ArraysAdapter):
    """A layer whose forward and backward pass are one function: a forward pass alone takes a dy of zeros."""

    name = "planted"
    capabilities = Capabilities(
        dtypes=("float32", "float64", "float16", "bfloat16"),
        plain=True,
        cumulative=True,
        compiles=True,
        actions=("momentum",),
        counter=True,
        forward_mode=True,
        second_order=True,
        reasons=unchangeable(JaxArrays("cpu")),
    )

    def __init__(
        self, layer: JaxLayer, *, step: Callable[[JaxLayer], Step] = compiled, few: bool = False
    ) -> None:
        """`few`: in float32 and ranks 2 and 3 alone, with gamma and beta, and no derivatives beyond the gradients: there
        is less to compile.
        """
        if few:
            less = {"ranks": (2, 3), "plain": False, "forward_mode": False, "second_order": False}
            self.capabilities = replace(self.capabilities, dtypes=("float32",), **less)  # type: ignore[arg-type]  # fields
        self.arrays = JaxArrays("cpu")
        self.dialect: Dialect = replace(self.arrays.dialect, single="raise", empty="raise")
        self.step = step(layer)
        self.layer = layer
        self.further = jax.jit(self._further, static_argnames=("training",))

    def make(self, config: Config) -> JaxMade:
        """Running statistics 0 and 1."""
        zero = np.zeros(config.channels).astype(config.parameter_dtype)
        return JaxMade(config, running_mean=self.place(zero), running_var=self.place(np.ones_like(zero)))

    def set_params(self, handle: JaxMade, gamma: Native, beta: Native) -> None:
        """Placed."""
        handle.gamma, handle.beta = self.place(gamma), self.place(beta)

    def get_state(self, handle: JaxMade) -> State:
        """Fetched."""
        return State(self.fetch(handle.running_mean), self.fetch(handle.running_var), handle.batches)

    def set_state(self, handle: JaxMade, state: State) -> None:
        """Placed, with the count of batches."""
        if state.mean is not None and state.var is not None:
            handle.running_mean, handle.running_var = self.place(state.mean), self.place(state.var)
        handle.batches = state.batches or 0

    def set_momentum(self, handle: JaxMade, momentum: float | None) -> None:
        """From now on."""
        handle.config = replace(handle.config, momentum=momentum)

    def forward(self, handle: JaxMade, x: Values, training: bool) -> Values:
        """y."""
        return self._stepped(handle, x, x, training=training)[0]

    def vjp(self, handle: JaxMade, x: Values, training: bool) -> tuple[Values, Pullback]:
        """y, and a pullback that repeats the forward pass from the statistics before it."""
        before = replace(handle)
        y = self.forward(handle, x, training)
        return y, lambda dy: self._stepped(replace(before), x, dy, training=training)[1]

    def evaluate(self, handle: JaxMade, x: Values, dy: Values, training: bool) -> tuple[Values, Gradients]:
        """Both at once."""
        return self._stepped(handle, x, dy, training=training)

    def tangent(
        self, handle: JaxMade, x: Values, direction: Direction, training: bool
    ) -> tuple[Values, Values]:
        """In one compiled function."""
        given = (x, handle.gamma, handle.beta)
        with self.arrays.scope(handle.config.dtype, training=training):
            along = completed(direction, given)
            found: tuple[Values, Values] = self.further(
                given, None, along, self._rest(handle), training=training
            )
        return found

    def second_order(
        self, handle: JaxMade, x: Values, dy: Values, direction: Direction, training: bool
    ) -> tuple[Values, Second]:
        """In one compiled function."""
        given = (x, handle.gamma, handle.beta)
        with self.arrays.scope(handle.config.dtype, training=training):
            along = completed(direction, given)
            found: tuple[Values, Second] = self.further(
                given, dy, along, self._rest(handle), training=training
            )
        return found

    def _further(
        self,
        given: tuple[Values | None, ...],
        dy: Values | None,
        direction: Direction,
        rest: tuple[Values, ...],
        *,
        training: bool,
    ) -> tuple[Values, Any]:
        """y, and its tangent, or with a dy the derivatives of its gradients."""

        def function(x: Values, gamma: Values | None, beta: Values | None) -> tuple[Values, object]:
            return self.layer.forward(x, gamma, beta, rest, training)

        if dy is None:
            return self.arrays.jvp(function, given, direction)
        return self.arrays.second(function, given, dy, direction)

    def _rest(self, made: JaxMade) -> tuple[Values, ...]:
        config = made.config
        weight = 1 / (made.batches + 1) if config.momentum is None else config.momentum
        arithmetic = jnp.float64 if config.dtype == np.float64 else jnp.float32
        numbers = jnp.asarray(config.eps, arithmetic), jnp.asarray(weight, arithmetic)
        return made.running_mean, made.running_var, *numbers

    def _stepped(self, made: JaxMade, x: Values, dy: Values, *, training: bool) -> tuple[Values, Gradients]:
        channels, config = len(made.running_mean), made.config  # type: ignore[arg-type]  # an array from the start
        if x.shape[1] != channels:
            raise ValueError(f"x has {x.shape[1]} channels, expected {channels}")
        if training and x.size <= channels:
            raise ValueError(f"x of shape {x.shape} has less than two values per channel; training needs two")
        with self.arrays.scope(config.dtype, training=training):
            rest = self._rest(made)
            y, after, gradients = self.step(x, dy, made.gamma, made.beta, rest, training=training)
        made.running_mean, made.running_var = after
        made.batches += int(training)
        return y, Gradients(*gradients)
