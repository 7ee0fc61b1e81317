"""What Keras's batch normalization is made of on every backend: its arguments, its conventions, its dtype policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from bncheck.adapter import Config
from bncheck.adapters.found import Found
from bncheck.errors import LoadError

ROLES = {"eps": "epsilon", "momentum": "momentum"}
# Gamma and beta are given or left out with the case; renorm is another operation; the rest concerns training.
FORBIDDEN = (
    "kwargs",
    "center",
    "scale",
    "dtype",
    "renorm",
    "renorm_clipping",
    "renorm_momentum",
    "synchronized",
    *(
        f"{role}_{kind}"
        for role in ("beta", "gamma")
        for kind in ("initializer", "regularizer", "constraint")
    ),
    "moving_mean_initializer",
    "moving_variance_initializer",
)
# Source: the docstring of keras 3.15.1.
CONVENTIONS: Mapping[str, str] = {"momentum": "old", "running_variance": "biased", "single": "beta"}


def axis_of(found: Found) -> int:
    """The axis of the channels, 1 or -1; LoadError for another."""
    axis = found.options.get("axis", -1)
    if axis not in (1, -1):
        raise LoadError(f"{found.name}: axis is {axis!r}; bncheck judges 1 and -1")
    return int(str(axis))


def built(
    found: Found, config: Config, *, momentum: float | None = None, eps: float | None = None
) -> keras.layers.Layer:
    """A new layer for x of a configuration, with the momentum and eps that the user leaves open.

    Its dtype policy says the dtype of x and y, and that of the variables where it is another one.
    """
    mixed = config.dtype != config.parameter_dtype
    policy = f"mixed_{config.dtype.name}" if mixed else config.dtype.name
    words: dict[str, Any] = {"momentum": momentum, "epsilon": eps}
    left = {key: value for key, value in words.items() if value is not None and key not in found.options}
    layer = found.callable(
        center=config.affine, scale=config.affine, dtype=policy, **{**left, **found.options}
    )
    made: Any = layer
    made.build(np.moveaxis(np.empty(config.shape, bool), 1, axis_of(found)).shape)
    return made
