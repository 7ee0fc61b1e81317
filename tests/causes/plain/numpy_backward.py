"""NumPy layers whose backward pass is wrong, one defect a class."""

# As users write: no types, short names.
# mypy: ignore-errors

from numpy_layers import BatchNorm, column


class DxWithoutMeanTerm(BatchNorm):
    def backward(self, dy):
        dgamma = (dy * self.x_hat).sum(axis=self.axes)
        dbeta = dy.sum(axis=self.axes)
        dx = dy
        if self.trained:
            dx = dy - self.x_hat * (dy * self.x_hat).mean(axis=self.axes, keepdims=True)
        return column(self.gamma, dy) * self.inverse * dx, dgamma, dbeta


class DxWithoutGamma(BatchNorm):
    def backward(self, dy):
        dgamma = (dy * self.x_hat).sum(axis=self.axes)
        dbeta = dy.sum(axis=self.axes)
        dx = dy
        if self.trained:
            along = (dy * self.x_hat).mean(axis=self.axes, keepdims=True)
            dx = dy - dy.mean(axis=self.axes, keepdims=True) - self.x_hat * along
        return self.inverse * dx, dgamma, dbeta


class DgammaMean(BatchNorm):
    def backward(self, dy):
        dx, _, dbeta = super().backward(dy)
        dgamma = (dy * self.x_hat).mean(axis=self.axes)
        return dx, dgamma, dbeta


class DgammaOfCentred(BatchNorm):
    """Forgets the inverse deviation."""

    def backward(self, dy):
        dx, _, dbeta = super().backward(dy)
        centred = self.x_hat / self.inverse
        return dx, (dy * centred).sum(axis=self.axes), dbeta


class DbetaMean(BatchNorm):
    def backward(self, dy):
        dx, dgamma, _ = super().backward(dy)
        dbeta = dy.sum(axis=self.axes) / (dy.size // dy.shape[1])
        return dx, dgamma, dbeta
