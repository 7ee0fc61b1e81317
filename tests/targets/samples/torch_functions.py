"""Functions on tensors: one returns its running statistics, one changes them in place, one keeps its eps to itself."""

# As users write: no types, short names.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import torch


def returning(X, gamma, beta, moving_mean, moving_var, eps, momentum):
    axes = [axis for axis in range(X.dim()) if axis != 1]
    shape = [1, -1] + [1] * (X.dim() - 2)
    mean, var = X.mean(axes), X.var(axes, unbiased=False)
    unbiased = X.var(axes, unbiased=True)
    X_hat = (X - mean.reshape(shape)) / torch.sqrt(var.reshape(shape) + eps)
    moving_mean = momentum * moving_mean + (1.0 - momentum) * mean
    moving_var = momentum * moving_var + (1.0 - momentum) * unbiased
    return gamma.reshape(shape) * X_hat + beta.reshape(shape), moving_mean, moving_var


returning.__bncheck__ = {"dialect": {"momentum": "old"}}


def in_place(x, running_mean, running_var, weight=None, bias=None, training=True, momentum=0.1, epsilon=1e-5):
    if training:
        mean, var = x.mean(0), x.var(0, unbiased=False)
        with torch.no_grad():
            running_mean.mul_(1 - momentum).add_(momentum * mean)
            running_var.mul_(1 - momentum).add_(momentum * x.var(0, unbiased=True))
    else:
        mean, var = running_mean, running_var
    y = (x - mean) / torch.sqrt(var + epsilon)
    return y if weight is None else y * weight + bias


def secretive(x):
    return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 0.003)
