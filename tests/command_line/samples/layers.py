"""Layers that the command line is tried on: a sound one, one with two bugs, and some that cannot be loaded."""

# As users write: no types.
# mypy: ignore-errors

import numpy as np


class Sound:
    """Two-pass, centred, in NumPy; gradients by the closed form."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def tracked(self, var, count):
        """The running variance is unbiased."""
        return var * (count / (count - 1))

    def deviation(self, var):
        """eps stands inside the root."""
        return np.sqrt(var + var.dtype.type(self.eps))

    def forward(self, x, training=True):
        """x has shape (N, C)."""
        mean, var = (x.mean(axis=0), x.var(axis=0)) if training else (self.running_mean, self.running_var)
        if training:
            w = self.momentum
            self.running_mean = (1 - w) * self.running_mean + w * mean
            self.running_var = (1 - w) * self.running_var + w * self.tracked(var, len(x))
        self.training, self.r = training, 1 / self.deviation(var)
        self.xhat = (x - mean) * self.r
        return self.gamma * self.xhat + self.beta

    def backward(self, dy):
        """(dx, dgamma, dbeta) of the last forward pass."""
        dgamma, dbeta = (dy * self.xhat).sum(axis=0), dy.sum(axis=0)
        if not self.training:
            return self.gamma * self.r * dy, dgamma, dbeta
        return self.gamma * self.r * (dy - dbeta / len(dy) - self.xhat * (dgamma / len(dy))), dgamma, dbeta


class Wrong(Sound):
    """Tracks the biased variance, and adds eps outside the root."""

    def tracked(self, var, count):
        return var

    def deviation(self, var):
        return np.sqrt(var) + var.dtype.type(self.eps)


class Raises(Sound):
    """Cannot evaluate a batch of two."""

    def forward(self, x, training=True):
        if len(x) == 2:
            raise ZeroDivisionError("two is too few")
        return super().forward(x, training)


def nothing_known(alpha, beta, gamma):
    """A function with no argument for the input."""
