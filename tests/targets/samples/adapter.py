"""A stranger's adapter: `make` and `forward`, everything else by default."""

# As users write: no types, short names.
# mypy: ignore-errors

from types import SimpleNamespace

import numpy as np

from bncheck.adapter import Adapter


class Mine(Adapter):
    name = "mine"

    def __init__(self, power=0.5):
        self.power = power

    def make(self, config):
        zeros, ones = np.zeros(config.channels), np.ones(config.channels)
        return SimpleNamespace(gamma=ones, beta=zeros, running_mean=zeros, running_var=ones, eps=config.eps)

    def forward(self, handle, x, training):
        along = tuple(axis for axis in range(x.ndim) if axis != 1)
        shape = (1, -1, *(1,) * (x.ndim - 2))
        mean, var = (x.mean(along), x.var(along)) if training else (handle.running_mean, handle.running_var)
        x_hat = (x - mean.reshape(shape)) / (var.reshape(shape) + handle.eps) ** self.power
        return handle.gamma.reshape(shape) * x_hat + handle.beta.reshape(shape)
