"""Layers for a matrix: one that is right, one that is wrong, one that ends its process and one that hangs."""

# As users write: no types.
# mypy: ignore-errors

import os
import time

import numpy as np


class Right:
    """Two-pass and centred."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def factor(self, m):
        return m / (m - 1)

    def __call__(self, x, training=True):
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        mean, var = self.running_mean, self.running_var
        if training:
            m = x.size // x.shape[1]
            if m < 2:
                raise ValueError("fewer than two values a channel")
            mean, var = x.mean(axes), x.var(axes)
            w = x.dtype.type(self.momentum)
            self.running_mean = (1 - w) * self.running_mean + w * mean
            self.running_var = (1 - w) * self.running_var + w * var * x.dtype.type(self.factor(m))
        xhat = (x - mean.reshape(shape)) / np.sqrt(var + x.dtype.type(self.eps)).reshape(shape)
        return self.gamma.reshape(shape) * xhat + self.beta.reshape(shape)


class Biased(Right):
    """Tracks the biased variance."""

    def factor(self, m):
        return 1.0


if "BNCHECK_SAMPLE" in os.environ:
    # The run itself, not the layer in a process of its own.
    os._exit(7)


class Hangs(Right):
    """Never there."""

    def __init__(self, *arguments, **words):
        time.sleep(3600)
