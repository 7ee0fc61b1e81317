"""Sound variants in JAX."""

from __future__ import annotations

from bncheck.adapter import Adapter
from bncheck.planted.jax_layer import JaxLayer, JaxLayerAdapter, Values, beside


def functional() -> Adapter:
    """The layer as it is."""
    return JaxLayerAdapter(JaxLayer())


def folded() -> Adapter:
    """x r - mean r."""

    def normalised(x: Values, mean: Values, r: Values) -> Values:
        return x * beside(r, x) - beside(mean * r, x)

    return JaxLayerAdapter(JaxLayer(normalised=normalised))
