"""How arrays lie in memory: layouts by name, arrays laid out so in a larger buffer of NaN, and what two have in common."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

Layout = Literal["contiguous", "channels_last", "transposed", "offset", "step", "padded", "expanded"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

# Odd, so that alignment goes with the offset; on either side of the array, and behind each of its rows.
MARGIN = 5


class Arrangement(NamedTuple):
    """Element (i, j, ...) stands at offset + i strides[0] + j strides[1] + ... in a buffer of `size` elements."""

    size: int
    offset: int
    strides: tuple[int, ...]


def arranged(array: NDArray[Any], layout: Layout) -> Arrangement:
    """Where the elements of an array stand.

    contiguous: the last axis is the fastest; channels_last: the second one; transposed: the first one.  offset: inside
    a longer buffer; step: every other element of it; padded: rows with room behind each.  expanded: one element for all
    along each axis along which the array is constant, as `expand` and `broadcast_to` make it.
    """
    axes = range(array.ndim)
    order = {"channels_last": (*axes[:1], *axes[2:], *axes[1:2]), "transposed": tuple(reversed(axes))}
    lengths = [*array.shape[:-1], array.shape[-1] + MARGIN] if layout == "padded" else list(array.shape)
    shared = constant_axes(array) if layout == "expanded" else ()
    strides, size = [0] * array.ndim, 2 if layout == "step" else 1
    for axis in reversed(order.get(layout, tuple(axes))):
        if axis not in shared:
            strides[axis], size = size, size * lengths[axis]
    # Whoever reads or writes as many elements in a row as the array has stays inside the buffer.
    size = max(size, array.size)
    if layout == "offset":
        return Arrangement(size + 2 * MARGIN, MARGIN, tuple(strides))
    return Arrangement(size, 0, tuple(strides))


def constant_axes(array: NDArray[Any]) -> tuple[int, ...]:
    """The axes of two positions and more along which all bits are the same."""
    bits = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
    return tuple(
        axis
        for axis in range(array.ndim)
        if array.shape[axis] > 1 and array.size and bool((bits == bits.take([0], axis)).all())
    )


def is_moved(array: NDArray[Any], layout: Layout) -> bool:
    """Whether a layout makes a difference to this array: channels_last makes none to shape (N, C)."""
    here, plain = arranged(array, layout), arranged(array, "contiguous")
    pairs = zip(array.shape, here.strides, plain.strides, strict=True)
    return here.offset != 0 or any(length > 1 and stride != usual for length, stride, usual in pairs)


def buffer_of(array: NDArray[Any], arrangement: Arrangement) -> NDArray[Any]:
    """The buffer with the values of the array where they belong and NaN, which whoever reads it shows, elsewhere."""
    buffer = np.full(arrangement.size, np.nan, array.dtype)
    seen_in(buffer, array.shape, arrangement)[...] = array
    return buffer


def seen_in(buffer: NDArray[Any], shape: tuple[int, ...], arrangement: Arrangement) -> NDArray[Any]:
    """The array that lies in a buffer, as a view of it."""
    width = buffer.dtype.itemsize
    strides = tuple(stride * width for stride in arrangement.strides)
    return np.ndarray(shape, buffer.dtype, buffer, arrangement.offset * width, strides)


def laid_out(array: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """A copy of an array in a layout."""
    arrangement = arranged(array, layout)
    return seen_in(buffer_of(array, arrangement), array.shape, arrangement)


class Footprint(NamedTuple):
    """The memory of an array: the address of its first element, and its strides and the size of an element in bytes."""

    device: str
    address: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    width: int

    def reach(self) -> tuple[int, int]:
        """The first byte, and the one behind the last; the same for an array without elements."""
        if not prod(self.shape):
            return self.address, self.address
        first, last = self.address, self.address + self.width
        for length, stride in zip(self.shape, self.strides, strict=True):
            if stride > 0:
                last += (length - 1) * stride
            else:
                first += (length - 1) * stride
        return first, last

    def meets(self, other: Footprint) -> bool:
        """Whether any byte belongs to both; the interleaved columns of one array share none."""
        (start, end), (first, last) = self.reach(), other.reach()
        if self.device != other.device or end <= first or last <= start:
            return False
        ours = np.sort(self._elements())
        theirs = other._elements()
        before = ours[np.maximum(np.searchsorted(ours, theirs, side="right") - 1, 0)]
        after = ours[np.minimum(np.searchsorted(ours, theirs, side="left"), len(ours) - 1)]
        near = (before <= theirs) & (theirs < before + self.width)
        return bool((near | ((theirs <= after) & (after < theirs + other.width))).any())

    def _elements(self) -> NDArray[np.int64]:
        """The address of each element."""
        addresses = np.full(self.shape, self.address, np.int64)
        for axis, (length, stride) in enumerate(zip(self.shape, self.strides, strict=True)):
            steps = np.arange(length, dtype=np.int64) * stride
            addresses += steps.reshape(-1, *(1,) * (len(self.shape) - axis - 1))
        return addresses.reshape(-1)


def footprint_of(array: NDArray[Any]) -> Footprint:
    """Where a NumPy array lies."""
    address = array.__array_interface__["data"][0]
    return Footprint("cpu", address, array.shape, array.strides, array.itemsize)


def meetings(named: Mapping[str, Footprint]) -> list[tuple[str, str]]:
    """The pairs of names whose arrays have a byte in common, each in the order of the mapping."""
    reaches = sorted((*each.reach(), number) for number, each in enumerate(named.values()))
    names, footprints = list(named), list(named.values())
    found: list[tuple[int, int]] = []
    for place, (_, end, number) in enumerate(reaches):
        for start, _, other in reaches[place + 1 :]:
            if start >= end:
                break
            if footprints[number].meets(footprints[other]):
                found.append((min(number, other), max(number, other)))
    return [(names[one], names[other]) for one, other in sorted(found)]
