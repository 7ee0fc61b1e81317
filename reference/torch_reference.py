"""Batch normalisation from PyTorch primitives, differentiated by autograd, on the device of its inputs.

Source: Ioffe and Szegedy (2015), Batch Normalization, Algorithms 1 and 2 and section 3.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import torch

Gradients: TypeAlias = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]
Pullback: TypeAlias = Callable[[torch.Tensor], Gradients]


class Forward(NamedTuple):
    """What one evaluation returns; running statistics are None where none were given."""

    y: torch.Tensor
    running_mean: torch.Tensor | None
    running_var: torch.Tensor | None
    batches: int


def batch_norm(
    x: torch.Tensor,
    gamma: torch.Tensor | None = None,
    beta: torch.Tensor | None = None,
    running_mean: torch.Tensor | None = None,
    running_var: torch.Tensor | None = None,
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
    float64 x computes in float64, any other x in float32; y is rounded once to the dtype of x, running
    statistics to their own.
    Raises ValueError for training on fewer than two values per channel and for evaluation without running
    statistics.
    """
    unrounded, new_mean, new_var = _forward(
        x,
        gamma,
        beta,
        running_mean,
        running_var,
        training=training,
        eps=eps,
        weight=1 / (batches + 1) if momentum is None else momentum,
        channel_axis=channel_axis,
    )
    return Forward(unrounded.to(x.dtype), new_mean, new_var, batches + int(training))


def batch_norm_vjp(
    x: torch.Tensor,
    gamma: torch.Tensor | None,
    beta: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    *,
    training: bool,
    eps: float,
    momentum: float | None,
    batches: int = 0,
    channel_axis: int = 1,
) -> tuple[Forward, Pullback]:
    """`batch_norm`, and the pullback dy -> (dx, dgamma, dbeta) that autograd finds.

    dy and dx have the shape of x; dgamma and dbeta have shape (C,) and are None where gamma and beta are.
    Each gradient is accumulated in the format of the arithmetic, then rounded once to its argument's dtype.
    Raises as `batch_norm` does.
    """
    leaves = [None if given is None else given.detach().requires_grad_() for given in (x, gamma, beta)]
    present = [leaf for leaf in leaves if leaf is not None]
    with torch.enable_grad():
        unrounded, new_mean, new_var = _forward(
            present[0],
            leaves[1],
            leaves[2],
            running_mean,
            running_var,
            training=training,
            eps=eps,
            weight=1 / (batches + 1) if momentum is None else momentum,
            channel_axis=channel_axis,
        )

    def pullback(dy: torch.Tensor) -> Gradients:
        """(dx, dgamma, dbeta); may be called again with another dy."""
        found = iter(torch.autograd.grad(unrounded, present, dy.to(unrounded.dtype), retain_graph=True))
        dx = next(found)
        return dx, None if gamma is None else next(found), None if beta is None else next(found)

    y = unrounded.detach().to(x.dtype)
    return Forward(y, new_mean, new_var, batches + int(training)), pullback


def _forward(
    x: torch.Tensor,
    gamma: torch.Tensor | None,
    beta: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    *,
    training: bool,
    eps: float,
    weight: float,
    channel_axis: int,
) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Return y in the format of the arithmetic, and the new running statistics, which carry no gradient."""
    eps, weight = float(eps), float(weight)  # a NumPy scalar on the left of a tensor would make it an array
    arithmetic = torch.float64 if x.dtype == torch.float64 else torch.float32
    along = [axis for axis in range(x.ndim) if axis != channel_axis % x.ndim]
    column = [-1 if axis == channel_axis % x.ndim else 1 for axis in range(x.ndim)]
    values = x.to(arithmetic)
    if training:
        count = _values_per_channel(x, along)
        mean = values.mean(dim=along, keepdim=True)
        centred = values - mean
        variance = (centred * centred).mean(dim=along, keepdim=True)
        new_mean = _blended(running_mean, mean, weight=weight)
        new_var = _blended(running_var, variance * (count / (count - 1)), weight=weight)
    else:
        if running_mean is None or running_var is None:
            raise ValueError("running_mean or running_var is None; evaluation needs both")
        new_mean, new_var = running_mean.detach().clone(), running_var.detach().clone()
        centred = values - new_mean.to(arithmetic).reshape(column)
        variance = new_var.to(arithmetic).reshape(column)
    # Not torch.rsqrt, which a GPU approximates; square root and division round correctly everywhere.
    y = centred * (1 / torch.sqrt(variance + eps))
    if gamma is not None:
        y = y * gamma.to(arithmetic).reshape(column)
    if beta is not None:
        y = y + beta.to(arithmetic).reshape(column)
    return y, new_mean, new_var


def _values_per_channel(x: torch.Tensor, along: list[int]) -> int:
    """How many values the statistics of a channel are taken over; ValueError where fewer than two."""
    count = math.prod(x.shape[axis] for axis in along)
    if count < 2:
        found = "one value" if count == 1 else "no value"
        raise ValueError(f"x of shape {tuple(x.shape)} has {found} per channel; training needs at least two")
    return count


def _blended(old: torch.Tensor | None, new: torch.Tensor, *, weight: float) -> torch.Tensor | None:
    """(1 - weight) old + weight new, in the format of new and rounded once to the dtype of old."""
    if old is None:
        return None
    blended = (1 - weight) * old.detach().to(new.dtype) + weight * new.detach().reshape(-1)
    return blended.to(old.dtype)
