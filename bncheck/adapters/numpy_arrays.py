"""NumPy's arrays: they are what cases are made of, and no gradients are found."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from bncheck.adapter import FrameworkArray, Second
from bncheck.adapters.arrays import Cotangents, Differentiated
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.errors import LoadError, NotOffered
from bncheck.layout import Footprint, Layout, footprint_of, laid_out


class NumpyArrays:
    """Arrays on the CPU."""

    framework = "numpy"
    differentiates = False
    compiles = False
    mutable = True
    dialect = Dialect()

    def __init__(self, device: str) -> None:
        if device != "cpu":
            raise LoadError(f"NumPy has no device {device!r}; it runs on cpu alone")

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy."""
        return np.array(array, order="C") if layout == "contiguous" else laid_out(array, layout)

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy; TypeError for what is no array of numbers."""
        fetched = np.array(native)
        if fetched.dtype == object:
            raise TypeError(f"a {type(native).__name__} was returned where an array was expected")
        return fetched

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """That of an array."""
        return footprint_of(native) if isinstance(native, np.ndarray) else None

    def scope(self, dtype: np.dtype[np.generic], *, training: bool) -> AbstractContextManager[object]:
        """IEEE special values travel in silence, as they do in the other frameworks."""
        return np.errstate(all="ignore")

    def running(self, size: int) -> AbstractContextManager[object]:
        """Nothing to set."""
        return nullcontext()

    def making(self, dtype: np.dtype[np.generic]) -> AbstractContextManager[object]:
        """Nothing to prepare."""
        return nullcontext()

    def dtype(self, dtype: np.dtype[np.generic]) -> object:
        """Itself."""
        return dtype

    def constant(self, array: FrameworkArray) -> FrameworkArray:
        """Itself: there is no graph."""
        return array

    def vjp(
        self, function: Differentiated, arguments: tuple[FrameworkArray | None, ...]
    ) -> tuple[FrameworkArray, Any, Cotangents]:
        """Raise NotOffered."""
        raise NotOffered("NumPy finds no gradients of a function")

    def jvp(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        direction: Direction,
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """Raise NotOffered."""
        raise NotOffered("NumPy finds no derivatives of a function")

    def second(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        dy: FrameworkArray,
        direction: Direction,
    ) -> tuple[FrameworkArray, Second]:
        """Raise NotOffered."""
        raise NotOffered("NumPy finds no derivatives of a function")

    def versions(self) -> dict[str, str]:
        """NumPy's."""
        return {"numpy": np.__version__}
