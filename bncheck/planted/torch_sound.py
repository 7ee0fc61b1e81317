"""Sound variants in torch: the composed module with one method replaced."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch._dynamo import config as dynamo
from torch._functorch import config as functorch
from torch.utils.checkpoint import checkpoint

from bncheck.planted.torch_layer import BatchNorm, Moments, along, beside


class Folded(BatchNorm):
    """a x + b, a = gamma r, b = beta - mean a."""

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """One product and one sum."""
        scale = self.inverse(variance)
        if not self.affine:
            return values * beside(scale, values) + beside(-mean * scale, values)
        scale = self.weight.to(values.dtype) * scale
        return values * beside(scale, values) + beside(self.bias.to(values.dtype) - mean * scale, values)


class ChannelsLast(BatchNorm):
    """Everything on x with its channels last, and back."""

    def moments(self, values: torch.Tensor) -> Moments:
        """Over the rows of an (m, C) matrix."""
        matrix = values.movedim(1, -1).reshape(-1, values.shape[1])
        mean = matrix.mean(0)
        return mean, ((matrix - mean) ** 2).mean(0)

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """The output lies in memory with its channels last."""
        last = values.movedim(1, -1).contiguous()
        xhat = (last - mean) * self.inverse(variance)
        return self.scaled(xhat.movedim(-1, 1))


class VarMean(BatchNorm):
    """Mean and variance in one call."""

    def moments(self, values: torch.Tensor) -> Moments:
        """torch.var_mean, told to be biased."""
        variance, mean = torch.var_mean(values, along(values), correction=0)
        return mean, variance


class Lerp(BatchNorm):
    """The moving average by torch.lerp."""

    def track(self, mean: torch.Tensor, variance: torch.Tensor, _x: torch.Tensor) -> None:
        """In place."""
        assert self.running_mean is not None and self.running_var is not None
        w = self.weight_of_batch()
        with torch.no_grad():
            for held, new in ((self.running_mean, mean), (self.running_var, variance)):
                held.copy_(torch.lerp(held.to(new.dtype), new, w))
            self.count()


class Double(BatchNorm):
    """float64 inside."""

    def moments(self, values: torch.Tensor) -> Moments:
        """Those of float64 values."""
        return super().moments(values.double())

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """In float64."""
        return super().normalised(values.double(), mean.double(), variance.double())


class Checkpointed(BatchNorm):
    """The pure part is computed again in the backward pass; the statistics are not."""

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """By a checkpoint."""
        parts = (values, mean, variance)
        return torch.as_tensor(checkpoint(super().normalised, *parts, use_reentrant=False))


def _whole(
    x: torch.Tensor, gamma: torch.Tensor | None, beta: torch.Tensor | None, eps: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """y, mean and variance of a training batch."""
    mean = x.mean(along(x))
    centred = x - beside(mean, x)
    variance = (centred * centred).mean(along(x))
    y = centred * beside(1 / torch.sqrt(variance + eps), x)
    if gamma is not None and beta is not None:
        y = y * beside(gamma, x) + beside(beta, x)
    return y, mean, variance


@cache
def _compiled() -> Callable[..., tuple[torch.Tensor, ...]]:
    """For any shape of a rank; buffers are not donated, so that a backward pass may run twice, as torch advises."""
    functorch.donated_buffer = False
    return torch.compile(_whole, dynamic=True)


class Compiled(BatchNorm):
    """Statistics and output of a training batch in one compiled function."""

    compiles = True
    forward_mode = second_order = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compiled in training, composed in evaluation."""
        if not self.training or x.numel() <= self.num_features:
            return super().forward(x)
        self.check(x)
        gamma, beta = (self.weight, self.bias) if self.affine else (None, None)
        # Beyond its limit dynamo would go on without compiling, and nothing would be judged.
        with dynamo.patch(recompile_limit=256):
            y, mean, variance = _compiled()(x, gamma, beta, torch.tensor(self.eps, dtype=x.dtype))
        self.track(mean.detach(), self.tracked(variance.detach(), x), x)
        return torch.as_tensor(y)
