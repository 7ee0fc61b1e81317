"""PyTorch's tensors on one device, and the gradients that autograd finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import ml_dtypes
import numpy as np
import torch

from bncheck.adapter import FrameworkArray, Second
from bncheck.adapters.arrays import Cotangents, Differentiated
from bncheck.adapters.torch_derivatives import differentiated_again, tangent_of
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.errors import LoadError
from bncheck.layout import Footprint, Layout, arranged, buffer_of, footprint_of

# at::internal::GRAIN_SIZE, below which elementwise work is not divided among threads.
UNDIVIDED = 32768
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


class TorchArrays:
    """Tensors on `device`: "cpu", "cuda" or "cuda:N"."""

    framework = "torch"
    differentiates = True
    compiles = False
    mutable = True
    dialect = Dialect()
    # Whether a training pass of which no gradients are asked runs as under `torch.no_grad()`.
    graphless = False

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        if self.device.type != "cuda":
            return
        if not torch.cuda.is_available():
            raise LoadError(
                f"torch sees no CUDA device here; {device!r} needs one and a build of torch for it, or use @cpu"
            )
        if (self.device.index or 0) >= torch.cuda.device_count():
            raise LoadError(
                f"torch sees {torch.cuda.device_count()} CUDA devices here, so there is no {device!r}"
            )

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy."""
        if layout == "contiguous":
            return self._copied(np.array(array, order="C"))
        # The whole buffer goes to the device and the tensor is seen in it: so it has a storage offset of its own too.
        arrangement = arranged(array, layout)
        buffer = self._copied(buffer_of(array, arrangement))
        return torch.as_strided(buffer, array.shape, arrangement.strides, arrangement.offset)

    def _copied(self, copied: Native) -> torch.Tensor:
        """bfloat16 travels as its 16 bits, exactly."""
        if copied.dtype == _BFLOAT16:
            return torch.from_numpy(copied.view(np.int16)).view(torch.bfloat16).to(self.device)
        return torch.from_numpy(copied).to(self.device)

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy on the CPU; NumPy arrays pass, TypeError for what is neither."""
        if isinstance(native, np.ndarray):
            return np.array(native)
        if not isinstance(native, torch.Tensor):
            raise TypeError(f"a {type(native).__name__} was returned where a torch.Tensor was expected")
        if native.device.type != self.device.type:
            raise TypeError(
                f"a tensor on {native.device} was returned where one on {self.device} was expected"
            )
        tensor = native.detach().cpu()
        if tensor.dtype == torch.bfloat16:
            return np.array(tensor.view(torch.int16).numpy()).view(_BFLOAT16)
        return np.array(tensor.numpy())

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """That of a tensor; of a NumPy array as well, which may share memory with one."""
        if isinstance(native, np.ndarray):
            return footprint_of(native)
        if not isinstance(native, torch.Tensor):
            return None
        width = native.element_size()
        strides = tuple([stride * width for stride in native.stride()])
        return Footprint(str(native.device), native.data_ptr(), tuple(native.shape), strides, width)

    def scope(self, dtype: np.dtype[np.generic], *, training: bool) -> AbstractContextManager[object]:
        """As `recording`."""
        return self.recording(training=training)

    def recording(self, *, training: bool) -> AbstractContextManager[object]:
        """Without gradients, but in training for layers that take their mode from `torch.is_grad_enabled()`."""
        return torch.enable_grad() if training and not self.graphless else torch.no_grad()

    @contextmanager
    def running(self, size: int) -> Iterator[None]:
        """On one thread where x is small.

        There is little to divide, but torch wakes its other threads, and on a busy machine waits for them a hundred
        times as long as the layer takes (measured: 6 ms against 0.05 ms).
        """
        threads = torch.get_num_threads()
        if size > UNDIVIDED or threads == 1:
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

    def making(self, dtype: np.dtype[np.generic]) -> AbstractContextManager[object]:
        """New tensors stand on the device."""
        return self.device

    def dtype(self, dtype: np.dtype[np.generic]) -> object:
        """torch.float32 and its kind."""
        return _DTYPES[dtype.name]

    def constant(self, array: FrameworkArray) -> FrameworkArray:
        """Detached."""
        return array.detach() if isinstance(array, torch.Tensor) else array

    def vjp(
        self, function: Differentiated, arguments: tuple[FrameworkArray | None, ...]
    ) -> tuple[FrameworkArray, Any, Cotangents]:
        """By autograd; what y does not depend on has gradient zero."""
        leaves = [None if each is None else each.detach().requires_grad_() for each in arguments]
        with torch.enable_grad():
            y, rest = function(*(None if leaf is None else writable(leaf) for leaf in leaves))
        present = [leaf for leaf in leaves if leaf is not None]

        def pullback(dy: FrameworkArray) -> tuple[FrameworkArray | None, ...]:
            found = iter(gradients(y, present, dy))
            return tuple(None if leaf is None else next(found) for leaf in leaves)

        return y.detach(), rest, pullback

    def jvp(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        direction: Direction,
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """In forward mode."""
        return tangent_of(lambda *given: function(*given)[0], arguments, direction)

    def second(
        self,
        function: Differentiated,
        arguments: tuple[FrameworkArray | None, ...],
        dy: FrameworkArray,
        direction: Direction,
    ) -> tuple[FrameworkArray, Second]:
        """By autograd, twice."""
        leaves = [None if each is None else each.detach().requires_grad_() for each in arguments]
        with torch.enable_grad():
            y, _ = function(*(None if leaf is None else writable(leaf) for leaf in leaves))
            return y.detach(), differentiated_again(y, leaves, dy, direction)

    def versions(self) -> dict[str, str]:
        """Those of torch and NumPy, and of CUDA on a GPU."""
        cuda = {} if self.device.type == "cpu" else {"cuda": str(torch.version.cuda)}
        return {"torch": torch.__version__, "numpy": np.__version__, **cuda}


def gradients(y: torch.Tensor, leaves: list[torch.Tensor], dy: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """The gradients of sum(y dy); zero where y does not depend on a leaf."""
    return torch.autograd.grad(y, leaves, dy.to(y.dtype), materialize_grads=True)


def writable(leaf: torch.Tensor) -> torch.Tensor:
    """The same memory as a tensor that is no leaf: autograd forbids a leaf what it allows every other tensor, to be
    changed in place.  A clone would be one too, but it has strides of its own; detach() would share its count of
    versions, so that a second forward pass on the same gamma would spoil the backward pass of the first.
    """
    same: torch.Tensor = _Same.apply(leaf, leaf.data)  # type: ignore[no-untyped-call]  # torch's is untyped
    return same


class _Same(torch.autograd.Function):
    """The second argument as if it were computed from the first."""

    @staticmethod
    def forward(
        ctx: torch.autograd.function.FunctionCtx, _leaf: torch.Tensor, same: torch.Tensor
    ) -> torch.Tensor:
        ctx.mark_dirty(same)
        return same

    @staticmethod
    def backward(
        _ctx: torch.autograd.function.FunctionCtx, *cotangents: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        return cotangents[0], None
