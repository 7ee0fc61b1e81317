"""flax.nnx.BatchNorm: a module that holds its arrays, made anew around the traced ones in every compiled call."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import nnx

from bncheck.adapter import Config, FrameworkArray
from bncheck.adapters.flax_layers import FlaxAdapter
from bncheck.adapters.jax_layers import Kept, Layer, Numbers


class NnxAdapter(FlaxAdapter):
    """`num_features`, then what both of flax's layers have.

    Without `dtype` everything is promoted to the widest of x, the parameters and the statistics, which are float32: so
    is y.  With one, `promote_dtype` brings gamma, beta and the running statistics to it, as its documentation says.
    """

    name = "flax_nnx"
    conventions: ClassVar[dict[str, str]] = {**FlaxAdapter.conventions, "output": "promoted"}
    roles: ClassVar[dict[str, str]] = {**FlaxAdapter.roles, "channels": "num_features"}
    forbidden: ClassVar[tuple[str, ...]] = (
        *FlaxAdapter.forbidden,
        "rngs",
        "promote_dtype",
        "bias_metadata",
        "scale_metadata",
    )

    def start(self, config: Config) -> Kept:
        """As nnx makes them."""
        module = self._module(
            jnp.zeros(config.shape, config.dtype), Layer(None, None, None), Numbers(1, 0.5, 0.5)
        )
        return module.mean[...], module.var[...]

    def apply(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        """One call of a module that holds these arrays."""
        module = self._module(x, layer, numbers)
        module.mean, module.var = (nnx.BatchStat(each) for each in layer.kept)
        if layer.gamma is not None:
            module.scale, module.bias = nnx.Param(layer.gamma), nnx.Param(layer.beta)
        y = module(self.channels_last(x), use_running_average=not training)
        return self.channels_second(y), (module.mean[...], module.var[...])

    def _module(self, x: jax.Array, layer: Layer, numbers: Numbers) -> FrameworkArray:
        return self.found.callable(**self.words(x, layer, numbers), **self.found.options, rngs=nnx.Rngs(0))
