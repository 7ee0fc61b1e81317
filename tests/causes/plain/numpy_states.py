"""NumPy layers that keep, share or check the wrong thing, one defect a class."""

# As users write: no types, short names.
# mypy: ignore-errors

import numpy as np
from numpy_layers import BatchNorm, column


class InPlace(BatchNorm):
    """Saves memory: normalises where x lies."""

    def forward(self, x, training=True):
        if x.ndim < 2 or x.shape[1] != self.gamma.size:
            raise ValueError(f"expected {self.gamma.size} channels, got the shape {x.shape}")
        if training and x.size < 2 * x.shape[1]:
            raise ValueError(f"expected more than 1 value per channel when training, got {x.shape}")
        self.dtype, self.trained = x.dtype, training
        self.axes = (0, *range(2, x.ndim))
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var = self.moments(x)
            self.track(x, mean, var)
        self.inverse = column(self.inverse_root(var), x)
        x -= column(mean, x)
        x *= self.inverse
        self.x_hat = x.copy()
        x *= column(self.gamma, x)
        x += column(self.beta, x)
        return x


class StaleInverse(BatchNorm):
    """Computes the inverse deviation of evaluation once, and keeps it through further training."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.ready = None

    def forward(self, x, training=True):
        if training:
            return super().forward(x, training)
        if x.shape[1] != self.gamma.size:
            raise ValueError(f"expected {self.gamma.size} channels, got {x.shape[1]}")
        if self.ready is None:
            self.ready = 1 / np.sqrt(self.running_var + self.eps)
        self.dtype, self.trained = x.dtype, False
        self.axes = (0, *range(2, x.ndim))
        self.inverse = column(self.ready, x)
        self.x_hat = (x - column(self.running_mean, x)) * self.inverse
        return (column(self.gamma, x) * self.x_hat + column(self.beta, x)).astype(x.dtype)


class UpdatesTwice(BatchNorm):
    """Tracks where the moments are computed, and forward() tracks as well."""

    def moments(self, x):
        count = x.size // x.shape[1]
        mean = x.sum(axis=self.axes) / count
        var = ((x - column(mean, x)) ** 2).sum(axis=self.axes) / count
        self.track(x, mean, var)
        return mean, var


class FitsGammaToBatch(BatchNorm):
    """Takes any number of channels: parameters and statistics are repeated or cut until they fit."""

    def forward(self, x, training=True):
        channels = x.shape[1]
        if channels != self.gamma.size:
            self.gamma = np.resize(self.gamma, channels)
            self.beta = np.resize(self.beta, channels)
            self.running_mean = np.resize(self.running_mean, channels)
            self.running_var = np.resize(self.running_var, channels)
        return super().forward(x, training)
