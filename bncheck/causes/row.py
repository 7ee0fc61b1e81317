"""Rows: the arrays of a case one after the other, so that all of them are compared by a few operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Native
from bncheck.reference.formats import at_least_float32, format_of

# float64, or extended precision for what is judged in float64.
Wide = NDArray[np.floating[Any]]
# Of each array its name, shape and dtype.
Signature = tuple[tuple[str, tuple[int, ...], np.dtype[Any]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Where arrays stand in one row: `places` by name, in each of them the numbers of a channel side by side.

    `kind`: the dtype of the row.  `starts`: of each array; `channels`, `lengths`: of each channel; a statistic is alone in its
    channel.  For each number `rounding`, `smallest` and `computing`: the unit roundoff and the smallest subnormal of its
    format, and the unit roundoff of that in which sound code computes.
    """

    shapes: Mapping[str, tuple[int, ...]]
    kind: np.dtype[Any]
    places: Mapping[str, slice]
    starts: NDArray[np.intp]
    channels: NDArray[np.intp]
    lengths: NDArray[np.intp]
    rounding: Wide
    smallest: Wide
    computing: Wide

    def of(self, arrays: Mapping[str, Any]) -> Wide:
        """The numbers of the arrays of these names, which have these shapes."""
        pieces = [_channels_first(arrays[name]) for name in self.places]
        return np.concatenate(pieces, dtype=self.kind, casting="unsafe")

    def limits_of(self, limits: Mapping[str, Wide]) -> Wide:
        """The numbers of the limits that have these names and shapes, 0 where there is none."""
        found = np.zeros(len(self.rounding), np.longdouble)
        for name, place in self.places.items():
            limit = limits.get(name)
            # A layer whose state has taken another shape has no bound.
            if limit is not None and limit.shape == self.shapes[name]:
                found[place] = _channels_first(limit)
        return found

    def largest_of_channels(self, values: Wide) -> Wide:
        """The largest of a channel, in the place of each of its numbers."""
        return np.asarray(np.repeat(np.maximum.reduceat(values, self.channels), self.lengths))


def _channels_first(array: Native) -> Native:
    return np.asarray((array.swapaxes(0, 1) if array.ndim > 1 else array).reshape(-1))


@lru_cache(maxsize=4096)
def rows(signature: Signature) -> tuple[Row, ...]:
    """One row for all arrays that are compared in one dtype; none of them is empty."""
    kinds = {
        name: np.dtype(np.longdouble if dtype == np.float64 else np.float64) for name, _, dtype in signature
    }
    return tuple(
        _row(tuple(each for each in signature if kinds[each[0]] == kind), kind)
        for kind in sorted(set(kinds.values()), key=lambda kind: kind.itemsize)
    )


def _row(signature: Signature, kind: np.dtype[Any]) -> Row:
    sizes = [int(np.prod(shape)) for _, shape, _ in signature]
    lengths = [
        length
        for (_, shape, _), size in zip(signature, sizes, strict=True)
        for length in ([size // shape[1]] * shape[1] if len(shape) > 1 else [1] * size)
    ]
    ends = np.cumsum(sizes)
    formats = [format_of(dtype) for _, _, dtype in signature]

    def spread(values: list[float]) -> Wide:
        return np.asarray(np.repeat(np.array(values, kind), sizes))

    return Row(
        shapes={name: shape for name, shape, _ in signature},
        kind=kind,
        places={
            name: slice(int(end) - size, int(end))
            for (name, _, _), size, end in zip(signature, sizes, ends, strict=True)
        },
        starts=np.asarray(ends - sizes, np.intp),
        channels=np.asarray(np.cumsum(lengths) - lengths, np.intp),
        lengths=np.asarray(lengths, np.intp),
        rounding=spread([each.unit_roundoff for each in formats]),
        smallest=spread([each.smallest_subnormal for each in formats]),
        computing=spread([at_least_float32(each).unit_roundoff for each in formats]),
    )
