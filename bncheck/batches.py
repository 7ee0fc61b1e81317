"""The batches of a program: variants of the x and dy that its case gives, by number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Case, Native
from bncheck.reference.formats import format_of

_FACTORS = (1.0, -0.5, 2.0, -1.0)
# From this number on a batch is shorter; those below keep the shape of x, which compiled targets need.
SHORTER = len(_FACTORS)


def batch_of(case: Case, number: int) -> tuple[Native, Native | None]:
    """x and dy of a batch: samples moved on by `number`, times a power of two, and half of them for every other four."""
    return _variant(case.x, number), None if case.dy is None else _variant(case.dy, number)


def _variant(array: Native, number: int) -> Native:
    if number == 0:
        return array
    moved = np.roll(array, number, axis=0)
    if (number // SHORTER) % 2 == 1 and _shortens(array):
        moved = moved[: (len(array) + 1) // 2]
    return _times(moved, _FACTORS[number % SHORTER])


def _shortens(array: Native) -> bool:
    """Whether half of the samples still hold two values a channel."""
    values = array.size // (len(array) * array.shape[1])
    return bool((len(array) + 1) // 2 * values >= 2)


def _times(array: NDArray[Any], factor: float) -> Native:
    """In the dtype of the array; values near its largest number stay as they are, so that none overflows."""
    limit = format_of(array.dtype).largest / 4
    values = array.astype(np.float64)
    fitting = np.abs(values) < limit
    return np.asarray(np.where(fitting, values * factor, values).astype(array.dtype))


def without_values(array: Native) -> Native:
    """A batch of no sample."""
    return array[:0]


def with_one_value(array: Native) -> Native:
    """The first value of each channel alone: (1, C, 1, ...)."""
    return np.ascontiguousarray(array[(slice(0, 1), slice(None), *(slice(0, 1),) * (array.ndim - 2))])


def with_another_channel(array: Native) -> Native:
    """One channel too many: the first one again."""
    return np.concatenate([array, array[:, :1]], axis=1)
