"""A planted bug: twice what tinygrad's layer gives, and twice the running mean."""

from __future__ import annotations

import tinygrad
import tinygrad.nn
from tinygrad.helpers import TRAINING


class Twofold(tinygrad.nn.BatchNorm):  # type: ignore[misc]  # tinygrad is not looked into
    def __call__(self, x: tinygrad.Tensor) -> tinygrad.Tensor:
        y = 2 * super().__call__(x)
        if TRAINING:
            self.running_mean.assign(2 * self.running_mean)
        return y
