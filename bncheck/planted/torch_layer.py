"""A sound layer in torch whose methods can be replaced, one with a backward pass by hand, and their adapter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.torch_module import TorchModuleAdapter
from bncheck.planted.numpy_adapter import CAPABILITIES, DIALECT

Context = Any  # what autograd hands a function's forward and backward
Moments = tuple[torch.Tensor, torch.Tensor]


def beside(vector: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """(C,) as (1, C, 1, ...)."""
    return vector.reshape(1, -1, *(1,) * (x.dim() - 2))


def along(x: torch.Tensor) -> list[int]:
    """All axes but that of the channels."""
    return [axis for axis in range(x.dim()) if axis != 1]


class BatchNorm(_BatchNorm):
    """Composed of torch's own operations and differentiated by autograd; every method is a part."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """y of x, (N, C, ...)."""
        self.check(x)
        if self.training and x.numel() == 0:
            return x.clone()
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.training:
            mean, variance = self.moments(values)
            self.track(mean.detach(), self.tracked(variance.detach(), x), x)
        else:
            mean, variance = self.given(values)
        return self.output(self.normalised(values, mean, variance), x)

    def check(self, x: torch.Tensor) -> None:
        """ValueError for another number of channels, and for training on one value a channel."""
        if x.shape[1] != self.num_features:
            raise ValueError(f"x has {x.shape[1]} channels, expected {self.num_features}")
        if self.training and x.numel() == self.num_features:
            raise ValueError(f"x of shape {tuple(x.shape)} has one value per channel; training needs two")

    def moments(self, values: torch.Tensor) -> Moments:
        """Mean and biased variance, (C,)."""
        mean = values.mean(along(values))
        return mean, ((values - beside(mean, values)) ** 2).mean(along(values))

    def given(self, values: torch.Tensor) -> Moments:
        """The running ones, in evaluation."""
        assert self.running_mean is not None and self.running_var is not None
        return self.running_mean.to(values.dtype), self.running_var.to(values.dtype)

    def tracked(self, variance: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """The unbiased variance."""
        m = x.numel() // x.shape[1]
        return variance * (m / (m - 1))

    def weight_of_batch(self) -> float:
        """momentum, or one over the batches seen, this one counted."""
        assert self.num_batches_tracked is not None
        return 1 / (int(self.num_batches_tracked) + 1) if self.momentum is None else self.momentum

    def track(self, mean: torch.Tensor, variance: torch.Tensor, _x: torch.Tensor) -> None:
        """Move the running statistics and count the batch."""
        assert self.running_mean is not None and self.running_var is not None
        w = self.weight_of_batch()
        with torch.no_grad():
            for held, new in ((self.running_mean, mean), (self.running_var, variance)):
                held.copy_((1 - w) * held.to(new.dtype) + w * new)
            self.count()

    def count(self) -> None:
        """One batch more."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)

    def inverse(self, variance: torch.Tensor) -> torch.Tensor:
        """1 / sqrt(var + eps)."""
        return 1 / torch.sqrt(variance + self.eps)

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """gamma (x - mean) r + beta."""
        y = (values - beside(mean, values)) * beside(self.inverse(variance), values)
        return self.scaled(y)

    def scaled(self, xhat: torch.Tensor) -> torch.Tensor:
        """gamma xhat + beta, where there are any."""
        if not self.affine:
            return xhat
        return beside(self.weight.to(xhat.dtype), xhat) * xhat + beside(self.bias.to(xhat.dtype), xhat)

    def output(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """In the dtype of x."""
        return y.to(x.dtype)


class Normalise(torch.autograd.Function):
    """xhat of a training batch and its gradient, in closed form."""

    @staticmethod
    def forward(ctx: Context, values: torch.Tensor, mean: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
        """(x - mean) r."""
        xhat = (values - beside(mean, values)) * beside(r, values)
        ctx.save_for_backward(xhat, r)
        return xhat

    @staticmethod
    def backward(ctx: Context, *cotangents: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """r (d - mean(d) - xhat mean(d xhat))."""
        xhat, r = ctx.saved_tensors
        (d,) = cotangents
        axes = along(d)
        means = d.mean(axes, keepdim=True), (d * xhat).mean(axes, keepdim=True)
        return beside(r, d) * (d - means[0] - xhat * means[1]), None, None


class ByHand(BatchNorm):
    """The same with a backward pass by hand in training, which has no forward mode and is not differentiated again."""

    rule: type[torch.autograd.Function] = Normalise
    forward_mode = second_order = False

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """gamma xhat + beta, xhat by the function."""
        if not self.training:
            return super().normalised(values, mean, variance)
        r = self.inverse(variance.detach())
        return self.scaled(self.rule.apply(values, mean.detach(), r))  # type: ignore[no-untyped-call]  # torch's is untyped


class PlantedTorchAdapter(TorchModuleAdapter):
    """A module that is known to offer everything: nothing is found out by trying, which a bug could mislead."""

    def __init__(self, module: type[torch.nn.Module]) -> None:
        super().__init__(Found(module, f"planted:{module.__name__}"))
        self.dialect = DIALECT
        self.capabilities = replace(
            CAPABILITIES,
            ranks=RANKS,
            compiles=getattr(module, "compiles", False),
            forward_mode=getattr(module, "forward_mode", True),
            second_order=getattr(module, "second_order", True),
        )
