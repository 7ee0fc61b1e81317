"""Planted bugs in JAX: parts of a compiled layer, and what a compilation keeps that it should not."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp

from bncheck.adapter import Adapter
from bncheck.planted.jax_layer import JaxLayer, JaxLayerAdapter, Step, Values, along, beside, compiled


def _planted(layer: JaxLayer, step: Callable[[JaxLayer], Step] = compiled) -> Adapter:
    return JaxLayerAdapter(layer, step=step, few=True)


def swapped() -> Adapter:
    """momentum.swapped."""
    return _planted(JaxLayer(blend=lambda old, new, w: w * old + (1 - w) * new))


def biased() -> Adapter:
    """running_var.biased."""
    return _planted(JaxLayer(tracked=lambda variance, _m: variance))


def eps_outside() -> Adapter:
    """eps.outside_the_root."""
    return _planted(JaxLayer(inverse=lambda variance, eps: 1 / (jnp.sqrt(variance) + eps)))


def one_pass() -> Adapter:
    """numerics.one_pass."""

    def variance(x: Values, mean: Values) -> Values:
        return jnp.maximum(jnp.mean(x * x, along(x)) - mean * mean, 0)

    return _planted(JaxLayer(variance=variance))


def stopped() -> Adapter:
    """gradient_dx.constant_statistics."""
    return _planted(JaxLayer(held=jax.lax.stop_gradient))


def of_the_batch() -> Adapter:
    """mode.batch_statistics_in_evaluation."""
    layer = JaxLayer()

    def given(x: Values, _mean: Values, _var: Values) -> tuple[Values, Values]:
        mean = layer.mean(x)
        return mean, layer.variance(x, mean)

    return _planted(JaxLayer(given=given))


def mean_with_own_gradient() -> Adapter:
    """gradient_dx.mean_with_a_rule_of_its_own: a custom rule for the mean forgets to divide."""

    @jax.custom_vjp
    def mean(x: Values) -> Values:
        return jnp.mean(x, along(x))

    def forward(x: Values) -> tuple[Values, Values]:
        return mean(x), x

    def backward(x: Values, cotangent: Values) -> tuple[Values]:
        return (jnp.broadcast_to(beside(cotangent, x), x.shape),)

    mean.defvjp(forward, backward)
    return _planted(JaxLayer(mean=mean))


def _first_numbers(layer: JaxLayer, place: int) -> Step:
    """A number of the first call of each shape is a constant in all later ones."""
    step, known = compiled(layer), dict[object, Values]()

    def stepped(
        x: Values, dy: Values, gamma: Values, beta: Values, rest: Values, *, training: bool
    ) -> object:
        numbers = list(rest)
        numbers[place] = known.setdefault((x.shape, x.dtype, gamma is None, training), numbers[place])
        return step(x, dy, gamma, beta, tuple(numbers), training=training)

    return stepped  # type: ignore[return-value]  # as step does


def eps_of_the_first_call() -> Adapter:
    """eps.of_the_first_call."""
    return _planted(JaxLayer(), lambda layer: _first_numbers(layer, 2))


def momentum_of_the_first_call() -> Adapter:
    """momentum.of_the_first_call."""
    return _planted(JaxLayer(), lambda layer: _first_numbers(layer, 3))


def statistics_of_the_first_call() -> Adapter:
    """state.statistics_of_the_first_call: the running mean was closed over when the function was traced."""
    return _planted(JaxLayer(), lambda layer: _first_numbers(layer, 0))
