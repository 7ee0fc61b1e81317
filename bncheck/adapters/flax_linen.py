"""flax.linen.BatchNorm: a function of x and of variables in two collections."""

from __future__ import annotations

from typing import ClassVar, cast

import flax.linen
import jax
import jax.numpy as jnp

from bncheck.adapter import Config
from bncheck.adapters.flax_layers import FlaxAdapter
from bncheck.adapters.jax_layers import Kept, Layer, Numbers


class LinenAdapter(FlaxAdapter):
    """What both of flax's layers have; it learns the number of channels from its first batch.

    It takes x more than once, for the statistics and for y, and JAX rounds each part of a cotangent to the dtype of its
    argument.  flax does not say so of half precision: `cotangents` is a weaker numeric class, not a documented
    convention, and under `--dialect cotangents=float32` dx in half precision is violated (docs/findings.md).
    """

    name = "flax_linen"
    conventions: ClassVar[dict[str, str]] = {**FlaxAdapter.conventions, "cotangents": "input"}
    forbidden: ClassVar[tuple[str, ...]] = (*FlaxAdapter.forbidden, "parent", "name")

    def start(self, config: Config) -> Kept:
        """As `init` makes them."""
        x = jnp.zeros(config.shape, config.dtype)
        module = self._module(x, Layer(None, None, None), Numbers(1, 0.5, 0.5))
        made = module.init(jax.random.key(0), self.channels_last(x), use_running_average=True)["batch_stats"]
        return made["mean"], made["var"]

    def apply(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        """`apply` with the collection of statistics mutable in both modes, as flax documents it."""
        mean, var = layer.kept
        variables: dict[str, object] = {"batch_stats": {"mean": mean, "var": var}}
        if layer.gamma is not None:
            variables["params"] = {"scale": layer.gamma, "bias": layer.beta}
        y, changed = self._module(x, layer, numbers).apply(
            variables, self.channels_last(x), use_running_average=not training, mutable=["batch_stats"]
        )
        return self.channels_second(y), (changed["batch_stats"]["mean"], changed["batch_stats"]["var"])

    def words(self, x: jax.Array, layer: Layer, numbers: Numbers) -> dict[str, object]:
        """y of the dtype of x, which has to be said where the parameters are wider."""
        words = super().words(x, layer, numbers)
        return words if "dtype" in self.found.options else {"dtype": x.dtype, **words}

    def _module(self, x: jax.Array, layer: Layer, numbers: Numbers) -> flax.linen.Module:
        return cast(
            "flax.linen.Module", self.found.callable(**self.words(x, layer, numbers), **self.found.options)
        )
