"""JAX functions, one defect each; batch_norm itself is sound.  Running statistics are returned."""

# As users write: no types, short names.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import jax
import jax.numpy as jnp


def checked(x, running_mean, training):
    """Raise ValueError for what cannot be normalised; the axes of a channel, the shape of a column and the count."""
    if x.ndim < 2 or x.shape[1] != running_mean.size:
        raise ValueError(f"the shape {x.shape} does not fit the statistics")
    count = x.size // x.shape[1]
    if training and count < 2:
        raise ValueError("expected more than 1 value per channel when training")
    return (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2)), count


def batch_norm(x, running_mean, running_var, scale=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes, shape, count = checked(x, running_mean, training)
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = ((x - mean.reshape(shape)) ** 2).mean(axes)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    y = (x - mean.reshape(shape)) / jnp.sqrt(var.reshape(shape) + eps)
    if scale is not None:
        y = y * scale.reshape(shape) + bias.reshape(shape)
    return y, (running_mean, running_var)


def no_root(x, running_mean, running_var, scale=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes, shape, count = checked(x, running_mean, training)
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = ((x - mean.reshape(shape)) ** 2).mean(axes)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    y = (x - mean.reshape(shape)) / (var.reshape(shape) + eps)
    if scale is not None:
        y = y * scale.reshape(shape) + bias.reshape(shape)
    return y, (running_mean, running_var)


def detached_variance(
    x, running_mean, running_var, scale=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes, shape, count = checked(x, running_mean, training)
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = jax.lax.stop_gradient(((x - mean.reshape(shape)) ** 2).mean(axes))
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    y = (x - mean.reshape(shape)) / jnp.sqrt(var.reshape(shape) + eps)
    if scale is not None:
        y = y * scale.reshape(shape) + bias.reshape(shape)
    return y, (running_mean, running_var)


def cubic(x, running_mean, running_var, scale=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes, shape, count = checked(x, running_mean, training)
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = ((x - mean.reshape(shape)) ** 2).mean(axes)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    x_hat = (x - mean.reshape(shape)) / jnp.sqrt(var.reshape(shape) + eps)
    y = x_hat + 0.01 * x_hat**3
    if scale is not None:
        y = y * scale.reshape(shape) + bias.reshape(shape)
    return y, (running_mean, running_var)
