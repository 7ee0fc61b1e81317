"""The small NumPy layers with derivatives beyond the gradients, by rules that can be replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from bncheck.adapter import Second
from bncheck.case import Native
from bncheck.direction import Direction
from bncheck.planted.numpy_further import RULES, Rules, second_of, tangent_of
from bncheck.planted.numpy_layer import Layer as Parts
from bncheck.planted.numpy_layer import Made as Kept
from bncheck.planted.numpy_layer import Saved
from bncheck.reference.formats import at_least_float32, dtype_of, format_of

from .layers import Layer, LayerAdapter, Made, column


class FurtherAdapter(LayerAdapter):
    """A layer that is also asked for tangents and for derivatives of its gradients."""

    capabilities = replace(LayerAdapter.capabilities, forward_mode=True, second_order=True)
    parts: ClassVar[Parts] = Parts()

    def __init__(self, layer: Layer, rules: Rules = RULES) -> None:
        super().__init__(layer)
        self.rules = rules

    def tangent(
        self,
        handle: Made,
        x: Native,
        direction: Direction,
        training: bool,
    ) -> tuple[Native, Native]:
        saved = self._saved(handle, x, training=training)
        return self.forward(handle, x, training), tangent_of(self.rules, self.parts, saved, direction)

    def second_order(
        self, handle: Made, x: Native, dy: Native, direction: Direction, training: bool
    ) -> tuple[Native, Second]:
        saved = self._saved(handle, x, training=training)
        return self.forward(handle, x, training), second_of(self.rules, self.parts, saved, dy, direction)

    def _saved(self, handle: Made, x: Native, *, training: bool) -> Saved:
        layer, eps = self.layer, handle.config.eps
        dtype = dtype_of(at_least_float32(format_of(x.dtype)).name)
        rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).astype(dtype)
        gamma = np.ones((len(rows), 1), dtype) if handle.gamma is None else column(handle.gamma, dtype)
        beta = np.zeros((len(rows), 1), dtype) if handle.beta is None else column(handle.beta, dtype)
        assert handle.mean is not None
        assert handle.var is not None
        if training:
            mean = layer.mean(rows)
            variance = layer.variance(rows, mean)
        else:
            mean, variance = column(handle.mean, dtype), column(handle.var, dtype)
        kept = Kept(handle.config, handle.mean, handle.var, handle.gamma, handle.beta)
        r = layer.inverse(variance, dtype.type(eps))
        return Saved(kept, x, rows, mean, variance, r, gamma, beta, training)
