"""What flax's two batch normalization layers have in common."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp

from bncheck.adapters.found import Found
from bncheck.adapters.jax_layers import JaxLayerAdapter, Layer, Numbers
from bncheck.dialect import Dialect
from bncheck.errors import LoadError
from bncheck.reference.formats import FORMATS


class FlaxAdapter(JaxLayerAdapter):
    """Channels last unless `axis` says otherwise; statistics of at least float32, whatever x and the parameters are.

    Source: the docstrings of flax 0.12.8.  `momentum` is the "decay rate for the exponential moving average";
    `use_fast_variance`, on by default, is "a faster, but less numerically stable, calculation for the variance",
    E[|x|^2] - |E[x]|^2, clipped at zero.  Which variance is tracked they do not say: it is the biased one.
    """

    distribution = "flax"
    roles: ClassVar[dict[str, str]] = {"eps": "epsilon", "momentum": "momentum"}
    # Gamma and beta are given or left out with the case; the rest concerns several devices, or new parameters.
    forbidden: ClassVar[tuple[str, ...]] = (
        "use_running_average",
        "use_bias",
        "use_scale",
        "bias_init",
        "scale_init",
        "axis_name",
        "axis_index_groups",
    )
    dtypes = tuple(FORMATS)
    conventions: ClassVar[dict[str, str]] = {
        "momentum": "old",
        "running_variance": "biased",
        "single": "beta",
        "empty": "nan",
    }

    def __init__(self, found: Found) -> None:
        axis = found.options.get("axis", -1)
        if axis not in (1, -1):
            raise LoadError(f"{found.name}: axis is {axis!r}; bncheck judges 1 and -1")
        self.axis = 1 if axis == 1 else -1
        super().__init__(found)

    def declared(self, dialect: Dialect) -> Dialect:
        """One-pass where the fast variance is asked for, by its default or by the user."""
        dialect = super().declared(dialect)
        fast = self.found.options.get("use_fast_variance", True)
        return dialect.declared("variance", "one_pass") if fast else dialect

    def words(self, x: jax.Array, layer: Layer, numbers: Numbers) -> dict[str, object]:
        """Both of gamma and beta, or none."""
        affine = layer.gamma is not None
        return super().words(x, layer, numbers) | {"use_bias": affine, "use_scale": affine}

    def channels_last(self, x: jax.Array) -> jax.Array:
        """x as the layer takes it."""
        return jnp.moveaxis(x, 1, self.axis)

    def channels_second(self, y: jax.Array) -> jax.Array:
        """y as bncheck takes it."""
        return jnp.moveaxis(y, self.axis, 1)
