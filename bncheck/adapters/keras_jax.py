"""keras.layers.BatchNormalization on JAX: `stateless_call` of a layer that is made while a call is compiled."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from bncheck.adapter import Config
from bncheck.adapters.found import Found
from bncheck.adapters.jax_layers import JaxLayerAdapter, Kept, Layer, Numbers
from bncheck.adapters.keras_layer import CONVENTIONS, FORBIDDEN, ROLES, axis_of, built
from bncheck.reference.formats import FORMATS


class KerasJaxAdapter(JaxLayerAdapter):
    """The conventions of `KerasAdapter`.  eps and momentum are set on the layer as its attributes, and traced."""

    name = "keras"
    distribution = "keras"
    roles: ClassVar[dict[str, str]] = ROLES
    forbidden = FORBIDDEN
    dtypes = tuple(FORMATS)
    conventions: ClassVar[dict[str, str]] = dict(CONVENTIONS)

    def __init__(self, found: Found) -> None:
        self.axis = axis_of(found)
        super().__init__(found)

    def start(self, config: Config) -> Kept:
        """As Keras makes them."""
        layer: Any = built(self.found, config)
        return layer.moving_mean.value, layer.moving_variance.value

    def apply(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        """One call without side effects."""
        mean, _ = layer.kept
        affine, dtype = layer.gamma is not None, np.dtype(mean.dtype)
        config = Config(
            x.shape, 1.0, 0.5, affine=affine, dtype=np.dtype(x.dtype), parameter_dtype=dtype, device="cpu"
        )
        with jax.ensure_compile_time_eval():
            made: Any = built(self.found, config)
        if self.signature.has("eps"):
            made.epsilon = numbers.eps
        if self.signature.has("momentum"):
            made.momentum = self.momentum(numbers)
        own = [layer.gamma, layer.beta] if affine else []
        y, left = made.stateless_call(own, list(layer.kept), jnp.moveaxis(x, 1, self.axis), training=training)
        return jnp.moveaxis(y, self.axis, 1), tuple(left)
