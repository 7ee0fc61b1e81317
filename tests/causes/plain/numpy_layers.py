"""NumPy layers whose forward pass is wrong, one defect a class; BatchNorm itself is sound."""

# As users write: no types, short names.
# mypy: ignore-errors

import numpy as np


def column(values, x):
    """One value a channel, beside x."""
    return values.reshape(1, -1, *[1] * (x.ndim - 2))


class BatchNorm:
    """Sound: two passes, in float32 at least."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.momentum = momentum
        self.gamma = np.ones(num_features, np.float32)
        self.beta = np.zeros(num_features, np.float32)
        self.running_mean = np.zeros(num_features, np.float32)
        self.running_var = np.ones(num_features, np.float32)

    def forward(self, x, training=True):
        if x.ndim < 2 or x.shape[1] != self.gamma.size:
            raise ValueError(f"expected {self.gamma.size} channels, got the shape {x.shape}")
        if training and x.size < 2 * x.shape[1]:
            raise ValueError(f"expected more than 1 value per channel when training, got {x.shape}")
        self.dtype = x.dtype
        self.axes = (0, *range(2, x.ndim))
        x = x.astype(np.promote_types(x.dtype, np.float32))
        if training:
            mean, var = self.moments(x)
            self.track(x, mean, var)
        else:
            mean, var = self.running_mean.astype(x.dtype), self.running_var.astype(x.dtype)
        self.trained = training
        self.inverse = column(self.inverse_root(var), x)
        self.x_hat = (x - column(mean, x)) * self.inverse
        return self.scaled(self.x_hat).astype(self.dtype)

    def moments(self, x):
        count = x.size // x.shape[1]
        mean = x.sum(axis=self.axes) / count
        var = ((x - column(mean, x)) ** 2).sum(axis=self.axes) / count
        return mean, var

    def track(self, x, mean, var):
        count = x.size // x.shape[1]
        self.blend(mean, var * (count / max(count - 1, 1)), self.momentum)

    def blend(self, mean, var, momentum):
        old_mean, old_var = self.running_mean.astype(mean.dtype), self.running_var.astype(var.dtype)
        self.running_mean = ((1 - momentum) * old_mean + momentum * mean).astype(self.running_mean.dtype)
        self.running_var = ((1 - momentum) * old_var + momentum * var).astype(self.running_var.dtype)

    def inverse_root(self, var):
        return 1 / np.sqrt(var + self.eps)

    def scaled(self, x_hat):
        gamma, beta = self.gamma.astype(x_hat.dtype), self.beta.astype(x_hat.dtype)
        return column(gamma, x_hat) * x_hat + column(beta, x_hat)

    def backward(self, dy):
        x_hat, dy = self.x_hat, dy.astype(self.x_hat.dtype)
        dgamma = (dy * x_hat).sum(axis=self.axes)
        dbeta = dy.sum(axis=self.axes)
        inner = dy
        if self.trained:
            count = dy.size // dy.shape[1]
            inner = dy - column(dbeta / count, dy) - x_hat * column(dgamma / count, dy)
        dx = column(self.gamma.astype(dy.dtype), dy) * self.inverse * inner
        return dx.astype(self.dtype), dgamma.astype(self.gamma.dtype), dbeta.astype(self.beta.dtype)


class EpsOutside(BatchNorm):
    def inverse_root(self, var):
        return 1 / (np.sqrt(var) + self.eps)


class EpsFixed(BatchNorm):
    def inverse_root(self, var):
        return 1 / np.sqrt(var + 1e-5)


class GammaPlusOne(BatchNorm):
    def scaled(self, x_hat):
        return column(1 + self.gamma, x_hat) * x_hat + column(self.beta, x_hat)

    def backward(self, dy):
        dgamma, dbeta = (dy * self.x_hat).sum(axis=self.axes), dy.sum(axis=self.axes)
        inner = dy
        if self.trained:
            count = dy.size // dy.shape[1]
            inner = dy - column(dbeta / count, dy) - self.x_hat * column(dgamma / count, dy)
        return column(1 + self.gamma, dy) * self.inverse * inner, dgamma, dbeta


class BetaInsideScale(BatchNorm):
    def scaled(self, x_hat):
        return column(self.gamma, x_hat) * (x_hat + column(self.beta, x_hat))


class MomentumReversed(BatchNorm):
    def blend(self, mean, var, momentum):
        dtype = self.running_mean.dtype
        self.running_mean = (momentum * self.running_mean + (1 - momentum) * mean).astype(dtype)
        self.running_var = (momentum * self.running_var + (1 - momentum) * var).astype(dtype)


class RunningMeanNotDecayed(BatchNorm):
    def blend(self, mean, var, momentum):
        self.running_mean = (self.running_mean + momentum * mean).astype(self.running_mean.dtype)
        new_var = (1 - momentum) * self.running_var + momentum * var
        self.running_var = new_var.astype(self.running_var.dtype)


class BiasedRunningVariance(BatchNorm):
    def track(self, x, mean, var):
        self.blend(mean, var, self.momentum)


class TracksInEvaluation(BatchNorm):
    def forward(self, x, training=True):
        y = super().forward(x, training)
        if not training:
            wide = x.astype(np.promote_types(x.dtype, np.float32))
            mean, var = self.moments(wide)
            self.track(wide, mean, var)
        return y


class HalfSums(BatchNorm):
    """Made for float16, and adds up in it."""

    __bncheck__ = {"dtypes": ["float16", "float32"]}

    def moments(self, x):
        count = x.size // x.shape[1]
        mean = x.astype(self.dtype).sum(axis=self.axes, dtype=self.dtype).astype(x.dtype) / count
        squares = (x - column(mean, x)) ** 2
        var = squares.sum(axis=self.axes) / count
        return mean, var


class OnePassVariance(BatchNorm):
    def moments(self, x):
        mean = x.mean(axis=self.axes)
        var = np.maximum((x * x).mean(axis=self.axes) - mean * mean, 0)
        return mean, var


class MemoryOrder(BatchNorm):
    """Reads x as it lies in memory."""

    def forward(self, x, training=True):
        x = x.ravel(order="K").reshape(x.shape)
        return super().forward(x, training)


class NanToNum(BatchNorm):
    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        return np.nan_to_num(y)


class SqueezedChannel:
    """Goes over the channels one by one, and counts them in an array that squeeze() has made a scalar."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features), np.zeros(num_features)
        self.running_mean, self.running_var = np.zeros(num_features), np.ones(num_features)
        self.eps, self.momentum = eps, momentum

    def forward(self, x, training=True):
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        count = x.size // x.shape[1]
        if x.shape[1] != len(self.gamma):
            raise ValueError(f"expected {len(self.gamma)} channels, got {x.shape[1]}")
        if not training:
            mean, var = self.running_mean, self.running_var
        elif count < 2:
            raise ValueError("expected more than 1 value per channel when training")
        else:
            mean = x.mean(axis=axes, keepdims=True).squeeze()
            var = x.var(axis=axes, keepdims=True).squeeze()
            new_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            new_var = (1 - self.momentum) * self.running_var + self.momentum * var * count / (count - 1)
            self.running_mean = new_mean.astype(self.running_mean.dtype)
            self.running_var = new_var.astype(self.running_var.dtype)
        y = np.empty_like(x)
        for channel in range(len(mean)):
            scale = self.gamma[channel] / np.sqrt(var[channel] + self.eps)
            y[:, channel] = (x[:, channel] - mean[channel]) * scale + self.beta[channel]
        return y
