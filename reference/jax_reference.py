"""Batch normalisation in JAX, compiled by jax.jit and differentiated by jax.vjp, on CPU or GPU.

What is compiled depends on shapes, dtypes, the mode, the channel axis and which arguments are None, and on no
value: eps and the weight of the new batch are traced.
Source: Ioffe and Szegedy (2015), Batch Normalization, Algorithms 1 and 2 and section 3.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

Gradients: TypeAlias = tuple[jax.Array, jax.Array | None, jax.Array | None]
Pullback: TypeAlias = Callable[[jax.Array], Gradients]
Running: TypeAlias = tuple[jax.Array | None, jax.Array | None]
_Given: TypeAlias = tuple[jax.Array, jax.Array | None, jax.Array | None, jax.Array | None, jax.Array | None]


class Forward(NamedTuple):
    """What one evaluation returns; running statistics are None where none were given."""

    y: jax.Array
    running_mean: jax.Array | None
    running_var: jax.Array | None
    batches: int


class _Arguments(NamedTuple):
    """What is traced; the scalars have the format of the arithmetic, `kept` being one minus `weight`."""

    x: jax.Array
    gamma: jax.Array | None
    beta: jax.Array | None
    running_mean: jax.Array | None
    running_var: jax.Array | None
    eps: jax.Array
    weight: jax.Array
    kept: jax.Array


def batch_norm(
    x: jax.Array,
    gamma: jax.Array | None = None,
    beta: jax.Array | None = None,
    running_mean: jax.Array | None = None,
    running_var: jax.Array | None = None,
    *,
    training: bool,
    eps: float,
    momentum: float | None,
    batches: int = 0,
    channel_axis: int = 1,
) -> Forward:
    """Normalise: y = gamma (x - mu) / sqrt(var + eps) + beta, and the running statistics after it.

    Training: mu and var are the mean and the biased variance of the m values of a channel, and with weight w
    running <- (1 - w) running + w (mu, var m/(m-1)): the running variance is unbiased.  w = momentum, the
    weight of the new batch, or 1/(batches + 1), the cumulative average, where momentum is None.
    Evaluation: mu and var are the running statistics, which are returned unchanged.

    x has ranks 2 to 5 and C channels along channel_axis (1 or -1); everything else has shape (C,).
    float64 x computes in float64 and needs the caller's `jax.enable_x64(True)`, any other x in float32; y is
    rounded once to the dtype of x, running statistics to their own.
    Raises ValueError for training on fewer than two values per channel, for evaluation without running
    statistics and for float64 outside `jax.enable_x64(True)`.
    """
    arguments = _arguments(
        (x, gamma, beta, running_mean, running_var),
        eps=eps,
        weight=1 / (batches + 1) if momentum is None else momentum,
    )
    y: jax.Array
    running: Running
    y, running = _compiled_forward(arguments, training=training, channel_axis=channel_axis)
    if not training:
        running = running_mean, running_var
    return Forward(y, *running, batches + int(training))


def batch_norm_vjp(
    x: jax.Array,
    gamma: jax.Array | None,
    beta: jax.Array | None,
    running_mean: jax.Array | None,
    running_var: jax.Array | None,
    *,
    training: bool,
    eps: float,
    momentum: float | None,
    batches: int = 0,
    channel_axis: int = 1,
) -> tuple[Forward, Pullback]:
    """`batch_norm`, and the pullback dy -> (dx, dgamma, dbeta), which repeats the forward pass.

    dy and dx have the shape of x; dgamma and dbeta have shape (C,) and are None where gamma and beta are.
    Raises as `batch_norm` does.
    """
    given = x, gamma, beta, running_mean, running_var
    forward = batch_norm(
        *given, training=training, eps=eps, momentum=momentum, batches=batches, channel_axis=channel_axis
    )

    def pullback(dy: jax.Array) -> Gradients:
        """(dx, dgamma, dbeta); may be called again with another dy."""
        _, gradients = batch_norm_with_gradients(
            x,
            dy,
            *given[1:],
            training=training,
            eps=eps,
            momentum=momentum,
            batches=batches,
            channel_axis=channel_axis,
        )
        return gradients

    return forward, pullback


def batch_norm_with_gradients(  # noqa: PLR0917 - the arguments of batch_norm, and dy
    x: jax.Array,
    dy: jax.Array,
    gamma: jax.Array | None,
    beta: jax.Array | None,
    running_mean: jax.Array | None,
    running_var: jax.Array | None,
    *,
    training: bool,
    eps: float,
    momentum: float | None,
    batches: int = 0,
    channel_axis: int = 1,
) -> tuple[Forward, Gradients]:
    """`batch_norm` and (dx, dgamma, dbeta) for one dy, in one compiled function.

    dy and dx have the shape of x; dgamma and dbeta have shape (C,) and are None where gamma and beta are.
    Each gradient is accumulated in the format of the arithmetic, then rounded once to its argument's dtype.
    Raises as `batch_norm` does.
    """
    arguments = _arguments(
        (x, gamma, beta, running_mean, running_var),
        eps=eps,
        weight=1 / (batches + 1) if momentum is None else momentum,
    )
    y: jax.Array
    running: Running
    gradients: Gradients
    y, running, gradients = _compiled_gradients(arguments, dy, training=training, channel_axis=channel_axis)
    if not training:
        running = running_mean, running_var
    return Forward(y, *running, batches + int(training)), gradients


@partial(jax.jit, static_argnames=("training", "channel_axis"))
def _compiled_forward(
    arguments: _Arguments, *, training: bool, channel_axis: int
) -> tuple[jax.Array, Running]:
    unrounded, running = _forward(arguments, training=training, channel_axis=channel_axis)
    return unrounded.astype(arguments.x.dtype), running


@partial(jax.jit, static_argnames=("training", "channel_axis"))
def _compiled_gradients(
    arguments: _Arguments, dy: jax.Array, *, training: bool, channel_axis: int
) -> tuple[jax.Array, Running, Gradients]:
    def of_differentiated(
        x: jax.Array, gamma: jax.Array | None, beta: jax.Array | None
    ) -> tuple[jax.Array, Running]:
        replaced = arguments._replace(x=x, gamma=gamma, beta=beta)
        return _forward(replaced, training=training, channel_axis=channel_axis)

    unrounded: jax.Array
    running: Running
    unrounded, pullback, running = jax.vjp(
        of_differentiated, arguments.x, arguments.gamma, arguments.beta, has_aux=True
    )
    dx, dgamma, dbeta = pullback(dy.astype(unrounded.dtype))
    return unrounded.astype(arguments.x.dtype), running, (dx, dgamma, dbeta)


def _forward(arguments: _Arguments, *, training: bool, channel_axis: int) -> tuple[jax.Array, Running]:
    """Return y in the format of the arithmetic, and the new running statistics (in evaluation, None)."""
    x, gamma, beta, running_mean, running_var, eps, weight, kept = arguments
    arithmetic = eps.dtype
    channel = channel_axis % x.ndim
    along = tuple(axis for axis in range(x.ndim) if axis != channel)
    beside = partial(jnp.expand_dims, axis=along)
    values = x.astype(arithmetic)
    running: Running = None, None
    if training:
        count = math.prod(x.shape[axis] for axis in along)
        if count < 2:
            found = "one value" if count == 1 else "no value"
            raise ValueError(f"x of shape {x.shape} has {found} per channel; training needs at least two")
        mean = jnp.mean(values, axis=along)
        centred = values - beside(mean)
        variance = jnp.mean(centred * centred, axis=along)
        unbiased = variance * (count / (count - 1))
        running = (
            _blended(running_mean, mean, weight=weight, kept=kept),
            _blended(running_var, unbiased, weight=weight, kept=kept),
        )
    else:
        if running_mean is None or running_var is None:
            raise ValueError("running_mean or running_var is None; evaluation needs both")
        centred = values - beside(running_mean.astype(arithmetic))
        variance = running_var.astype(arithmetic)
    # XLA turns 1 / sqrt into rsqrt anyway; said here, the derivative is that of what runs.
    y = centred * beside(jax.lax.rsqrt(variance + eps))
    if gamma is not None:
        y = y * beside(gamma.astype(arithmetic))
    if beta is not None:
        y = y + beside(beta.astype(arithmetic))
    return y, running


def _blended(
    old: jax.Array | None, new: jax.Array, *, weight: jax.Array, kept: jax.Array
) -> jax.Array | None:
    """Return kept old + weight new, in the format of new and rounded once to the dtype of old."""
    if old is None:
        return None
    return (kept * old.astype(new.dtype) + weight * new).astype(old.dtype)


def _arguments(given: _Given, *, eps: float, weight: float) -> _Arguments:
    """The scalars in the format of the arithmetic; ValueError where JAX would narrow float64 in silence."""
    is_double = [array is not None and array.dtype == jnp.float64 for array in given]
    if any(is_double) and jnp.result_type(float) != jnp.float64:
        named = _Arguments._fields[is_double.index(True)]
        raise ValueError(
            f"{named} is float64 while JAX computes in float32; call inside jax.enable_x64(True)"
        )
    scalar = partial(jnp.asarray, dtype=jnp.float64 if is_double[0] else jnp.float32)
    return _Arguments(*given, scalar(eps), scalar(weight), scalar(1 - weight))
