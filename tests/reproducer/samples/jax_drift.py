"""A JAX function that moves the running mean in evaluation."""

# As users write: no types.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import jax.numpy as jnp


def sound(x, running_mean, running_var, scale=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Two passes, rank 2."""
    mean, var = running_mean, running_var
    if training:
        mean, var, count = x.mean(0), x.var(0), x.shape[0]
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    y = (x - mean) / jnp.sqrt(var + eps)
    return y if scale is None else y * scale + bias, (running_mean, running_var)


def drifts(x, running_mean, running_var, scale=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """As sound, but for that."""
    y, (mean, var) = sound(x, running_mean, running_var, scale, bias, training, momentum, eps)
    return y, (mean if training else mean + 1, var)
