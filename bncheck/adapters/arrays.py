"""What an adapter needs of a framework: arrays in and out, a place to run, and the gradients of a Python function."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from bncheck.adapter import Adapter, FrameworkArray, Second
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.layout import Footprint, Layout

# y, and whatever else a function gives that no gradient is taken of.
Valued = tuple[FrameworkArray, Any]
Differentiated = Callable[..., Valued]
Cotangents = Callable[[FrameworkArray], tuple[FrameworkArray | None, ...]]


class Arrays(Protocol):
    """The arrays of one framework on one device."""

    @property
    def framework(self) -> str:
        """Its name: numpy, torch or jax."""

    @property
    def differentiates(self) -> bool:
        """Whether it finds the gradients of a Python function."""

    @property
    def compiles(self) -> bool:
        """Whether a new shape costs a compilation."""

    @property
    def dialect(self) -> Dialect:
        """What code in this framework claims unless it says otherwise."""

    @property
    def mutable(self) -> bool:
        """Whether arrays are memory: a function can change them in place, and they have strides."""

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A NumPy array as the framework's own, on the device; always an exact copy."""

    def fetch(self, native: FrameworkArray) -> Native:
        """The framework's array as a NumPy array of its own; bfloat16 as that of ml_dtypes."""

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """Where an array lies in memory; None for what is none or does not tell."""

    def scope(self, dtype: np.dtype[np.generic], *, training: bool) -> AbstractContextManager[object]:
        """Where an evaluation on x of this dtype runs."""

    def running(self, size: int) -> AbstractContextManager[object]:
        """Settings for evaluations of x with `size` elements that concern their time alone."""

    def making(self, dtype: np.dtype[np.generic]) -> AbstractContextManager[object]:
        """Where a layer for x of this dtype is constructed: new arrays come to stand on the device."""

    def dtype(self, dtype: np.dtype[np.generic]) -> object:
        """The framework's own name of a dtype."""

    def constant(self, array: FrameworkArray) -> FrameworkArray:
        """The same values, cut off from the graph that gradients flow through."""

    def vjp(
        self, function: Differentiated, arguments: tuple[FrameworkArray | None, ...]
    ) -> tuple[FrameworkArray, Any, Cotangents]:
        """y and the rest of `function`, and the pullback of dy to one gradient an argument (None for None)."""

    def jvp(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        direction: Direction,
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """y of `function` of x, gamma and beta, and its derivative along a direction."""

    def second(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        dy: FrameworkArray,
        direction: Direction,
    ) -> tuple[FrameworkArray, Second]:
        """y, and the derivatives of the inner product of the pullback of dy with a direction."""

    def versions(self) -> dict[str, str]:
        """Name to version of the libraries."""


def unchangeable(arrays: Arrays) -> dict[str, str]:
    """Why nobody looks into the memory of arrays that cannot be changed."""
    why = f"arrays of {arrays.framework} have no strides and cannot be changed in place"
    return {} if arrays.mutable else dict.fromkeys(("layouts", "parameters", "memory"), why)


def undifferentiated(arrays: Arrays) -> dict[str, str]:
    """Why a framework that finds no gradients finds no further derivatives either."""
    why = f"{arrays.framework} finds no derivatives of a function"
    return {} if arrays.differentiates else dict.fromkeys(("forward_mode", "second_order"), why)


class ArraysAdapter(Adapter):
    """An adapter that places and fetches as `arrays` does."""

    arrays: Arrays

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A NumPy array as the framework's own, on the device."""
        return self.arrays.place(array, layout)

    def fetch(self, native: FrameworkArray) -> Native:
        """The framework's array as a NumPy array of its own."""
        return self.arrays.fetch(native)

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """As the framework tells."""
        return self.arrays.footprint(native)

    def running(self, size: int) -> AbstractContextManager[object]:
        """As the framework's arrays need."""
        return self.arrays.running(size)

    def versions(self) -> dict[str, str]:
        """Those of the framework."""
        return self.arrays.versions()
