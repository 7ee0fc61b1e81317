"""keras.layers.BatchNormalization on a backend that computes as it is told: torch, NumPy, and TensorFlow in eager mode."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import keras

from bncheck.adapter import Config, FrameworkArray, Gradients, Pullback, Second, State
from bncheck.adapters.arrays import Arrays, ArraysAdapter, undifferentiated
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.constructors import constructor_of
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.frameworks import arrays_of
from bncheck.adapters.keras_layer import CONVENTIONS, FORBIDDEN, ROLES, axis_of, built
from bncheck.adapters.probe import probe_case
from bncheck.adapters.signatures import Signature
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.direction import Direction
from bncheck.evaluation import configured
from bncheck.layout import Layout
from bncheck.reference.formats import FORMATS

_VARIABLES = {
    "gamma": "gamma",
    "beta": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def _offered(found: Found, signature: Signature, dialect: Dialect) -> Capabilities:
    """What the constructor leaves open."""
    free, given = signature.has, found.options
    return Capabilities(
        ranks=found.ranks_within(RANKS),
        dtypes=found.dtypes(found.dtypes_asked_for(tuple(FORMATS))),
        plain=True,
        momentum=free("momentum"),
        eps=None if free("eps") else float(str(given["epsilon"])),
        fixed_momentum=None if free("momentum") else spoken_momentum(float(str(given["momentum"])), dialect),
        actions=("momentum",) if free("momentum") else (),
        reasons={} if free("momentum") else {"momentum": "momentum is given"},
    )


@dataclass(slots=True)
class _Held:
    """The layer and what it was made for."""

    layer: Any
    config: Config


def _missing(arrays: Arrays) -> dict[str, str]:
    """Why a backend lacks gradients and layouts."""
    backend = f"Keras's backend {arrays.framework}"
    told = {} if arrays.framework == "torch" else {"layouts": f"{backend} copies what a variable is given"}
    if not arrays.mutable:
        told["memory"] = f"{backend} has arrays that cannot be changed in place"
    if not arrays.differentiates:
        told |= dict.fromkeys(("gradient", "eval_gradient"), f"{backend} finds no gradients")
    return told


class KerasAdapter(ArraysAdapter):
    """Called as it is without gradients, and by its `stateless_call` where they are asked for.

    Source: the docstring of keras 3.15.1.  `moving_var = moving_var * momentum + var(batch) * (1 - momentum)`, by the
    var(batch) of the output: momentum weighs the old statistics, and the biased variance is tracked.  One value a
    channel gives beta by its formula.  How the variance is computed it does not say.
    """

    name = "keras"

    def __init__(self, found: Found, backend: str) -> None:
        self.found, self.axis = found, axis_of(found)
        self.arrays = arrays_of(backend, found)
        conventions = self.arrays.dialect
        for key, value in CONVENTIONS.items():
            conventions = conventions.declared(key, value)
        self.dialect = found.dialect(usual(conventions, found.device))
        self.signature = constructor_of(found, ROLES, forbidden=FORBIDDEN)
        claimed, differentiates = _offered(found, self.signature, self.dialect), self.arrays.differentiates
        self.capabilities = replace(
            claimed,
            gradient=differentiates,
            eval_gradient=differentiates,
            actions=("copy", "reload", *claimed.actions),
            layouts=backend == "torch",
            parameters=True,
            memory=self.arrays.mutable,
            forward_mode=differentiates,
            second_order=differentiates,
            reasons={**claimed.reasons, **undifferentiated(self.arrays), **_missing(self.arrays)},
        )
        # What the library refuses to make is told here, and not taken for a crash of every law.
        self.make(configured(probe_case(self.capabilities), found.device))

    def make(self, config: Config) -> _Held:
        """A new layer, built."""
        momentum = spoken_momentum(config.momentum, self.dialect)
        return _Held(built(self.found, config, momentum=momentum, eps=config.eps), config)

    def set_params(self, handle: _Held, gamma: Native, beta: Native) -> None:
        """Assigned."""
        handle.layer.gamma.assign(gamma)
        handle.layer.beta.assign(beta)

    def held(self, handle: _Held, role: str) -> FrameworkArray | None:
        """The value of the variable."""
        variable = getattr(handle.layer, _VARIABLES[role])
        return None if variable is None else variable.value

    def get_state(self, handle: _Held) -> State:
        """Fetched."""
        mean, var = (self.fetch(self.held(handle, role)) for role in ("running_mean", "running_var"))
        return State(mean, var)

    def set_state(self, handle: _Held, state: State) -> None:
        """Assigned."""
        if state.mean is not None and state.var is not None:
            self._assign(handle, (state.mean, state.var))

    def lay_out(self, handle: _Held, role: str, layout: Layout) -> None:
        """The data of torch's parameter lie elsewhere."""
        held = self.held(handle, role)
        if held is not None:
            held.data = self.place(self.fetch(held), layout)

    def forward(self, handle: _Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call."""
        with self.arrays.scope(handle.config.dtype, training=training):
            return self._second(handle.layer(self._last(x), training=training))

    def vjp(self, handle: _Held, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """By the backend."""
        y, kept, pull = self.arrays.vjp(self._function(handle, training=training), self._arguments(handle, x))
        if training:
            self._assign(handle, tuple(map(self.fetch, map(self.arrays.constant, kept))))
        return y, lambda dy: Gradients(*pull(dy))

    def tangent(
        self, handle: _Held, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """By the backend."""
        return self.arrays.jvp(
            self._function(handle, training=training), self._arguments(handle, x), direction
        )

    def second_order(
        self, handle: _Held, x: FrameworkArray, dy: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, Second]:
        """By the backend."""
        function = self._function(handle, training=training)
        return self.arrays.second(function, self._arguments(handle, x), dy, direction)

    def copy(self, handle: _Held) -> _Held:
        """A deep copy of the layer."""
        return _Held(deepcopy(handle.layer), handle.config)

    def save(self, handle: _Held) -> object:
        """By get_weights."""
        return handle.layer.get_weights()

    def load(self, handle: _Held, saved: object) -> None:
        """By set_weights."""
        handle.layer.set_weights(saved)

    def set_momentum(self, handle: _Held, momentum: float | None) -> None:
        """The layer's attribute."""
        handle.layer.momentum = spoken_momentum(momentum, self.dialect)
        handle.config = replace(handle.config, momentum=momentum)

    def versions(self) -> dict[str, str]:
        """Those of Keras and of its backend."""
        return {"keras": version("keras"), **self.arrays.versions()}

    def _function(self, handle: _Held, *, training: bool) -> Any:
        """y and the statistics that a call leaves, as a function of x, gamma and beta."""
        kept = [self.arrays.constant(self.held(handle, role)) for role in ("running_mean", "running_var")]

        def function(x: FrameworkArray, *parameters: FrameworkArray | None) -> tuple[FrameworkArray, Any]:
            own = [each for each in parameters if each is not None]
            y, left = handle.layer.stateless_call(own, kept, self._last(x), training=training)
            return self._second(y), left

        return function

    def _arguments(self, handle: _Held, x: FrameworkArray) -> tuple[FrameworkArray | None, ...]:
        return x, self.held(handle, "gamma"), self.held(handle, "beta")

    def _assign(self, handle: _Held, statistics: tuple[Native, ...]) -> None:
        for role, value in zip(("running_mean", "running_var"), statistics, strict=True):
            getattr(handle.layer, _VARIABLES[role]).assign(value)

    def _last(self, x: FrameworkArray) -> FrameworkArray:
        return keras.ops.moveaxis(x, 1, self.axis)

    def _second(self, y: FrameworkArray) -> FrameworkArray:
        return keras.ops.moveaxis(y, self.axis, 1)
