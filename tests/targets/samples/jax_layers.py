"""JAX: a function that returns its running statistics, and a class that keeps them."""

# As users write: no types, short names.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import jax.numpy as jnp


def batch_norm(x, scale, bias, running_mean, running_var, train, momentum, eps):
    mean, var = running_mean, running_var
    if train:
        mean, var = x.mean(0), x.var(0)
        count = x.shape[0]
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    y = (x - mean) / jnp.sqrt(var + eps) * scale + bias
    return y, (running_mean, running_var)


class Layer:
    def __init__(self, channels, eps=1e-5):
        self.scale = jnp.ones(channels)
        self.offset = jnp.zeros(channels)
        self.eps = eps

    def __call__(self, x):
        return (x - x.mean(0)) / jnp.sqrt(x.var(0) + self.eps) * self.scale + self.offset
