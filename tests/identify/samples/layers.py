"""Layers in NumPy as a user would write them."""

# As users write: no types.
# mypy: ignore-errors

import os

import numpy as np


class Plain:
    """Biased running variance, and nothing said about it."""

    def __init__(self, num_features, eps=1e-3, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum, self.training = eps, momentum, True

    def factor(self, m):
        return 1.0

    def weight(self):
        return self.momentum

    def forward(self, x):
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        mean, var = self.running_mean, self.running_var
        if x.shape[1] != len(mean):
            raise ValueError("another number of channels")
        if self.training:
            m = x.size // x.shape[1]
            if m < 2:
                raise ValueError("more than one value a channel is needed")
            mean = x.mean(axes, dtype=np.float64)
            var = ((x - mean.reshape(shape)) ** 2).mean(axes, dtype=np.float64)
            w = self.weight()
            self.running_mean = ((1 - w) * self.running_mean + w * mean).astype(self.running_mean.dtype)
            self.running_var = ((1 - w) * self.running_var + w * var * self.factor(m)).astype(
                self.running_var.dtype
            )
        r = 1 / np.sqrt(np.asarray(var, np.float64) + self.eps)
        y = (x - np.asarray(mean, np.float64).reshape(shape)) * r.reshape(shape)
        return (y * np.asarray(self.gamma).reshape(shape) + np.asarray(self.beta).reshape(shape)).astype(
            x.dtype
        )


class Unbiased(Plain):
    def factor(self, m):
        return m / (m - 1)


class Old(Unbiased):
    """Momentum is the weight of the old statistics."""

    def weight(self):
        return 1 - self.momentum


class Said(Plain):
    __bncheck__ = {"dialect": {"running_variance": "biased"}}


class FirstReplaces(Unbiased):
    """Keeps no count of batches, only whether there was one."""

    seen = False

    def weight(self):
        first, self.seen = not self.seen, True
        return 1.0 if first else self.momentum


class Loses(Plain):
    """Without beta, and statistics that are no arrays of its channels."""

    def forward(self, x):
        y = super().forward(x)
        self.running_mean, self.running_var = np.zeros(2), np.zeros(2)
        return (y - np.asarray(self.beta).reshape(1, -1, *(1,) * (x.ndim - 2))).astype(x.dtype)


class Ends(Plain):
    """Ends its process on an empty batch."""

    def forward(self, x):
        if x.size == 0:
            os._exit(3)
        return super().forward(x)
