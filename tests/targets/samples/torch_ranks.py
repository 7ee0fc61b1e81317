"""torch modules that do not mean every rank of x: one made for images, one that fails on them alone."""

# As users write: no types, short names.
# mypy: ignore-errors

import torch
from torch import nn


class Base(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def normalised(self, x, axes, shape):
        if self.training:
            mean, var = x.mean(axes), x.var(axes, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(axes), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        xhat = (x - mean.view(shape)) * torch.rsqrt(var.view(shape) + self.eps)
        return xhat * self.weight.view(shape) + self.bias.view(shape)


class ForImages(Base):
    def forward(self, x):
        axes = [axis for axis in range(x.ndim) if axis != 1]
        return self.normalised(x, axes, (1, -1, 1, 1))


class DeclaredForImages(ForImages):
    __bncheck__ = {"ranks": [4]}


class FailingOnImages(Base):
    def forward(self, x):
        axes = [0, 2] if x.ndim == 4 else [axis for axis in range(x.ndim) if axis != 1]
        return self.normalised(x, axes, [1, -1] + [1] * (x.ndim - 2))


class FailingFromImages(Base):
    def forward(self, x):
        axes = [0, 2][: x.ndim - 1]
        return self.normalised(x, axes, [1, -1] + [1] * (x.ndim - 2))


class Overwriting(Base):
    def forward(self, x):
        axes = [axis for axis in range(x.ndim) if axis != 1]
        y = self.normalised(x.clone(), axes, [1, -1] + [1] * (x.ndim - 2))
        x.detach().zero_()
        return y


def overwriting(x, weight, bias, eps):
    y = (x - x.mean(0)) * torch.rsqrt(x.var(0, unbiased=False) + eps) * weight + bias
    y = y.clone()
    x.data.zero_()
    return y


def factory_without_annotation(num_features):
    return nn.BatchNorm2d(num_features)


class RefusingZeroEps(ForImages):
    def forward(self, x):
        if self.eps == 0:
            raise ValueError("eps must be positive")
        return super().forward(x)


class DividingByEps(ForImages):
    def forward(self, x):
        return super().forward(x) * (self.eps / self.eps)
