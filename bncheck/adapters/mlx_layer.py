"""mlx.nn.BatchNorm on the CPU, its gradients by mx.vjp."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import ml_dtypes
import mlx.core as mx
import numpy as np

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Pullback, State
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.constructors import constructor_of
from bncheck.adapters.found import Found
from bncheck.adapters.probe import probe_case
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.errors import LoadError
from bncheck.evaluation import configured
from bncheck.layout import Layout

_RANKS = (2, 3, 4)
_ROLES = {"channels": "num_features", "eps": "eps", "momentum": "momentum"}
_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_ONE_PLACE = "MLX lays its arrays out itself"
_PARAMETERS = {"gamma": "weight", "beta": "bias"}


@dataclass(slots=True)
class _Held:
    """The module and what it was made for."""

    module: Any
    config: Config


class MlxAdapter(Adapter):
    """Channels last.  `momentum` is "for updating the running mean and variance", by default 0.1: of the new batch.

    Source: the docstring of mlx 0.32.4, which does not say which variance is tracked: it is the unbiased one.
    """

    name = "mlx"

    def __init__(self, found: Found) -> None:
        if found.device != "cpu":
            raise LoadError(f"{found.name} is judged on cpu alone, not on {found.device!r}")
        mx.set_default_device(mx.cpu)
        self.found = found
        self.signature = constructor_of(found, _ROLES, forbidden=("affine", "track_running_stats"))
        conventions = Dialect(single="raise", empty="nan")
        self.dialect = found.dialect(usual(conventions, found.device))
        free, options = self.signature.has, found.options
        given = {role: options.get(name) for role, name in _ROLES.items()}
        self.capabilities = Capabilities(
            ranks=found.ranks_within(_RANKS),
            dtypes=found.dtypes(found.dtypes_asked_for(("float32", "float64"))),
            mixed=False,
            plain=True,
            zero_eps=False,
            momentum=free("momentum"),
            channels=None if free("channels") else int(str(given["channels"])),
            eps=None if free("eps") else float(str(given["eps"])),
            fixed_momentum=None if free("momentum") else float(str(given["momentum"])),
            actions=("copy", "reload", "move", *(("momentum",) if free("momentum") else ())),
            parameters=True,
            reasons={
                "ranks": "mlx takes x of rank 2, 3 and 4",
                "mixed": "MLX has one dtype for x and the parameters",
                "zero_eps": "mlx takes no eps of 0",
                "layouts": _ONE_PLACE,
                "memory": _ONE_PLACE,
            },
        )
        # What the library refuses to make is told here, and not taken for a crash of every law.
        self.make(configured(probe_case(self.capabilities), found.device))

    def make(self, config: Config) -> _Held:
        """A new module of the parameters' dtype."""
        values = {
            "channels": config.channels,
            "eps": config.eps,
            "momentum": spoken_momentum(config.momentum, self.dialect),
        }
        words = {_ROLES[role]: value for role, value in values.items() if self.signature.has(role)}
        module: Any = self.found.callable(affine=config.affine, **words, **self.found.options)
        module.set_dtype(_dtype(config.parameter_dtype))
        return _Held(module, config)

    def set_params(self, handle: _Held, gamma: Native, beta: Native) -> None:
        """Placed."""
        handle.module.weight, handle.module.bias = self.place(gamma), self.place(beta)

    def held(self, handle: _Held, role: str) -> FrameworkArray | None:
        """The module's own array."""
        return handle.module.get(_PARAMETERS.get(role, role))

    def get_state(self, handle: _Held) -> State:
        """Fetched."""
        return State(self.fetch(handle.module.running_mean), self.fetch(handle.module.running_var))

    def set_state(self, handle: _Held, state: State) -> None:
        """Placed."""
        if state.mean is not None and state.var is not None:
            handle.module.running_mean, handle.module.running_var = (
                self.place(state.mean),
                self.place(state.var),
            )

    def forward(self, handle: _Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call in the mode asked for."""
        handle.module.train(training)
        return _called(handle.module, x)

    def vjp(self, handle: _Held, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """The pullback repeats the forward pass, on a copy of the module as it was."""
        before = _Held(deepcopy(handle.module), handle.config)
        y = self.forward(handle, x, training)
        return y, lambda dy: self.evaluate(before, x, dy, training)[1]

    def evaluate(
        self, handle: _Held, x: FrameworkArray, dy: FrameworkArray, training: bool
    ) -> tuple[FrameworkArray, Gradients]:
        """By mx.vjp of a call that takes gamma and beta as arguments."""
        module = handle.module
        module.train(training)
        own = [module[name] for name in _PARAMETERS.values() if name in module]

        def function(x: mx.array, *parameters: mx.array) -> mx.array:
            module.update(dict(zip(_PARAMETERS.values(), parameters, strict=bool(parameters))))
            return _called(module, x)

        (y,), found = mx.vjp(function, [x, *own], [dy])
        module.update(dict(zip(_PARAMETERS.values(), own, strict=bool(own))))
        dx, *rest = found
        return y, Gradients(dx, *(rest or (None, None)))

    def copy(self, handle: _Held) -> _Held:
        """A deep copy of the module."""
        return _Held(deepcopy(handle.module), handle.config)

    def save(self, handle: _Held) -> object:
        """The module's parameters, in which its statistics are."""
        return dict(handle.module.parameters())

    def load(self, handle: _Held, saved: object) -> None:
        """By Module.update."""
        handle.module.update(saved)

    def set_momentum(self, handle: _Held, momentum: float | None) -> None:
        """The module's attribute."""
        handle.module.momentum = spoken_momentum(momentum, self.dialect)
        handle.config = replace(handle.config, momentum=momentum)

    def move(self, handle: _Held, dtype: np.dtype[np.generic]) -> None:
        """By Module.set_dtype."""
        handle.module.set_dtype(_dtype(dtype))

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A copy."""
        copied = np.array(array, order="C")
        return mx.array(copied, dtype=_dtype(copied.dtype))

    def fetch(self, native: FrameworkArray) -> Native:
        """A copy; TypeError for what is no array of MLX."""
        if isinstance(native, np.ndarray):
            return np.array(native)
        if not isinstance(native, mx.array):
            raise TypeError(f"a {type(native).__name__} was returned where an mlx.core.array was expected")
        if native.dtype == mx.bfloat16:
            return np.array(native.view(mx.uint16)).view(_BFLOAT16)
        return np.array(native)

    def versions(self) -> dict[str, str]:
        """Those of MLX and NumPy."""
        return {"mlx": version("mlx"), "numpy": np.__version__}


def _called(module: Any, x: mx.array) -> mx.array:
    """y of x, (N, C, ...), by a layer that takes channels last."""
    return mx.moveaxis(module(mx.moveaxis(x, 1, -1)), -1, 1)


def _dtype(dtype: np.dtype[np.generic]) -> mx.Dtype:
    found: mx.Dtype = getattr(mx, dtype.name)
    return found
