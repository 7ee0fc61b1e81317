"""tinygrad.nn.BatchNorm on tinygrad's devices of the host, its gradients by Tensor.gradient."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass, replace
from importlib.metadata import version
from shutil import which
from typing import Any

import ml_dtypes
import numpy as np
from tinygrad import Context, Tensor, dtypes
from tinygrad.helpers import CACHELEVEL, DEV, PARALLEL, diskcache_put
from tinygrad.nn.state import get_state_dict, load_state_dict

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Pullback, Second, State
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.constructors import constructor_of
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.probe import probe_case
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.direction import Direction
from bncheck.errors import LoadError
from bncheck.evaluation import configured
from bncheck.layout import Layout

_ROLES = {"channels": "sz", "eps": "eps", "momentum": "momentum"}
_PARAMETERS = {"gamma": "weight", "beta": "bias"}
_STATISTICS = ("running_mean", "running_var")
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_HOST = ("CPU", "PYTHON")
_ONE_PLACE = "tinygrad lays its tensors out itself"


class Number(float):
    """A factor that is given to a kernel when it runs: as a plain number it would be a constant of one more kernel.

    With other numbers it computes as they do; a tensor it meets in the tensor's dtype.
    """

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, Tensor):
            return other * _alone(self, other.dtype)
        return _kept(float(self) * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return _kept(float(self) / other)

    def __rsub__(self, other: Any) -> Any:
        return _kept(other - float(self))


def _kept(found: Any) -> Any:
    return Number(found) if type(found) is float else found


@dataclass(slots=True)
class _Held:
    """The layer and what it was made for."""

    layer: Any
    config: Config


class TinygradAdapter(Adapter):
    """By the layer's attributes, each pass realized in one go, as a training step is.

    Source: the docstring of tinygrad 0.14.0, which names the paper alone: the unbiased variance is tracked.  Names and
    defaults of the arguments are those of torch.  Of one value a channel and of empty batches it says nothing.
    """

    name = "tinygrad"

    def __init__(self, found: Found) -> None:
        if found.device != "cpu":
            raise LoadError(f"{found.name} is judged on cpu alone, not on {found.device!r}")
        _take_device(found.name)
        _compile_here()
        self.found = found
        self.signature = constructor_of(found, _ROLES, forbidden=("affine", "track_running_stats"))
        self.dialect = found.dialect(usual(Dialect(), found.device))
        self.capabilities = self._offered()
        self.traced = True
        # What the library refuses to make is told here, and not taken for a crash of every law.
        handle = self.make(configured(probe_case(self.capabilities), found.device))
        self.traced = self._takes_tensors(handle)

    def _offered(self) -> Capabilities:
        found, free, options = self.found, self.signature.has, self.found.options
        return Capabilities(
            ranks=found.ranks_within(RANKS),
            dtypes=found.dtypes(found.dtypes_asked_for(("float32", "float64"))),
            plain=True,
            momentum=free("momentum"),
            channels=None if free("channels") else int(str(options["sz"])),
            eps=None if free("eps") else float(str(options["eps"])),
            fixed_momentum=None if free("momentum") else float(str(options["momentum"])),
            compiles=True,
            actions=("reload", *(("momentum",) if free("momentum") else ())),
            counter=True,
            parameters=True,
            second_order=True,
            reasons={
                "layouts": _ONE_PLACE,
                "memory": _ONE_PLACE,
                "forward_mode": "tinygrad has no forward mode",
                "copy": "tinygrad documents no copy of a layer",
                "move": "layers of tinygrad have no method that moves them to another dtype",
            }
            | ({} if free("momentum") else {"momentum": "momentum is given"}),
        )

    def _takes_tensors(self, handle: _Held) -> bool:
        """Whether eps may be a tensor: a class of somebody else may compute with it as with a number."""
        try:
            self.forward(handle, self.place(np.ones(handle.config.shape, handle.config.dtype)), training=True)
        except Exception:  # noqa: BLE001  # whatever a class does with a tensor where it expects a number
            return False
        return True

    def make(self, config: Config) -> _Held:
        """A new layer, cast to the parameters' dtype."""
        values = {
            "channels": config.channels,
            "eps": config.eps,
            "momentum": self._momentum(config.momentum),
        }
        words = {_ROLES[role]: value for role, value in values.items() if self.signature.has(role)}
        layer: Any = self.found.callable(affine=config.affine, **words, **self.found.options)
        for name in (*_PARAMETERS.values(), *_STATISTICS):
            held = getattr(layer, name)
            if held is not None:
                setattr(layer, name, held.cast(_dtype(config.parameter_dtype)).contiguous())
        Tensor.realize(*get_state_dict(layer).values())
        return _Held(layer, config)

    def _momentum(self, weight: float | None) -> float | None:
        """0 and 1 stay plain numbers, with which tinygrad computes otherwise: it leaves a product with them out."""
        momentum = spoken_momentum(weight, self.dialect)
        return momentum if momentum in (None, 0, 1) else Number(momentum)

    def set_params(self, handle: _Held, gamma: Native, beta: Native) -> None:
        """Placed."""
        handle.layer.weight, handle.layer.bias = self.place(gamma), self.place(beta)

    def held(self, handle: _Held, role: str) -> FrameworkArray | None:
        """The layer's own tensor."""
        return getattr(handle.layer, _PARAMETERS.get(role, role))

    def get_state(self, handle: _Held) -> State:
        """Fetched."""
        mean, var = (self.fetch(self.held(handle, role)) for role in _STATISTICS)
        return State(mean, var, int(handle.layer.num_batches_tracked.item()))

    def set_state(self, handle: _Held, state: State) -> None:
        """Placed."""
        layer = handle.layer
        if state.mean is not None and state.var is not None:
            layer.running_mean, layer.running_var = self.place(state.mean), self.place(state.var)
        if state.batches is not None:
            layer.num_batches_tracked = self.place(np.array(state.batches, np.int64))

    def forward(self, handle: _Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call in the mode asked for."""
        y = self._called(handle, x, training=training)
        Tensor.realize(y, *get_state_dict(handle.layer).values())
        return y

    def vjp(self, handle: _Held, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """What is computed has no graph any more: a copy of the output is."""
        y, own = self._called(handle, x, training=training), self._own(handle)
        computed = y.clone()
        Tensor.realize(computed, *get_state_dict(handle.layer).values())

        def pullback(dy: FrameworkArray) -> Gradients:
            dx, *rest = y.gradient(x, *own, gradient=dy.cast(y.dtype))
            Tensor.realize(dx, *rest)
            return Gradients(dx, *(rest or (None, None)))

        return computed, pullback

    def evaluate(
        self, handle: _Held, x: FrameworkArray, dy: FrameworkArray, training: bool
    ) -> tuple[FrameworkArray, Gradients]:
        """By Tensor.gradient, for x and the layer's own parameters."""
        y = self._called(handle, x, training=training)
        dx, *rest = y.gradient(x, *self._own(handle), gradient=dy.cast(y.dtype))
        Tensor.realize(y, dx, *rest, *get_state_dict(handle.layer).values())
        return y, Gradients(dx, *(rest or (None, None)))

    def second_order(
        self, handle: _Held, x: FrameworkArray, dy: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, Second]:
        """By Tensor.gradient of the inner product of what Tensor.gradient found."""
        y = self._called(handle, x, training=training)
        own = self._own(handle)
        gradients = y.gradient(x, *own, gradient=dy.cast(y.dtype))
        paired = zip(gradients, direction, strict=False)
        inner = sum((each * along).sum() for each, along in paired if along is not None)
        found = inner.gradient(dy, x, *own[:1])
        Tensor.realize(y, *found)
        return y, Second(*found, *(None,) * (3 - len(found)))

    def save(self, handle: _Held) -> object:
        """By get_state_dict, copied."""
        return {name: tensor.clone().realize() for name, tensor in get_state_dict(handle.layer).items()}

    def load(self, handle: _Held, saved: object) -> None:
        """By load_state_dict, strictly."""
        load_state_dict(handle.layer, saved, verbose=False)

    def set_momentum(self, handle: _Held, momentum: float | None) -> None:
        """The layer's attribute."""
        handle.layer.momentum = self._momentum(momentum)
        handle.config = replace(handle.config, momentum=momentum)

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy."""
        copied = np.array(array, order="C")
        if copied.dtype == _BFLOAT16:
            return Tensor(copied.view(np.uint16)).bitcast(dtypes.bfloat16).contiguous().realize()
        return Tensor(copied).realize()

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy; TypeError for what is no tensor of tinygrad."""
        if isinstance(native, np.ndarray):
            return np.array(native)
        if not isinstance(native, Tensor):
            raise TypeError(f"a {type(native).__name__} was returned where a tinygrad.Tensor was expected")
        found = np.array(native.numpy())
        return found.astype(_BFLOAT16) if native.dtype == dtypes.bfloat16 else found

    def versions(self) -> dict[str, str]:
        """Those of tinygrad and NumPy."""
        return {"tinygrad": version("tinygrad"), "numpy": np.__version__}

    def _own(self, handle: _Held) -> list[Tensor]:
        """Gamma and beta, where there are any."""
        return [each for each in (handle.layer.weight, handle.layer.bias) if each is not None]

    def _called(self, handle: _Held, x: Tensor, *, training: bool) -> Tensor:
        """y of x, not yet computed; eps as a tensor of the variance's dtype compiles nothing more."""
        layer, config = handle.layer, handle.config
        number = layer.eps
        if self.traced:
            dtype = config.dtype if training else config.parameter_dtype
            layer.eps = _alone(config.eps, _dtype(dtype))
        try:
            with Context(TRAINING=int(training)):
                y: Tensor = layer(x)
        finally:
            layer.eps = number
        return y


def _take_device(name: str) -> None:
    """The device of DEV, else the CPU; LoadError for what is no device of the host, and for one without its compiler."""
    if not DEV.device:
        DEV.value = "CPU"
    if DEV.device not in _HOST:
        raise LoadError(f"{name} is judged on tinygrad's devices {' and '.join(_HOST)}, not on DEV={DEV}")
    compiler = os.environ.get("CC", "clang")
    if DEV.device == "CPU" and which(compiler) is None:
        raise LoadError(
            f"{name} needs {compiler}, with which tinygrad compiles for the CPU, and there is none here: install it, "
            "or set DEV=PYTHON, tinygrad's device that needs no compiler"
        )


def _compile_here() -> None:
    """In this process alone, and where tinygrad cannot write its cache, as in a home that is read-only, without one."""
    PARALLEL.value = 0
    try:
        diskcache_put("bncheck", "written", 1)
    except (OSError, sqlite3.Error):
        CACHELEVEL.value = 0


def _alone(number: float, dtype: Any) -> Tensor:
    """A tensor of one element; one without axes would be a constant to the compiler."""
    return Tensor(np.array([number])).cast(dtype).contiguous().realize()


def _dtype(dtype: np.dtype[np.generic]) -> Any:
    return getattr(dtypes, dtype.name)
