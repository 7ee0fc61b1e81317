"""The adapter protocol: what turns a target into something that can be evaluated; all but two methods have a default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.errors import NotOffered
from bncheck.layout import Footprint, Layout, footprint_of, laid_out

# A framework's own array and a layer's own object: bncheck only hands them back to the adapter they came from.
FrameworkArray = Any
Handle = Any
Pullback = Callable[[FrameworkArray], "Gradients"]


@dataclass(frozen=True, slots=True)
class Config:
    """What a layer is made for: canonical terms, which the adapter translates into the library's own.

    `shape`: of x, channels second.  `momentum`: weight of the new batch, None for the cumulative average.  `dtype`: of
    x; `parameter_dtype`: of gamma, beta and the running statistics.
    """

    shape: tuple[int, ...]
    eps: float
    momentum: float | None
    affine: bool
    dtype: np.dtype[np.generic]
    parameter_dtype: np.dtype[np.generic]
    device: str

    @property
    def channels(self) -> int:
        """C."""
        return self.shape[1]


class State(NamedTuple):
    """The running statistics, shape (C,) each in their own dtype, and the number of batches where it is counted."""

    mean: Native | None
    var: Native | None
    batches: int | None = None


class Gradients(NamedTuple):
    """dx like x; dgamma and dbeta like gamma and beta, None where there are none."""

    dx: FrameworkArray
    dgamma: FrameworkArray | None
    dbeta: FrameworkArray | None


class Second(NamedTuple):
    """The derivatives, to dy, x and gamma, of the inner product of the gradients with a direction; None for no gamma."""

    dy: FrameworkArray
    x: FrameworkArray
    gamma: FrameworkArray | None


class Adapter:
    """Base of all adapters.  A stranger writes `make` and `forward`; the rest works on NumPy arrays and usual names.

    A subclass states `capabilities` and `dialect`; what it does not offer it declares absent.
    """

    name: ClassVar[str] = "adapter"
    capabilities: Capabilities = Capabilities(gradient=False, eval_gradient=False)
    dialect: Dialect = Dialect()

    def make(self, config: Config) -> Handle:
        """A new layer for `config`."""
        raise NotImplementedError

    def forward(self, handle: Handle, x: FrameworkArray, training: bool) -> FrameworkArray:
        """y, the running statistics updated inside `handle` when training."""
        raise NotImplementedError

    def set_params(self, handle: Handle, gamma: Native, beta: Native) -> None:
        """Give gamma and beta; by default the first attribute of a usual name is replaced."""
        for names, value in ((GAMMA_NAMES, gamma), (BETA_NAMES, beta)):
            _assign(handle, names, self.place(value))

    def get_state(self, handle: Handle) -> State:
        """The running statistics, copied out; by default from attributes of the usual names."""
        mean, var = _found(handle, MEAN_NAMES), _found(handle, VAR_NAMES)
        if mean is None or var is None:
            return State(None, None)
        return State(self.fetch(getattr(handle, mean)), self.fetch(getattr(handle, var)))

    def set_state(self, handle: Handle, state: State) -> None:
        """Give the running statistics; by default the attributes of the usual names are replaced."""
        if state.mean is not None and state.var is not None:
            _assign(handle, MEAN_NAMES, self.place(state.mean))
            _assign(handle, VAR_NAMES, self.place(state.var))

    def held(self, handle: Handle, role: str) -> FrameworkArray | None:
        """The layer's own array of a role of ROLES, not a copy; by default the attribute of a usual name."""
        name = _found(handle, ROLES[role])
        return None if name is None else getattr(handle, name)

    def get_params(self, handle: Handle) -> tuple[Native | None, Native | None]:
        """Gamma and beta, copied out, (C,) each."""
        gamma, beta = self.held(handle, "gamma"), self.held(handle, "beta")
        return (
            None if gamma is None else self.fetch(gamma).reshape(-1),
            None if beta is None else self.fetch(beta).reshape(-1),
        )

    def lay_out(self, handle: Handle, role: str, layout: Layout) -> None:
        """Let the array of a role lie in memory in a layout; by default the attribute of a usual name is replaced."""
        name = _found(handle, ROLES[role])
        if name is None:
            raise NotOffered(f"{self.name} has no {role} that could lie elsewhere")
        setattr(handle, name, self.place(self.fetch(getattr(handle, name)), layout))

    def vjp(self, handle: Handle, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """y and the pullback dy -> gradients; statistics are updated as in `forward`."""
        raise NotOffered(f"{self.name} offers no gradients")

    def evaluate(
        self, handle: Handle, x: FrameworkArray, dy: FrameworkArray, training: bool
    ) -> tuple[FrameworkArray, Gradients]:
        """y and the gradients in one go; compiled implementations override it to compile once."""
        y, pullback = self.vjp(handle, x, training)
        return y, pullback(dy)

    def tangent(
        self, handle: Handle, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """y and its derivative along a direction of x, gamma and beta."""
        raise NotOffered(f"{self.name} has no forward mode")

    def second_order(
        self, handle: Handle, x: FrameworkArray, dy: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, Second]:
        """y, and what sum(dx direction.x) + sum(dgamma direction.gamma) + sum(dbeta direction.beta) depends on."""
        raise NotOffered(f"{self.name} does not differentiate its gradients")

    def copy(self, handle: Handle) -> Handle:
        """A layer of its own in the same state."""
        return deepcopy(handle)

    def save(self, handle: Handle) -> object:
        """The state as the library saves it; `load` takes it."""
        raise NotOffered(f"{self.name} saves no state")

    def load(self, handle: Handle, saved: object) -> None:
        """Give a new layer the state that `save` made of another."""
        raise NotOffered(f"{self.name} loads no state")

    def reset(self, handle: Handle) -> None:
        """Set the running statistics and the count of batches to those of a new layer."""
        raise NotOffered(f"{self.name} resets no statistics")

    def set_momentum(self, handle: Handle, momentum: float | None) -> None:
        """The weight of the new batch from now on, None for the cumulative average."""
        raise NotOffered(f"{self.name} changes no momentum")

    def move(self, handle: Handle, dtype: np.dtype[np.generic]) -> None:
        """Give the layer's parameters and statistics another dtype."""
        raise NotOffered(f"{self.name} moves to no other dtype")

    def place(self, array: Native, layout: Layout = "contiguous") -> FrameworkArray:
        """A NumPy array as the framework's own, on the target's device and in a layout; always a copy.

        An adapter whose capabilities do not tell of `layouts` is never given one.
        """
        return np.array(array, order="C") if layout == "contiguous" else laid_out(array, layout)

    def fetch(self, native: FrameworkArray) -> Native:
        """The framework's array as a NumPy array that shares no memory with it; bfloat16 as that of ml_dtypes."""
        return np.array(native)

    def footprint(self, native: FrameworkArray) -> Footprint | None:
        """Where an array of the framework lies in memory; None for what is no array."""
        return footprint_of(native) if isinstance(native, np.ndarray) else None

    def running(self, size: int) -> AbstractContextManager[object]:
        """Where an evaluation of x with `size` elements runs: settings that concern its time alone."""
        return nullcontext()

    def versions(self) -> dict[str, str]:
        """Name to version of the libraries that the target runs on."""
        return {"numpy": np.__version__}


GAMMA_NAMES = ("gamma", "weight", "scale", "w", "g")
BETA_NAMES = ("beta", "bias", "shift", "offset", "b")
MEAN_NAMES = ("running_mean", "moving_mean", "mean_running", "running_average", "mean")
VAR_NAMES = (
    "running_var",
    "moving_var",
    "running_variance",
    "moving_variance",
    "var_running",
    "var",
    "variance",
)
ROLES: Mapping[str, tuple[str, ...]] = {
    "gamma": GAMMA_NAMES,
    "beta": BETA_NAMES,
    "running_mean": MEAN_NAMES,
    "running_var": VAR_NAMES,
}


def _found(handle: Handle, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if getattr(handle, name, None) is not None), None)


def _assign(handle: Handle, names: tuple[str, ...], value: FrameworkArray) -> None:
    name = next((name for name in names if hasattr(handle, name)), None)
    if name is None:
        raise NotOffered(f"{type(handle).__name__} has none of the attributes {', '.join(names)}")
    setattr(handle, name, value)
