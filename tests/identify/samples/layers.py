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

    def moved(self, mean, var):
        w = self.weight()
        self.running_mean = ((1 - w) * self.running_mean + w * mean).astype(self.running_mean.dtype)
        self.running_var = ((1 - w) * self.running_var + w * var).astype(self.running_var.dtype)

    def used(self, batch, given):
        return batch

    def inverse(self, var):
        return 1 / np.sqrt(var + self.eps)

    def forward(self, x):
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        mean, var = self.running_mean, self.running_var
        given = mean, var
        if x.shape[1] != len(mean):
            raise ValueError("another number of channels")
        if self.training:
            m = x.size // x.shape[1]
            if m < 2:
                raise ValueError("more than one value a channel is needed")
            mean = x.mean(axes, dtype=np.float64)
            var = ((x - mean.reshape(shape)) ** 2).mean(axes, dtype=np.float64)
            self.moved(mean, var * self.factor(m))
            mean, var = self.used((mean, var), given)
        r = self.inverse(np.asarray(var, np.float64))
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


class Corrected(Unbiased):
    """The averages corrected for a start at zero, by the weight that this gives to each batch; it counts by itself."""

    seen = 0

    def weight(self):
        self.seen += 1
        return self.momentum / self.share(self.seen)

    def share(self, batches):
        return 1 - (1 - self.momentum) ** batches


class CorrectedByOneTooMany(Corrected):
    def share(self, batches):
        return super().share(batches + 1)


class Late(Unbiased):
    """Its statistics move in the backward pass."""

    def moved(self, mean, var):
        self.waiting = mean, var

    def forward(self, x):
        self.x = np.array(x)
        return super().forward(x)

    def backward(self, dy):
        x, shape = self.x.astype(np.float64), (1, -1, *(1,) * (dy.ndim - 2))
        axes = (0, *range(2, x.ndim))
        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(axes), x.var(axes)
            super().moved(*self.waiting)
        r = 1 / np.sqrt(np.asarray(var, np.float64) + self.eps).reshape(shape)
        xhat = (x - np.asarray(mean, np.float64).reshape(shape)) * r
        wide = dy.astype(np.float64)
        dgamma, dbeta = (wide * xhat).sum(axes), wide.sum(axes)
        rest = wide
        if self.training:
            rest = wide - wide.mean(axes, keepdims=True) - xhat * (wide * xhat).mean(axes, keepdims=True)
        dx = np.asarray(self.gamma, np.float64).reshape(shape) * r * rest
        return dx.astype(dy.dtype), dgamma.astype(dy.dtype), dbeta.astype(dy.dtype)


class Outside(Unbiased):
    """eps is added to the deviation."""

    def inverse(self, var):
        return 1 / (np.sqrt(var) + self.eps)


class OnAverages(Unbiased):
    """Training batches are normalised by the running statistics before they move."""

    def used(self, batch, given):
        return given


class Single(Unbiased):
    """float64 is computed in float32."""

    def forward(self, x):
        return super().forward(x.astype(np.float32)).astype(x.dtype)


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
