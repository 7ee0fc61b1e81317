"""A planted bug: twice what paddle's layer gives, and twice the running mean."""

from __future__ import annotations

from typing import Any

import paddle


class Twofold(paddle.nn.BatchNorm1D):  # type: ignore[misc]  # paddle has no types
    def forward(self, x: Any) -> Any:
        y = 2 * super().forward(x)
        if self.training:
            self._mean.set_value(2 * self._mean)
        return y
