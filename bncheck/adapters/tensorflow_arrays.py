"""TensorFlow's eager tensors on the CPU, and the gradients that its tapes find."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import tensorflow as tf

from bncheck.adapter import FrameworkArray, Second
from bncheck.adapters.arrays import Cotangents, Differentiated
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.errors import LoadError, NotOffered
from bncheck.layout import Footprint, Layout


class TensorflowArrays:
    """Tensors on the CPU."""

    framework = "tensorflow"
    differentiates = True
    compiles = False
    mutable = False
    dialect = Dialect()

    def __init__(self, device: str) -> None:
        if device != "cpu":
            raise LoadError(f"bncheck judges TensorFlow on cpu alone, not on {device!r}")

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy; NotOffered for a layout, which TensorFlow's tensors do not have."""
        if layout != "contiguous":
            raise NotOffered("TensorFlow's tensors have no strides")
        return tf.constant(np.array(array, order="C"))

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy; NumPy arrays pass, TypeError for what is neither."""
        if not isinstance(native, tf.Tensor | tf.Variable | np.ndarray):
            raise TypeError(f"a {type(native).__name__} was returned where a tf.Tensor was expected")
        return np.array(native)

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """None: no tensor can be changed, so that nobody sees what memory two of them share."""
        return None

    def scope(self, dtype: np.dtype[np.generic], *, training: bool) -> AbstractContextManager[object]:
        """Nothing to set."""
        return nullcontext()

    def running(self, size: int) -> AbstractContextManager[object]:
        """Nothing to set."""
        return nullcontext()

    def making(self, dtype: np.dtype[np.generic]) -> AbstractContextManager[object]:
        """Nothing to prepare."""
        return nullcontext()

    def dtype(self, dtype: np.dtype[np.generic]) -> object:
        """tf.float32 and its kind."""
        return tf.as_dtype(dtype)

    def constant(self, array: FrameworkArray) -> FrameworkArray:
        """The value of a tensor or a variable, cut off from every tape."""
        return tf.stop_gradient(tf.convert_to_tensor(array))

    def vjp(
        self, function: Differentiated, arguments: tuple[FrameworkArray | None, ...]
    ) -> tuple[FrameworkArray, Any, Cotangents]:
        """By a tape that can be asked again; what y does not depend on has gradient zero."""
        leaves = self._leaves(arguments)
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            y, rest = _watched(tape, function, leaves)

        def pullback(dy: FrameworkArray) -> tuple[FrameworkArray | None, ...]:
            return _gradients(tape, y, leaves, dy)

        return y, rest, pullback

    def jvp(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        direction: Direction,
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """By a forward accumulator."""
        leaves = self._leaves(arguments)
        pairs = [
            (leaf, along)
            for leaf, along in zip(leaves, direction, strict=True)
            if leaf is not None and along is not None
        ]
        with tf.autodiff.ForwardAccumulator(*map(list, zip(*pairs, strict=True))) as accumulator:
            y, _ = function(*leaves)
        return y, accumulator.jvp(y, unconnected_gradients="zero")

    def second(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        dy: FrameworkArray,
        direction: Direction,
    ) -> tuple[FrameworkArray, Second]:
        """By a tape of a tape."""
        leaves = self._leaves(arguments)
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch([dy, *(leaf for leaf in leaves if leaf is not None)])
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                y, _ = _watched(inner, function, leaves)
            found = _gradients(inner, y, leaves, dy)
            parts = [
                tf.reduce_sum(gradient * along)
                for gradient, along in zip(found, direction, strict=True)
                if gradient is not None and along is not None
            ]
            product = tf.add_n(parts)
        return y, Second(*_gradients(outer, product, (dy, *leaves[:2]), None))

    def versions(self) -> dict[str, str]:
        """Those of TensorFlow and NumPy."""
        return {"tensorflow": tf.__version__, "numpy": np.__version__}

    def _leaves(self, arguments: tuple[FrameworkArray | None, ...]) -> tuple[FrameworkArray | None, ...]:
        return tuple(None if each is None else self.constant(each) for each in arguments)


def _watched(
    tape: tf.GradientTape, function: Differentiated, leaves: tuple[FrameworkArray | None, ...]
) -> tuple[FrameworkArray, Any]:
    tape.watch([leaf for leaf in leaves if leaf is not None])
    return function(*leaves)


def _gradients(
    tape: tf.GradientTape,
    y: FrameworkArray,
    leaves: tuple[FrameworkArray | None, ...],
    dy: FrameworkArray | None,
) -> tuple[FrameworkArray | None, ...]:
    """One a leaf, None for None; zero where y does not depend on it."""
    there = [leaf for leaf in leaves if leaf is not None]
    found = iter(tape.gradient(y, there, output_gradients=dy, unconnected_gradients="zero"))
    return tuple(None if leaf is None else next(found) for leaf in leaves)
