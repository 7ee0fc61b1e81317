"""JAX's arrays on one device, and the gradients that jax.vjp finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from bncheck.adapter import FrameworkArray, Second
from bncheck.adapters.arrays import Cotangents, Differentiated
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.errors import LoadError, NotOffered
from bncheck.layout import Footprint, Layout


class JaxArrays:
    """Arrays on `device`: "cpu", "cuda" or "cuda:N".

    float64 runs inside `jax.enable_x64(True)`, float32 as the user has set it: inside, a function's `jnp.zeros(3)`
    would be float64 and widen what it touches.
    """

    framework = "jax"
    differentiates = True
    compiles = True
    mutable = False
    # Of 1 / sqrt XLA makes an approximate rsqrt, on the CPU as well: 1.64 ulp were measured in float32, jaxlib 0.10.2.
    dialect = Dialect(inverse_root="approximate")

    def __init__(self, device: str) -> None:
        self.device = _device(device)

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy on the device; NotOffered for a layout, which JAX's arrays do not have."""
        if layout != "contiguous":
            raise NotOffered("JAX's arrays have no strides")
        copied = np.array(array)  # device_put may go on using the memory that it is given
        with self._running(copied.dtype):
            return jax.device_put(copied, self.device)

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy on the CPU; NumPy arrays pass, TypeError for what is neither."""
        if not isinstance(native, jax.Array | np.ndarray):
            raise TypeError(f"a {type(native).__name__} was returned where a jax.Array was expected")
        return np.array(native)

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """None: no array can be changed, so that nobody sees what memory two of them share."""
        return None

    def scope(self, dtype: np.dtype[np.generic], *, training: bool) -> AbstractContextManager[object]:
        """On the device, and where JAX has float64 when x has."""
        return self._running(dtype)

    def running(self, size: int) -> AbstractContextManager[object]:
        """Nothing to set."""
        return nullcontext()

    def making(self, dtype: np.dtype[np.generic]) -> AbstractContextManager[object]:
        """As `scope`."""
        return self._running(dtype)

    def dtype(self, dtype: np.dtype[np.generic]) -> object:
        """NumPy's: JAX uses them."""
        return dtype

    def constant(self, array: FrameworkArray) -> FrameworkArray:
        """Itself: arrays carry no graph."""
        return array

    def vjp(
        self, function: Differentiated, arguments: tuple[FrameworkArray | None, ...]
    ) -> tuple[FrameworkArray, Any, Cotangents]:
        """By jax.vjp."""
        y, pull, rest = jax.vjp(function, *arguments, has_aux=True)

        def pullback(dy: FrameworkArray) -> tuple[FrameworkArray | None, ...]:
            with self._running(np.dtype(y.dtype)):
                return tuple(pull(dy.astype(y.dtype)))

        return y, rest, pullback

    def jvp(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        direction: Direction,
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """By jax.jvp."""
        along = tuple(completed(direction, arguments))
        y, tangent, _ = jax.jvp(function, arguments, along, has_aux=True)
        return y, tangent

    def second(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        dy: FrameworkArray,
        direction: Direction,
    ) -> tuple[FrameworkArray, Second]:
        """By jax.vjp of jax.vjp."""

        def pulled(dy: FrameworkArray, *arguments: FrameworkArray | None) -> tuple[Any, FrameworkArray]:
            y, pull, _ = jax.vjp(function, *arguments, has_aux=True)
            return pull(dy.astype(y.dtype)), y

        _, pull, y = jax.vjp(pulled, dy, *arguments, has_aux=True)
        return y, Second(*pull(tuple(completed(direction, arguments)))[:3])

    def versions(self) -> dict[str, str]:
        """Those of JAX, jaxlib and NumPy."""
        return {"jax": jax.__version__, "jaxlib": version("jaxlib"), "numpy": np.__version__}

    @contextmanager
    def _running(self, dtype: np.dtype[np.generic]) -> Iterator[None]:
        with jax.default_device(self.device):
            if dtype == np.float64:
                with jax.enable_x64(True):  # noqa: FBT003 - its only argument
                    yield
            else:
                yield


def completed(direction: Direction, arguments: tuple[FrameworkArray | None, ...]) -> Direction:
    """A direction with zeros for what it leaves out."""
    return Direction(
        *(
            None if held is None else jax.numpy.zeros_like(held) if along is None else along
            for along, held in zip(direction, arguments, strict=True)
        )
    )


def _device(device: str) -> jax.Device:
    platform, _, index = device.partition(":")
    try:
        devices = jax.devices("cpu" if platform == "cpu" else "gpu")
    except RuntimeError:
        raise LoadError(
            f"jax sees no CUDA device here; {device!r} needs one and a jaxlib for it, or use @cpu"
        ) from None
    if int(index or 0) >= len(devices):
        raise LoadError(f"jax sees {len(devices)} CUDA devices here, so there is no {device!r}")
    return devices[int(index or 0)]
