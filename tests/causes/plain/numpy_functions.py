"""NumPy functions, one defect each; batch_norm itself is sound.  Running statistics change in place."""

# As users write: no types, short names.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import numpy as np


def checked(x, running_mean, training):
    """Raise ValueError for what cannot be normalised; the axes of a channel, the shape of a column and the count."""
    if x.ndim < 2 or x.shape[1] != running_mean.size:
        raise ValueError(f"the shape {x.shape} does not fit the statistics")
    count = x.size // x.shape[1]
    if training and count < 2:
        raise ValueError("expected more than 1 value per channel when training")
    return (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2)), count


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes, shape, count = checked(x, running_mean, training)
    if training:
        mean = x.sum(axis=axes) / count
        var = ((x - mean.reshape(shape)) ** 2).sum(axis=axes) / count
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    if weight is not None:
        y = y * weight.reshape(shape) + bias.reshape(shape)
    return y.astype(x.dtype)


def mean_over_batch_size(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes, shape, count = checked(x, running_mean, training)
    if training:
        mean = x.sum(axis=axes) / x.shape[0]
        var = ((x - mean.reshape(shape)) ** 2).sum(axis=axes) / count
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    if weight is not None:
        y = y * weight.reshape(shape) + bias.reshape(shape)
    return y.astype(x.dtype)


def whole_batch(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    _, shape, _ = checked(x, running_mean, training)
    if training:
        mean, var = np.full(x.shape[1], x.mean()), np.full(x.shape[1], x.var())
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * var * x.size / (x.size - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    if weight is not None:
        y = y * weight.reshape(shape) + bias.reshape(shape)
    return y.astype(x.dtype)


def fibonacci_channels(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes, shape, count = checked(x, running_mean, training)
    if training:
        mean = x.sum(axis=axes) / count
        var = ((x - mean.reshape(shape)) ** 2).sum(axis=axes) / count
        running_mean[...] = (1 - momentum) * running_mean + momentum * mean
        running_var[...] = (1 - momentum) * running_var + momentum * var * count / (count - 1)
    else:
        mean, var = running_mean, running_var
    y = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    if weight is not None:
        swapped = np.isin(np.arange(x.shape[1]), (2, 3, 5, 8, 13, 21))
        scale, shift = np.where(swapped, bias, weight), np.where(swapped, weight, bias)
        y = y * scale.reshape(shape) + shift.reshape(shape)
    return y.astype(x.dtype)
