"""Layers that were blamed wrongly, or might be: every one of them is right, by what it declares."""

# As users write: no types, short names.
# mypy: ignore-errors

import numpy as np


class Layer:
    """Two-pass and centred, of rank 2 to 5."""

    __bncheck__ = {"dtypes": ["float32", "float64"]}

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def forward(self, x, training=True):
        self.training, self.axes, self.shape = training, (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))
        mean, var = self.running_mean, self.running_var
        if training:
            if x.size == x.shape[1]:
                raise ValueError("one value per channel")
            mean, var = x.mean(self.axes), x.var(self.axes)
            self.track(mean, var, x.size // x.shape[1])
        self.r = (1 / np.sqrt(var + x.dtype.type(self.eps))).reshape(self.shape)
        self.xc = x - mean.reshape(self.shape)
        return self.gamma.reshape(self.shape) * (self.xc * self.r) + self.beta.reshape(self.shape)

    def track(self, mean, var, m):
        self.blend(self.momentum, mean, var * var.dtype.type(m / (m - 1)))

    def blend(self, weight, mean, var):
        new, old = mean.dtype.type(weight), mean.dtype.type(1 - weight)
        self.running_mean = old * self.running_mean + new * mean
        self.running_var = old * self.running_var + new * var

    def backward(self, dy):
        xhat, dx = self.xc * self.r, dy
        if self.training:
            dx = dy - dy.mean(self.axes, keepdims=True) - xhat * (dy * xhat).mean(self.axes, keepdims=True)
        return self.gamma.reshape(self.shape) * self.r * dx, (dy * xhat).sum(self.axes), dy.sum(self.axes)


class WeightOfTheOld(Layer):
    """cs231n/cs231n.github.io#180, deephealthproject/eddl#305: momentum weighs the old statistics, and it is said so."""

    __bncheck__ = {**Layer.__bncheck__, "dialect": {"momentum": "old"}}

    def track(self, mean, var, m):
        self.blend(1 - self.momentum, mean, var * var.dtype.type(m / (m - 1)))


class PopulationVariance(Layer):
    """uxlfoundation/oneDNN#517: the running variance is documented as that of the population."""

    __bncheck__ = {**Layer.__bncheck__, "dialect": {"running_variance": "biased"}}

    def track(self, mean, var, m):
        self.blend(self.momentum, mean, var)


class TermThatIsZero(Layer):
    """BVLC/caffe#4110, apache/mxnet#1053: the derivative to the variance goes on to the mean by a sum that is zero."""

    def backward(self, dy):
        if not self.training:
            return super().backward(dy)
        m = max(dy.size // dy.shape[1], 1)
        dxhat = dy * self.gamma.reshape(self.shape)
        dvar = (dxhat * self.xc).sum(self.axes, keepdims=True) * dy.dtype.type(-0.5) * self.r**3
        zero = dvar * dy.dtype.type(-2 / m) * self.xc.sum(self.axes, keepdims=True)
        dmean = -(dxhat * self.r).sum(self.axes, keepdims=True) + zero
        dx = dxhat * self.r + (dvar * self.xc * dy.dtype.type(2) + dmean) / dy.dtype.type(m)
        return dx, (dy * self.xc * self.r).sum(self.axes), dy.sum(self.axes)


class OverflowsAside(Layer):
    """sonots/cumo#339: an overflow is signalled on the way, of a number that nothing is made of."""

    def forward(self, x, training=True):
        np.float32(1e38) * np.float32(1e38)
        return super().forward(x, training)
