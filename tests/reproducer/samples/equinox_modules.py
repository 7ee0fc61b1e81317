"""equinox.nn.BatchNorm with bugs."""

# As users write: no types.
# mypy: ignore-errors

import equinox
import jax


class AddsOne(equinox.nn.BatchNorm):
    """y is 1 too large."""

    def __call__(self, x, state, *, key=None, inference=None):
        """As the base, and 1."""
        y, state = super().__call__(x, state, key=key, inference=inference)
        return y + 1, state


class DoublesGradients(equinox.nn.BatchNorm):
    """y is right, dx, dgamma and dbeta are twice what they are to be."""

    def __call__(self, x, state, *, key=None, inference=None):
        """As the base, and 0, which has a gradient."""
        y, state = super().__call__(x, state, key=key, inference=inference)
        return y + (y - jax.lax.stop_gradient(y)), state


class ShiftsMean(equinox.nn.BatchNorm):
    """What is tracked in training is 1 above the mean."""

    def __call__(self, x, state, *, key=None, inference=None):
        """As the base of a batch that lies higher, of which y is the same."""
        trains = not (self.inference if inference is None else inference)
        return super().__call__(x + 1 if trains else x, state, key=key, inference=inference)


class CountsTwice(equinox.nn.BatchNorm):
    """A batch is counted as two."""

    def __call__(self, x, state, *, key=None, inference=None):
        """As the base, and one more."""
        y, state = super().__call__(x, state, key=key, inference=inference)
        if not (self.inference if inference is None else inference):
            state = state.set(self.batch_counter, state.get(self.batch_counter) + 1)
        return y, state
