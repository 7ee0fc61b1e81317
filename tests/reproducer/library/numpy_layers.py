"""Every planted bug in NumPy as a class with the usual names, and what they were made from: `sound`, `sound_biased`."""

from __future__ import annotations

from copy import copy
from dataclasses import asdict
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bncheck.adapter import Config, Gradients, State
from bncheck.direction import Direction
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_sound import NUMPY_SOUND

Array = NDArray[Any]
CONVENTIONS = ("momentum", "running_variance", "variance", "single", "empty")
FAMILIES = (
    "affine",
    "algorithm",
    "determinism",
    "epsilon",
    "gradient",
    "layout",
    "mode",
    "momentum",
    "precision",
    "second_order",
    "shard",
    "size",
    "special",
    "state",
    "variance",
)


class BatchNorm:
    """`passes`: the forward and backward pass of all layers of this class."""

    passes: ClassVar[NumpyLayerAdapter]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        *,
        affine: bool = True,
        dtype: DTypeLike = np.float32,
    ) -> None:
        kind = np.dtype(dtype)
        config = Config(
            (1, num_features), eps, momentum, affine=affine, dtype=kind, parameter_dtype=kind, device="cpu"
        )
        self.made = self.passes.make(config)
        if affine:
            self.passes.set_params(self.made, np.ones(num_features, kind), np.zeros(num_features, kind))

    def forward(self, x: Array, *, training: bool = True, differentiated: bool = True) -> Array:
        """y of x (N, C, ...); `differentiated`: whether a backward pass may follow."""
        if not differentiated:
            return self.passes.forward(self.made, x, training)
        y, self.pullback = self.passes.vjp(self.made, x, training)
        return y

    def backward(self, dy: Array) -> Gradients:
        """dx, dgamma and dbeta of the last forward pass; `pullback` is that of any."""
        return self.pullback(dy)

    def tangent(
        self, x: Array, v: Array, v_gamma: Array | None = None, v_beta: Array | None = None, *, training: bool
    ) -> Array:
        """The derivative of y along a direction."""
        return self.passes.tangent(self.made, x, Direction(v, v_gamma, v_beta), training)[1]

    def second_order(
        self,
        x: Array,
        dy: Array,
        v: Array,
        v_gamma: Array | None = None,
        v_beta: Array | None = None,
        *,
        training: bool,
    ) -> tuple[Array, Array, Array | None]:
        """The derivatives, to dy, x and gamma, of the inner product of the gradients with a direction."""
        return self.passes.second_order(self.made, x, dy, Direction(v, v_gamma, v_beta), training)[1]

    def give(self, mean: Array, var: Array, batches: int = 0) -> None:
        """Running statistics and a count."""
        self.passes.set_state(self.made, State(mean, var, batches))

    def reset(self) -> None:
        """The statistics of a new layer."""
        self.passes.reset(self.made)

    def state(self) -> dict[str, Any]:
        """What `load` takes."""
        return self.passes.save(self.made)

    def load(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.passes.load(self.made, state)

    def to(self, dtype: DTypeLike) -> None:
        """Parameters and statistics in another dtype."""
        self.passes.move(self.made, np.dtype(dtype))

    def __deepcopy__(self, memo: dict[int, Any]) -> BatchNorm:
        other = copy(self)
        other.made = self.passes.copy(self.made)
        return other

    @property
    def batches(self) -> int:
        """Those seen in training."""
        return self.made.batches

    @property
    def momentum(self) -> float | None:
        """The weight of the new batch."""
        return self.made.config.momentum

    @momentum.setter
    def momentum(self, value: float | None) -> None:
        self.passes.set_momentum(self.made, value)

    @property
    def gamma(self) -> Array | None:
        """(C,)."""
        return self.made.gamma

    @gamma.setter
    def gamma(self, value: Array) -> None:
        self.made.gamma = value

    @property
    def beta(self) -> Array | None:
        """(C,)."""
        return self.made.beta

    @beta.setter
    def beta(self, value: Array) -> None:
        self.made.beta = value

    @property
    def running_mean(self) -> Array:
        """(C,)."""
        return self.made.running_mean

    @running_mean.setter
    def running_mean(self, value: Array) -> None:
        self.made.running_mean = value

    @property
    def running_var(self) -> Array:
        """(C,)."""
        return self.made.running_var

    @running_var.setter
    def running_var(self, value: Array) -> None:
        self.made.running_var = value


def layer_of(name: str, passes: object) -> type[BatchNorm] | None:
    """The class of an adapter, None for what stands in another framework."""
    if not isinstance(passes, NumpyLayerAdapter):
        return None
    dialect = {key: asdict(passes.dialect)[key] for key in CONVENTIONS}
    dtypes = ("float32", "float64", "float16", "bfloat16")
    members = {
        "passes": passes,
        "__bncheck__": {"dtypes": dtypes, "dialect": dialect},
        "__module__": __name__,
    }
    return type(name, (BatchNorm,), members)


def attribute(name: str) -> str:
    """The name of the class of a bug."""
    return name.replace(".", "__")


sound = layer_of("sound", next(each for each in NUMPY_SOUND if each.id == "numpy.two_pass").make())
sound_biased = layer_of(
    "sound_biased", next(each for each in NUMPY_SOUND if each.id == "numpy.biased").make()
)
BUGS = [
    bug
    for family in FAMILIES
    for bug in getattr(import_module(f"bncheck.planted.{family}_bugs"), f"{family.upper()}_BUGS")
]
for bug in BUGS:
    if not bug.id.endswith("_in_torch"):
        globals()[attribute(bug.id)] = layer_of(attribute(bug.id), bug.make())
