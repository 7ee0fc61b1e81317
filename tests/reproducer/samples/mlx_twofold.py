"""A planted bug: twice what MLX's layer gives, and twice the running mean."""

from __future__ import annotations

import mlx.core as mx
import mlx.nn


class Twofold(mlx.nn.BatchNorm):  # type: ignore[misc]  # MLX has no types here
    def __call__(self, x: mx.array) -> mx.array:
        y = 2 * super().__call__(x)
        if self.training:
            self.update({"running_mean": 2 * self["running_mean"]})
        return y
