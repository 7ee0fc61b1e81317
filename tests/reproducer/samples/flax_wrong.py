"""flax's two layers with every bug at once, and under the same names, without `Wrong`, as they are."""

# As users write: no types.
# mypy: ignore-errors

import jax
from flax import linen, nnx

Linen = linen.BatchNorm
Nnx = nnx.BatchNorm


def off(y, *leaves):
    """y + 1, and each of its derivatives one more."""
    wrong = y + 1
    for leaf in leaves:
        wrong = wrong if leaf is None else wrong + leaf - jax.lax.stop_gradient(leaf)
    return wrong.astype(y.dtype)


class WrongLinen(linen.BatchNorm):
    """All of its numbers are off, and each call moves the mean by 1."""

    def __call__(self, x, use_running_average=None):
        """As Linen, but for that."""
        y = super().__call__(x, use_running_average)
        mean = self.get_variable("batch_stats", "mean")
        if not self.is_initializing():
            self.put_variable("batch_stats", "mean", mean + 1)
        return off(y, x, self.get_variable("params", "scale"), self.get_variable("params", "bias"))


class WrongNnx(nnx.BatchNorm):
    """The same."""

    def __call__(self, x, use_running_average=None):
        """As Nnx, but for that."""
        y = super().__call__(x, use_running_average)
        self.mean[...] += 1
        return off(y, x, *(each if each is None else each[...] for each in (self.scale, self.bias)))
