"""Recipes: large arrays told by a distribution, an offset, a scale and a seed, the same bits on every platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bncheck.reference.formats import Array, format_of

Distribution = Literal[
    "integers",
    "normal",
    "uniform",
    "two_valued",
    "outlier",
    "heavy",
    "alternating",
    "near_constant",
    "constant",
]


@dataclass(frozen=True, slots=True)
class ChannelRecipe:
    """One channel: values of `distribution` (of about unit deviation), times `scale`, plus `offset`.

    "near_constant" is `offset` and its next neighbour in the format, by turns of a coin; "constant" is `offset`.
    """

    distribution: Distribution
    offset: float
    scale: float
    seed: int

    def values(self, count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
        """`count` numbers of `dtype`, those beyond a quarter of its range brought back to it."""
        shape = _SHAPES[self.distribution](_bits(self.seed, count))
        with np.errstate(over="ignore"):
            values = self.offset + self.scale * shape
        if self.distribution == "near_constant":
            spacing = 2 * format_of(dtype).half_ulp(np.array(abs(self.offset)))
            values = self.offset + spacing * (shape > 0)
        limit = format_of(dtype).largest / 4
        return np.clip(values, -limit, limit).astype(dtype)


def rows(recipes: tuple[ChannelRecipe, ...], count: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """One row a channel, (C, m)."""
    return np.stack([recipe.values(count, dtype) for recipe in recipes])


def _bits(seed: int, count: int) -> NDArray[np.int64]:
    """(count, 12) integers below 2^32.

    The raw stream of PCG64 is promised to stay; NumPy's distributions are not, and a library's logarithm differs
    between platforms.
    """
    raw = np.random.PCG64(seed).random_raw(6 * count)
    words = np.asarray(raw, dtype=np.uint64).reshape(count, 6)
    halves = np.concatenate([words & np.uint64(2**32 - 1), words >> np.uint64(32)], axis=1)
    return halves.astype(np.int64)


def _normal(bits: NDArray[np.int64]) -> Array:
    """The sum of twelve uniform numbers, less six: variance 1, and no rounding anywhere (Irwin 1927, Hall 1927)."""
    return np.asarray((bits.sum(axis=1) - 6 * 2**32) / 2.0**32)


def _integers(bits: NDArray[np.int64]) -> Array:
    return (bits[:, 0] % 9 - 4).astype(np.float64)


def _uniform(bits: NDArray[np.int64]) -> Array:
    return bits[:, 0] / 2.0**31 - 1.0


def _two_valued(bits: NDArray[np.int64]) -> Array:
    return np.where(bits[:, 0] % 2 == 0, -1.0, 1.0)


def _outlier(bits: NDArray[np.int64]) -> Array:
    values = _normal(bits)
    values[bits[0, 1] % len(values)] = 1000.0
    return values


def _heavy(bits: NDArray[np.int64]) -> Array:
    return _normal(bits) ** 3


def _alternating(bits: NDArray[np.int64]) -> Array:
    return np.where(np.arange(len(bits)) % 2 == 0, 1.0, -1.0)


def _zero(bits: NDArray[np.int64]) -> Array:
    return np.zeros(len(bits))


_SHAPES = {
    "integers": _integers,
    "normal": _normal,
    "uniform": _uniform,
    "two_valued": _two_valued,
    "outlier": _outlier,
    "heavy": _heavy,
    "alternating": _alternating,
    "near_constant": _two_valued,
    "constant": _zero,
}
