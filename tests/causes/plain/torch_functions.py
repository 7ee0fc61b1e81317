"""torch functions, one defect each; batch_norm itself is sound.  Running statistics change in place."""

# As users write: no types, short names.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import torch


def checked(x, running_mean, training):
    """Raise ValueError for what cannot be normalised; the axes of a channel, the shape of a column and the count."""
    if x.dim() < 2 or x.shape[1] != running_mean.numel():
        raise ValueError(f"the shape {tuple(x.shape)} does not fit the statistics")
    count = x.numel() // x.shape[1]
    if training and count < 2:
        raise ValueError("expected more than 1 value per channel when training")
    return [0, *range(2, x.dim())], (1, -1, *[1] * (x.dim() - 2)), count


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    axes, shape, count = checked(x, running_mean, training)
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = ((x - mean.reshape(shape)) ** 2).mean(axes)
        with torch.no_grad():
            running_mean.mul_(1 - momentum).add_(momentum * mean)
            running_var.mul_(1 - momentum).add_(momentum * var * count / (count - 1))
    y = (x - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + eps)
    return y if weight is None else y * weight.reshape(shape) + bias.reshape(shape)


def always_the_batch(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes, shape, count = checked(x, running_mean, training)
    mean = x.mean(axes)
    var = ((x - mean.reshape(shape)) ** 2).mean(axes)
    if training:
        with torch.no_grad():
            running_mean.mul_(1 - momentum).add_(momentum * mean)
            running_var.mul_(1 - momentum).add_(momentum * var * count / (count - 1))
    y = (x - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + eps)
    return y if weight is None else y * weight.reshape(shape) + bias.reshape(shape)


def contiguous_copies(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes, shape, count = checked(x, running_mean, training)
    running_mean, running_var = running_mean.contiguous(), running_var.contiguous()
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = ((x - mean.reshape(shape)) ** 2).mean(axes)
        with torch.no_grad():
            running_mean.mul_(1 - momentum).add_(momentum * mean)
            running_var.mul_(1 - momentum).add_(momentum * var * count / (count - 1))
    y = (x - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + eps)
    return y if weight is None else y * weight.reshape(shape) + bias.reshape(shape)


def running_mean_stuck(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    axes, shape, count = checked(x, running_mean, training)
    mean, var = running_mean, running_var
    if training:
        mean = x.mean(axes)
        var = ((x - mean.reshape(shape)) ** 2).mean(axes)
        with torch.no_grad():
            running_mean = (1 - momentum) * running_mean + momentum * mean
            running_var.mul_(1 - momentum).add_(momentum * var * count / (count - 1))
    y = (x - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + eps)
    return y if weight is None else y * weight.reshape(shape) + bias.reshape(shape)
