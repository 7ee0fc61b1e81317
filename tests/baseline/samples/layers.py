"""A layer with one bug: its running variance is the biased one."""

# As users write: no types.
# mypy: ignore-errors

import numpy as np


class Layer:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def forward(self, x, training=True):
        mean, var = (x.mean(axis=0), x.var(axis=0)) if training else (self.running_mean, self.running_var)
        if training:
            w = self.momentum
            self.running_mean = (1 - w) * self.running_mean + w * mean
            self.running_var = (1 - w) * self.running_var + w * var
        return (x - mean) / np.sqrt(var + var.dtype.type(self.eps))
