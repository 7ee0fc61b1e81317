"""Layers that a campaign judges: a sound one, one with a bug, one that is wrong on some seeds alone, and one that waits."""

# As users write: no types.
# mypy: ignore-errors

import time

import numpy as np


class Sound:
    """Two-pass, centred, rank 2, float32; forward alone."""

    __bncheck__ = {"dtypes": ["float32"], "ranks": [2]}

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features, np.float32), np.zeros(num_features, np.float32)
        self.running_mean = np.zeros(num_features, np.float32)
        self.running_var = np.ones(num_features, np.float32)
        self.eps, self.momentum = np.float32(eps), momentum

    def forward(self, x, training=True):
        """x has shape (N, C)."""
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var, w = x.mean(axis=0), x.var(axis=0), np.float32(self.momentum)
            self.running_mean = (1 - w) * self.running_mean + w * mean
            self.running_var = (1 - w) * self.running_var + w * var * np.float32(len(x) / (len(x) - 1))
        return self.gamma * ((x - mean) / np.sqrt(var + self.eps)) + self.beta


class Shifted(Sound):
    """y is off by 1."""

    def forward(self, x, training=True):
        """As Sound, but for that."""
        return super().forward(x, training) + np.float32(1)


class Waits(Sound):
    """It cannot be loaded within a second."""

    def __init__(self, *given, **named):
        time.sleep(60)
        super().__init__(*given, **named)
