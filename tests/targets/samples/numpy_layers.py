"""NumPy: a function that caches, a class with backward, a class with a dict of parameters, an instance."""

# As users write: no types, short names.
# mypy: ignore-errors
# ruff: noqa: PLR0917

import numpy as np


def forward(x, gamma, beta, eps):
    mean, var = x.mean(axis=0), x.var(axis=0)
    x_hat = (x - mean) / np.sqrt(var + eps)
    return gamma * x_hat + beta, (x_hat, var, eps)


def evaluate(x, mean, variance, offset, scale, variance_epsilon):
    return scale * (x - mean) / np.sqrt(variance + variance_epsilon) + offset


class Layer:
    """(dx, dgamma, dbeta); the mode is an argument, parameters are rows."""

    def __init__(self, dim, epsilon=1e-5, momentum=0.9):
        self.gamma = np.ones((1, dim))
        self.beta = np.zeros((1, dim))
        self.running_mean = np.zeros((1, dim))
        self.running_var = np.ones((1, dim))
        self.epsilon = epsilon
        self.momentum = momentum

    def forward(self, x, training=True):
        if training:
            mean, var = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
            unbiased = x.var(axis=0, keepdims=True, ddof=1)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * unbiased
        else:
            mean, var = self.running_mean, self.running_var
        self.inverse = 1 / np.sqrt(var + self.epsilon)
        self.x_hat = (x - mean) * self.inverse
        self.trained = training
        return self.gamma * self.x_hat + self.beta

    def backward(self, dy):
        if not self.trained:
            raise RuntimeError("backward follows a forward in training")
        dgamma, dbeta = (dy * self.x_hat).sum(axis=0), dy.sum(axis=0)
        dx = self.gamma * self.inverse * (dy - dy.mean(axis=0) - self.x_hat * (dy * self.x_hat).mean(axis=0))
        return dx, dgamma, dbeta


class WithDictionary:
    """(dx, {name: gradient}); no running statistics."""

    def __init__(self, num_features, eps=1e-8):
        self.eps = eps
        self.parameters = {"w": np.ones(num_features), "b": np.zeros(num_features)}

    def forward(self, x):
        var = x.var(axis=0)
        self.inverse = 1 / np.sqrt(var + self.eps)
        self.x_hat = (x - x.mean(axis=0)) * self.inverse
        return self.parameters["w"] * self.x_hat + self.parameters["b"]

    def backward(self, dy):
        w = self.parameters["w"]
        dx = w * self.inverse * (dy - dy.mean(axis=0) - self.x_hat * (dy * self.x_hat).mean(axis=0))
        return dx, {"w": (dy * self.x_hat).sum(axis=0), "b": dy.sum(axis=0)}


instance = Layer(3, epsilon=0.25, momentum=0.75)


def failing_in_evaluation(x, gamma, beta, running_mean, running_var, training, momentum, eps):
    if not training:
        raise ValueError("no statistics")
    running_mean += momentum * (x.mean(0) - running_mean)
    running_var += momentum * (x.var(0, ddof=1) - running_var)
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta


class BuildsItself:
    """Has no arrays until its first call, and makes all of them then."""

    def __init__(self, momentum=0.1, epsilon=1e-3):
        self.momentum, self.epsilon = momentum, epsilon
        self.gamma = self.beta = self.moving_mean = self.moving_var = None

    def __call__(self, inputs, training=False):
        if self.gamma is None:
            self.gamma, self.beta = (np.full(inputs.shape[1], value, inputs.dtype) for value in (1, 0))
            self.moving_mean, self.moving_var = self.beta.copy(), self.gamma.copy()
        mean, var = self.moving_mean, self.moving_var
        if training:
            mean, var, count = inputs.mean(axis=0), inputs.var(axis=0), len(inputs)
            self.moving_mean = self.moving_mean + self.momentum * (mean - self.moving_mean)
            self.moving_var = self.moving_var + self.momentum * (var * count / (count - 1) - self.moving_var)
        scaled = (inputs - mean) / np.sqrt(var + self.epsilon) * self.gamma + self.beta
        return scaled.astype(inputs.dtype)
