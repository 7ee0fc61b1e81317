"""haiku.BatchNorm, transformed to a pure function of its parameters and its moving averages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar, cast

import haiku
import jax
import jax.numpy as jnp

from bncheck.adapter import Config, FrameworkArray
from bncheck.adapters.found import Found
from bncheck.adapters.jax_layers import JaxLayerAdapter, Kept, Layer, Numbers, Shown
from bncheck.capabilities import Capabilities

_NAME = "layer"


class HaikuAdapter(JaxLayerAdapter):
    """The statistics are the corrected averages; beside them haiku keeps those that start at zero, and a count for each.

    Source: haiku 0.0.17.  `decay_rate` is the "decay rate for EMA", which "uses the Adam debiasing procedure";
    `data_format` is channels last by default.  How the variance is computed, and which one is tracked, the
    documentation does not say: it is mean(x^2) - mean(x)^2, biased and not clipped at zero, in the dtype of x.
    """

    name = "haiku"
    distribution = "dm-haiku"
    roles: ClassVar[dict[str, str]] = {"eps": "eps", "momentum": "decay_rate"}
    forbidden: ClassVar[tuple[str, ...]] = (
        "create_scale",
        "create_offset",
        "scale_init",
        "offset_init",
        "axis",
        "cross_replica_axis",
        "cross_replica_axis_index_groups",
        "name",
    )
    conventions: ClassVar[dict[str, str]] = {
        "momentum": "old",
        "running_variance": "biased",
        "first_batch": "debiased",
        "single": "beta",
        "empty": "nan",
    }

    def __init__(self, found: Found) -> None:
        self.axis = haiku.get_channel_index(str(found.options.get("data_format", "channels_last")))
        super().__init__(found)

    def offered(self) -> Capabilities:
        """One dtype for all that it makes."""
        reasons = {
            "mixed": "haiku makes gamma, beta and the statistics in the dtype of x",
            "frozen": "the decay rate is below 1, says haiku",
        }
        offered = super().offered()
        return replace(
            offered,
            mixed=False,
            uniform=True,
            frozen=False,
            counter=True,
            reasons={**offered.reasons, **reasons},
        )

    def momentum(self, numbers: Numbers) -> object:
        """The decay rate; haiku finds 1 minus it in the dtype of x."""
        return numbers.old

    def start(self, config: Config) -> Kept:
        """As `init` makes it: zeros, and no batch counted."""
        x = self._turned(jnp.zeros(config.shape, config.dtype))
        function = self._transformed(x, Layer(None, None, None), Numbers(1.0, 0.5, 0.5))
        return function.init(None, x, is_training=True)[1]

    def given(self, kept: Kept, shown: Shown) -> Kept:
        """The averages, and those that start at zero as `ExponentialMovingAverage` would have them behind these."""
        averages = self._like(kept, shown.mean, shown.var)
        return {
            name: self._average(each, given, shown)
            for (name, each), given in zip(kept.items(), averages, strict=True)
        }

    @staticmethod
    def _average(kept: dict[str, jax.Array], given: jax.Array, shown: Shown) -> dict[str, jax.Array]:
        counter = jnp.full_like(kept["counter"], shown.batches)
        decay = jnp.asarray(1 - shown.weight, given.dtype)
        hidden = given * (jnp.ones([], given.dtype) - jnp.power(decay, counter))
        return {"hidden": hidden, "average": given, "counter": counter}

    def counted(self, kept: Kept) -> int:
        """By the first of the averages; both count alike."""
        return int(next(iter(kept.values()))["counter"])

    def statistics(self, kept: Kept, momentum: float | None) -> tuple[FrameworkArray, FrameworkArray]:
        """The corrected averages."""
        mean, var = (each["average"].reshape(-1) for each in kept.values())
        return mean, var

    def apply(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        """`apply` of the transformed call."""
        x = self._turned(x)
        parameters: dict[str, object] = {}
        if layer.gamma is not None:
            scale, offset = self._like(layer.kept, layer.gamma, layer.beta)
            parameters[_NAME] = {"scale": scale, "offset": offset}
        function = self._transformed(x, layer, numbers)
        y, kept = function.apply(parameters, layer.kept, None, x, is_training=training)
        return jnp.moveaxis(y, self.axis, 1), kept

    def _transformed(self, x: jax.Array, layer: Layer, numbers: Numbers) -> haiku.TransformedWithState:
        affine = layer.gamma is not None
        words = self.words(jnp.moveaxis(x, self.axis, 1), layer, numbers)

        def called(x: jax.Array, *, is_training: bool) -> jax.Array:
            module = self.found.callable(
                create_scale=affine, create_offset=affine, name=_NAME, **words, **self.found.options
            )
            return cast("jax.Array", module(x, is_training=is_training))  # type: ignore[operator]  # a module

        return haiku.transform_with_state(called)

    def _turned(self, x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x, 1, self.axis)

    @staticmethod
    def _like(kept: Kept, *vectors: FrameworkArray) -> Iterator[FrameworkArray]:
        """Vectors in the shape, such as (1, 1, C), that haiku gives to what it keeps."""
        shape = next(iter(kept.values()))["average"].shape
        return (vector.reshape(shape) for vector in vectors)
