"""haiku.BatchNorm with bugs."""

# As users write: no types.
# mypy: ignore-errors

import haiku
import jax


class AddsOne(haiku.BatchNorm):
    """y is 1 too large."""

    def __call__(self, inputs, is_training, **words):
        """As the base, and 1."""
        return super().__call__(inputs, is_training, **words) + 1


class DoublesGradients(haiku.BatchNorm):
    """y is right, dx, dgamma and dbeta are twice what they are to be."""

    def __call__(self, inputs, is_training, **words):
        """As the base, and 0, which has a gradient."""
        y = super().__call__(inputs, is_training, **words)
        return y + (y - jax.lax.stop_gradient(y))


class ShiftsMean(haiku.BatchNorm):
    """What is tracked in training is 1 above the mean."""

    def __call__(self, inputs, is_training, **words):
        """As the base of a batch that lies higher, of which y is the same."""
        return super().__call__(inputs + 1 if is_training else inputs, is_training, **words)


class CountsTwice(haiku.BatchNorm):
    """A batch is counted as two, the averages are right."""

    def __call__(self, inputs, is_training, **words):
        """As the base, and the average of the mean is shown itself."""
        y = super().__call__(inputs, is_training, **words)
        if is_training:
            self.mean_ema(self.mean_ema.average)
        return y
