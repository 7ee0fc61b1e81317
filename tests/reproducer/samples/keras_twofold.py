"""A layer of Keras whose output, with all its derivatives, is twice what it should be, and whose moving mean is off by one."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable()  # a deep copy goes by a file
class Twofold(keras.layers.BatchNormalization):  # type: ignore[misc]  # Keras has no types
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        y = super().call(inputs, training=training, mask=mask)
        if training:
            self.moving_mean.assign(self.moving_mean + 1.0)
        return 2.0 * y
