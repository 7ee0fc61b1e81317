"""The three reference implementations as targets: reference.numpy, reference.torch and reference.jax."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from bncheck.adapter import Adapter, Config, FrameworkArray, Gradients, Pullback, Second, State
from bncheck.adapters.arrays import Arrays, ArraysAdapter, Valued, unchangeable, undifferentiated
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import arrays_of
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import usual
from bncheck.direction import Direction
from bncheck.errors import LoadError
from bncheck.reference.formats import FORMATS


@dataclass(slots=True)
class _Layer:
    """What the functions of a reference take, held as a layer would hold it."""

    config: Config
    gamma: FrameworkArray | None = None
    beta: FrameworkArray | None = None
    mean: FrameworkArray | None = None
    var: FrameworkArray | None = None
    batches: int = 0

    def arrays(self) -> tuple[FrameworkArray | None, ...]:
        """Gamma, beta and the running statistics."""
        return self.gamma, self.beta, self.mean, self.var

    def words(self, *, training: bool) -> dict[str, Any]:
        """The keyword arguments of one evaluation."""
        config = self.config
        return {"training": training, "eps": config.eps, "momentum": config.momentum, "batches": self.batches}

    def keep(self, forward: Any) -> FrameworkArray:
        """Take over the running statistics; return y."""
        self.mean, self.var, self.batches = forward.running_mean, forward.running_var, forward.batches
        return forward.y


class ReferenceAdapter(ArraysAdapter):
    """A reference on the arrays of its framework; centred in both directions and two-pass, by construction."""

    name = "reference"
    capabilities = Capabilities(
        dtypes=tuple(FORMATS), plain=True, cumulative=True, actions=("momentum",), counter=True
    )

    def __init__(self, arrays: Arrays, device: str) -> None:
        self.arrays = arrays
        self.dialect = usual(
            replace(
                arrays.dialect,
                affine="centred",
                backward="centred",
                variance="two_pass",
                single="raise",
                empty="raise",
            ),
            device,
        )
        self.capabilities = replace(
            self.capabilities,
            forward_mode=arrays.differentiates,
            second_order=arrays.differentiates,
            layouts=arrays.mutable,
            parameters=arrays.mutable,
            memory=arrays.mutable,
            reasons=undifferentiated(arrays) | unchangeable(arrays),
        )
        self.reference = import_module(f"bncheck.reference.{arrays.framework}_reference")

    def make(self, config: Config) -> _Layer:
        """A layer with no parameters and no statistics yet."""
        return _Layer(config)

    def set_params(self, handle: _Layer, gamma: Native, beta: Native) -> None:
        """Placed."""
        handle.gamma, handle.beta = self.place(gamma), self.place(beta)

    def get_state(self, handle: _Layer) -> State:
        """Fetched."""
        if handle.mean is None or handle.var is None:
            return State(None, None)
        return State(self.fetch(handle.mean), self.fetch(handle.var), handle.batches)

    def set_state(self, handle: _Layer, state: State) -> None:
        """Placed, with the count of batches where there is one."""
        if state.mean is not None and state.var is not None:
            handle.mean, handle.var = self.place(state.mean), self.place(state.var)
        handle.batches = state.batches or 0

    def set_momentum(self, handle: _Layer, momentum: float | None) -> None:
        """That of the calls from now on."""
        handle.config = replace(handle.config, momentum=momentum)

    def forward(self, handle: _Layer, x: FrameworkArray, training: bool) -> FrameworkArray:
        """batch_norm of the reference."""
        with self.arrays.scope(handle.config.dtype, training=training):
            return handle.keep(
                self.reference.batch_norm(x, *handle.arrays(), **handle.words(training=training))
            )

    def vjp(self, handle: _Layer, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """batch_norm_vjp of the reference."""
        scope, dtype = self.arrays.scope, handle.config.dtype
        with scope(dtype, training=training):
            forward, pull = self.reference.batch_norm_vjp(
                x, *handle.arrays(), **handle.words(training=training)
            )

        def pullback(dy: FrameworkArray) -> Gradients:
            with scope(dtype, training=training):
                return Gradients(*pull(dy))

        return handle.keep(forward), pullback

    def tangent(
        self, handle: _Layer, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """As the framework finds it."""
        with self.arrays.scope(handle.config.dtype, training=training):
            function, given = self._function(handle, training=training), (x, handle.gamma, handle.beta)
            return self.arrays.jvp(function, given, direction)

    def second_order(
        self,
        handle: _Layer,
        x: FrameworkArray,
        dy: FrameworkArray,
        direction: Direction,
        training: bool,
    ) -> tuple[FrameworkArray, Second]:
        """As the framework finds them."""
        with self.arrays.scope(handle.config.dtype, training=training):
            function, given = self._function(handle, training=training), (x, handle.gamma, handle.beta)
            return self.arrays.second(function, given, dy, direction)

    def _function(self, handle: _Layer, *, training: bool) -> Callable[..., Valued]:
        def function(x: FrameworkArray, gamma: FrameworkArray | None, beta: FrameworkArray | None) -> Valued:
            found = self.reference.batch_norm(
                x, gamma, beta, handle.mean, handle.var, **handle.words(training=training)
            )
            return found.y, None

        return function


class JaxReferenceAdapter(ReferenceAdapter):
    """The reference in JAX: y and the gradients come out of one compiled function."""

    capabilities = Capabilities(
        dtypes=tuple(FORMATS), plain=True, cumulative=True, compiles=True, actions=("momentum",), counter=True
    )

    def evaluate(
        self,
        handle: _Layer,
        x: FrameworkArray,
        dy: FrameworkArray,
        training: bool,
    ) -> tuple[FrameworkArray, Gradients]:
        """batch_norm_with_gradients of the reference."""
        with self.arrays.scope(handle.config.dtype, training=training):
            forward, found = self.reference.batch_norm_with_gradients(
                x, dy, *handle.arrays(), **handle.words(training=training)
            )
        return handle.keep(forward), Gradients(*found)


def numpy_reference(found: Found) -> Adapter:
    """reference.numpy."""
    return ReferenceAdapter(_arrays("numpy", found), found.device)


def torch_reference(found: Found) -> Adapter:
    """reference.torch."""
    return ReferenceAdapter(_arrays("torch", found), found.device)


def jax_reference(found: Found) -> Adapter:
    """reference.jax."""
    return JaxReferenceAdapter(_arrays("jax", found), found.device)


def _arrays(framework: str, found: Found) -> Arrays:
    if found.options:
        raise LoadError(f"{found.name} takes no arguments, but was given {', '.join(found.options)}")
    return arrays_of(framework, found)
