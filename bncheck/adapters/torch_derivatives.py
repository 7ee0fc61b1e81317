"""Derivatives beyond the gradients that autograd finds: along a direction, and of the gradients themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.autograd import forward_ad

from bncheck.adapter import Second
from bncheck.direction import Direction

Tensors = Sequence[torch.Tensor | None]


def tangent_of(
    function: Callable[..., torch.Tensor], arguments: Tensors, direction: Direction
) -> tuple[torch.Tensor, torch.Tensor]:
    """y of x, gamma and beta and its derivative along a direction, in forward mode; 0 where y does not depend on them."""
    with forward_ad.dual_level():
        duals = [
            held
            if held is None or along is None
            else forward_ad.make_dual(held.detach(), along.reshape(held.shape))  # type: ignore[no-untyped-call]  # torch's is untyped
            for held, along in zip(arguments, direction, strict=True)
        ]
        y, tangent = forward_ad.unpack_dual(function(*duals))  # type: ignore[no-untyped-call]  # torch's is untyped
        y = y.detach()
    return y, torch.zeros_like(y) if tangent is None else tangent.detach()


def differentiated_again(y: torch.Tensor, leaves: Tensors, dy: torch.Tensor, direction: Direction) -> Second:
    """What the inner product of the gradients of sum(y dy) to x, gamma and beta with a direction depends on."""
    leaf = dy.detach().requires_grad_()
    present = [each for each in leaves if each is not None]
    first = iter(torch.autograd.grad(y, present, leaf.to(y.dtype), create_graph=True, materialize_grads=True))
    gradients = [None if each is None else next(first) for each in leaves]
    paired = [
        (gradient, along.reshape(gradient.shape).to(gradient.dtype))
        for gradient, along in zip(gradients, direction, strict=True)
        if gradient is not None and along is not None and gradient.requires_grad
    ]
    wanted = [leaf, *(each for each in leaves[:2] if each is not None)]
    if not paired:
        return Second(*(torch.zeros_like(each) for each in wanted), *(None,) * (3 - len(wanted)))
    outputs, cotangents = zip(*paired, strict=True)
    found = torch.autograd.grad(outputs, wanted, cotangents, materialize_grads=True)
    return Second(found[0], found[1], found[2].reshape(-1) if len(found) > 2 else None)
