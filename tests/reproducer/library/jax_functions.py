"""Every planted bug in JAX as a function with the usual arguments, and what they were made from: `sound`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from bncheck.planted.jax_catalogue import JAX_BUGS
from bncheck.planted.jax_layer import JaxLayer, JaxLayerAdapter

Values = Any


def function_of(name: str, adapter: Any) -> Callable[..., tuple[Values, Values, Values]]:
    """The function of a compiled layer."""

    def batch_norm(
        x: Values,
        *,
        running_mean: Values,
        running_var: Values,
        gamma: Values = None,
        beta: Values = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> tuple[Values, Values, Values]:
        """y and the running statistics after it."""
        channels = len(running_mean)
        if x.shape[1] != channels:
            raise ValueError(f"x has {x.shape[1]} channels, expected {channels}")
        if training and x.size <= channels:
            raise ValueError(f"x of shape {x.shape} has less than two values per channel")
        arithmetic = jnp.float64 if x.dtype == jnp.float64 else jnp.float32
        rest = running_mean, running_var, jnp.asarray(eps, arithmetic), jnp.asarray(momentum, arithmetic)
        y, after, _ = adapter.step(x, jnp.zeros_like(x), gamma, beta, rest, training=training)
        return y, *after

    batch_norm.__name__ = batch_norm.__qualname__ = name
    declared = {"dtypes": ["float32"], "ranks": [2, 3], "dialect": {"single": "raise", "empty": "raise"}}
    batch_norm.__bncheck__ = declared  # type: ignore[attr-defined]  # as a user declares it
    return batch_norm


sound = function_of("sound", JaxLayerAdapter(JaxLayer(), few=True))
for bug in JAX_BUGS:
    name = bug.id.replace(".", "__")
    globals()[name] = function_of(name, bug.make())
