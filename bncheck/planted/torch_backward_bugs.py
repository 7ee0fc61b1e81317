"""Planted bugs in torch: backward passes by hand."""

from __future__ import annotations

import torch

from bncheck.planted.torch_layer import ByHand, Context, Normalise, along, beside


class _ClippedXhat(Normalise):
    @staticmethod
    def backward(ctx: Context, *cotangents: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """xhat is clipped to [-2, 2], where the output was thought to stay."""
        xhat, r = ctx.saved_tensors
        (d,) = cotangents
        kept, axes = xhat.clamp(-2, 2), along(d)
        means = d.mean(axes, keepdim=True), (d * kept).mean(axes, keepdim=True)
        return beside(r, d) * (d - means[0] - kept * means[1]), None, None


class _HalfXhat(Normalise):
    @staticmethod
    def forward(ctx: Context, values: torch.Tensor, mean: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        """xhat is kept in bfloat16, to save memory."""
        xhat = (values - beside(mean, values)) * beside(r, values)
        ctx.save_for_backward(xhat.bfloat16().to(xhat.dtype), r)
        return xhat


class _Centring(Normalise):
    @staticmethod
    def backward(ctx: Context, *cotangents: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Centres its cotangent in place."""
        xhat, r = ctx.saved_tensors
        (d,) = cotangents
        d.sub_(d.mean(along(d), keepdim=True))
        return beside(r, d) * (d - xhat * (d * xhat).mean(along(d), keepdim=True)), None, None


class _Clipped(Normalise):
    @staticmethod
    def backward(ctx: Context, *cotangents: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """No element of dx exceeds 1, against exploding gradients."""
        dx, *rest = Normalise.backward(ctx, *cotangents)
        assert dx is not None
        return dx.clamp(-1, 1), *rest


class _Twice(Normalise):
    @staticmethod
    def backward(ctx: Context, *cotangents: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """The inverse deviation enters twice."""
        _, r = ctx.saved_tensors
        dx, *rest = Normalise.backward(ctx, *cotangents)
        assert dx is not None
        return dx * beside(r, dx), *rest


class DifferentiatedAgain(ByHand):
    """second_order.constant_deviation_in_torch."""

    second_order = True


class ClippedXhat(ByHand):
    """gradient_dx.of_a_clipped_xhat."""

    rule = _ClippedXhat


class HalfXhat(ByHand):
    """gradient_dx.of_an_xhat_in_half."""

    rule = _HalfXhat


class CentresCotangent(ByHand):
    """aliasing.centres_its_cotangent."""

    rule = _Centring


class ClippedDx(ByHand):
    """gradient_dx.clipped."""

    rule = _Clipped


class DeviationTwice(ByHand):
    """gradient_dx.deviation_twice."""

    rule = _Twice
