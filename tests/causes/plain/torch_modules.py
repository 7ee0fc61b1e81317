"""torch modules, one defect a class; BatchNorm itself is sound."""

# As users write: no types, short names.
# mypy: ignore-errors

import torch
from torch import nn


def column(values, x):
    """One value a channel, beside x."""
    return values.reshape(1, -1, *[1] * (x.dim() - 2))


class BatchNorm(nn.Module):
    """Sound: two passes, in float32 at least."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.register_parameter("weight", nn.Parameter(torch.ones(num_features)) if affine else None)
        self.register_parameter("bias", nn.Parameter(torch.zeros(num_features)) if affine else None)
        self.track_running_stats = track_running_stats
        self.register_buffer("running_mean", torch.zeros(num_features) if track_running_stats else None)
        self.register_buffer("running_var", torch.ones(num_features) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0) if track_running_stats else None)

    def reset_running_stats(self):
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def forward(self, x):
        if x.dim() < 2 or x.shape[1] != self.num_features:
            raise ValueError(f"expected {self.num_features} channels, got the shape {tuple(x.shape)}")
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.training or not self.track_running_stats:
            if x.numel() < 2 * x.shape[1]:
                raise ValueError(f"expected more than 1 value per channel when training, got {x.shape}")
            mean, var = self.moments(wide, [0, *range(2, x.dim())])
            if self.track_running_stats:
                self.update(wide, mean.detach(), var.detach())
            x_hat = self.normalised(wide, mean, var)
        else:
            x_hat = self.evaluated(wide, self.running_mean, self.running_var)
        return self.scaled(x_hat).to(x.dtype)

    def moments(self, x, axes):
        mean = x.mean(axes)
        return mean, ((x - column(mean, x)) ** 2).mean(axes)

    @torch.no_grad()
    def update(self, x, mean, var):
        count = x.numel() // x.shape[1]
        self.num_batches_tracked += 1
        factor = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        unbiased = var * (count / max(count - 1, 1))
        self.running_mean.copy_((1 - factor) * self.running_mean.to(mean.dtype) + factor * mean)
        self.running_var.copy_((1 - factor) * self.running_var.to(var.dtype) + factor * unbiased)

    def normalised(self, x, mean, var):
        return (x - column(mean, x)) / torch.sqrt(column(var, x) + self.eps)

    def evaluated(self, x, mean, var):
        return self.normalised(x, mean.to(x.dtype), var.to(x.dtype))

    def scaled(self, x_hat):
        if self.weight is None:
            return x_hat
        return column(self.weight, x_hat) * x_hat + column(self.bias, x_hat)


class EpsAsFloor(BatchNorm):
    def normalised(self, x, mean, var):
        return (x - column(mean, x)) / torch.sqrt(column(var, x).clamp(min=self.eps))


class EpsForgottenInEvaluation(BatchNorm):
    def evaluated(self, x, mean, var):
        return (x - column(mean, x)) / torch.sqrt(column(var, x))


class UnbiasedBatchVariance(BatchNorm):
    """Normalises, and tracks, with the unbiased variance."""

    def moments(self, x, axes):
        return x.mean(axes), x.var(axes, unbiased=True)

    @torch.no_grad()
    def update(self, x, mean, var):
        self.num_batches_tracked += 1
        factor = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.mul_(1 - factor).add_(factor * mean)
        self.running_var.mul_(1 - factor).add_(factor * var)


class PerPixel(BatchNorm):
    """Every position of an image has statistics of its own, over the batch alone; their means are tracked."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        if x.dim() < 2 or x.shape[1] != self.num_features:
            raise ValueError(f"expected {self.num_features} channels, got the shape {tuple(x.shape)}")
        if x.numel() < 2 * x.shape[1]:
            raise ValueError(f"expected more than 1 value per channel when training, got {x.shape}")
        mean = x.mean(0, keepdim=True)
        var = ((x - mean) ** 2).mean(0, keepdim=True)
        pixels = [0, *range(2, x.dim())]
        if self.track_running_stats:
            self.update(x, mean.detach().mean(pixels), var.detach().mean(pixels))
        return self.scaled((x - mean) / torch.sqrt(var + self.eps))


class BetaForgottenInEvaluation(BatchNorm):
    def scaled(self, x_hat):
        if self.weight is None:
            return x_hat
        y = column(self.weight, x_hat) * x_hat
        if self.training:
            y = y + column(self.bias, x_hat)
        return y


class CumulativeAsTenth(BatchNorm):
    """Takes momentum=None for the default."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        momentum = 0.1 if momentum is None else momentum
        super().__init__(num_features, eps, momentum, affine, track_running_stats)


class BesselOverBatchSize(BatchNorm):
    """Corrects the tracked variance by n / (n - 1), n being the number of images and not of values."""

    @torch.no_grad()
    def update(self, x, mean, var):
        n = x.shape[0]
        self.num_batches_tracked += 1
        factor = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.mul_(1 - factor).add_(factor * mean)
        self.running_var.mul_(1 - factor).add_(factor * var * n / max(n - 1, 1))


class TracksOnlyWithGradient(BatchNorm):
    """A batch that needs no gradient is taken for validation, and not tracked."""

    def forward(self, x):
        self.needed = x.requires_grad
        return super().forward(x)

    def update(self, x, mean, var):
        if self.needed:
            super().update(x, mean, var)


class DetachedStatistics(BatchNorm):
    """The batch statistics are constants to autograd."""

    def moments(self, x, axes):
        with torch.no_grad():
            mean = x.mean(axes)
            var = ((x - column(mean, x)) ** 2).mean(axes)
        return mean, var


class Dithered(BatchNorm):
    """Adds noise; all layers draw it from one generator, which is not torch's own."""

    generator = torch.Generator()

    def scaled(self, x_hat):
        noise = torch.rand(x_hat.shape, generator=self.generator) - 0.5
        return super().scaled(x_hat + 1e-3 * noise.to(x_hat.dtype))


_buffers = {}


class SharedBuffers(BatchNorm):
    """Layers of the same width get the same buffers."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        if track_running_stats:
            new = self.running_mean, self.running_var
            self.running_mean, self.running_var = _buffers.setdefault(num_features, new)
