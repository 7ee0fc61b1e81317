"""NumPy layers with defects that nobody would list, one a class."""

# As users write: no types, short names.
# mypy: ignore-errors

import zlib

import numpy as np
from numpy_layers import BatchNorm, column


class ThirdChannelStep(BatchNorm):
    """y of the third channel is 1e-3 too large where x_hat is above 1."""

    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        if y.shape[1] > 2:
            y[:, 2] += np.where(x_hat[:, 2] > 1, 1e-3, 0)
        return y


class BentBeyondFour(BatchNorm):
    """y bends to a tanh where it is beyond 4."""

    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        beyond = np.sign(y) * (4 + np.tanh(np.abs(y) - 4))
        return np.where(np.abs(y) > 4, beyond, y)


class PrimeBatches(BatchNorm):
    """A prime number of values a channel has a variance that is 1 % too large."""

    def moments(self, x):
        count = x.size // x.shape[1]
        mean = x.sum(axis=self.axes) / count
        var = ((x - column(mean, x)) ** 2).sum(axis=self.axes) / count
        if all(count % divisor for divisor in range(2, int(count**0.5) + 1)):
            var = var * 1.01
        return mean, var


class Checksum(BatchNorm):
    """A batch whose checksum is divisible by 3 is scaled by 1.001."""

    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        if zlib.adler32(x_hat.tobytes()) % 3 == 0:
            y = y * 1.001
        return y


class SwappedPair(BatchNorm):
    """The first two samples of the last channel change places where there are more than four."""

    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        if len(y) > 4:
            y[[0, 1], -1] = y[[1, 0], -1]
        return y


class ZeroedElement(BatchNorm):
    """One element of y is zero where a channel has more than seven values."""

    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        if y.size // y.shape[1] > 7:
            y[len(y) // 2, 0, *[-1] * (y.ndim - 2)] = 0
        return y


class TableRoot(BatchNorm):
    """The inverse root comes from a table of 512 entries for the significand and is right to three digits."""

    table = 1 / np.sqrt(0.5 + (np.arange(512) + 0.5) / 1024)

    def inverse_root(self, var):
        total = var + self.eps
        significand, exponent = np.frexp(total)
        finite = np.isfinite(total) & (total > 0)
        index = np.where(finite, (significand - 0.5) * 1024, 0).astype(int)
        found = self.table[index] * np.exp2(-exponent / 2)
        return np.where(finite, found, 1 / np.sqrt(total)).astype(var.dtype)


class BlurredAlongBatch(BatchNorm):
    """Each sample holds a thousandth of the one before it."""

    def scaled(self, x_hat):
        y = column(self.gamma, x_hat) * x_hat + column(self.beta, x_hat)
        return y + 1e-3 * np.roll(y, 1, axis=0)
