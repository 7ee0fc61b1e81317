"""Layers of the JAX family: pure functions of their arrays, compiled once a shape, with and without the gradients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from bncheck.adapter import Config, FrameworkArray, Gradients, Pullback, State
from bncheck.adapters.arrays import ArraysAdapter, unchangeable
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.constructors import constructor_of
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.jax_arrays import JaxArrays
from bncheck.adapters.jax_cache import keep_compiled
from bncheck.adapters.probe import probe_case
from bncheck.adapters.signatures import Signature
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.evaluation import configured

# What a library keeps from one batch to the next: arrays, in its own nesting.
Kept = Any


class Numbers(NamedTuple):
    """eps and the weights, traced as the Python numbers that they are where a layer is written down: each rounded once."""

    eps: float
    old: float
    new: float


@dataclass(frozen=True, slots=True)
class Weight:
    """The traced momentum m of a layer that says m * old + (1 - m) * new.

    Of a Python number 1 - m is found in float64 before it is compiled in; here it is handed over, not found in float32.
    """

    old: jax.Array | float
    new: jax.Array | float

    def __mul__(self, other: jax.Array) -> jax.Array:
        return self.old * other

    __rmul__ = __mul__

    def __rsub__(self, one: float) -> jax.Array | float:
        return self.new

    def __pow__(self, exponent: jax.Array) -> jax.Array:
        return self.old**exponent


class Layer(NamedTuple):
    """What a layer is called with besides x; gamma and beta are None where it was made without."""

    gamma: FrameworkArray | None
    beta: FrameworkArray | None
    kept: Kept


class Shown(NamedTuple):
    """Statistics that are given, the batches behind them, and the weight by which each of those entered."""

    mean: FrameworkArray
    var: FrameworkArray
    batches: int
    weight: float


@dataclass(slots=True)
class Held:
    """A layer between two calls."""

    config: Config
    layer: Layer


class JaxLayerAdapter(ArraysAdapter):
    """A class whose instances are made inside the compiled function; a subclass says how one of them is called.

    `distribution`: what it is installed as.  `roles`: the constructor's names for channels, eps and momentum.
    `forbidden`: arguments that bncheck gives itself.  `conventions`: as the library documents them.
    """

    distribution: ClassVar[str]
    roles: ClassVar[dict[str, str]]
    forbidden: ClassVar[tuple[str, ...]] = ()
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    conventions: ClassVar[dict[str, str]] = {}

    def __init__(self, found: Found) -> None:
        self.found = found
        self.arrays = JaxArrays(found.device)
        keep_compiled()
        self.signature: Signature = constructor_of(found, self.roles, forbidden=self.forbidden)
        self.dialect = found.dialect(usual(self.declared(self.arrays.dialect), found.device))
        self.capabilities = self.offered()
        self._starts: dict[object, Kept] = {}
        # What the library refuses to make is told here, and not taken for a crash of every law.
        self.make(configured(probe_case(self.capabilities), found.device))
        self._forward = jax.jit(self._called, static_argnames=("training",))
        self._differentiated = jax.jit(self._called_and_pulled, static_argnames=("training",))

    def declared(self, dialect: Dialect) -> Dialect:
        """The conventions of the library."""
        for key, value in self.conventions.items():
            dialect = dialect.declared(key, value)
        return dialect

    def offered(self) -> Capabilities:
        """What its arguments leave open."""
        free = self.signature.has
        reasons = {"momentum": "momentum is given"} if not free("momentum") else {}
        return Capabilities(
            ranks=self.found.ranks_within(RANKS),
            dtypes=self.found.dtypes(self.found.dtypes_asked_for(self.dtypes)),
            uniform=False,
            plain=True,
            momentum=free("momentum"),
            channels=self._given("channels", int),
            eps=self._given("eps", float),
            fixed_momentum=spoken_momentum(self._given("momentum", float), self.dialect),
            compiles=True,
            actions=("momentum",) if free("momentum") else (),
            reasons=reasons | unchangeable(self.arrays),
        )

    def start(self, config: Config) -> Kept:
        """What a new layer keeps."""
        raise NotImplementedError

    def given(self, kept: Kept, shown: Shown) -> Kept:
        """The same, with statistics as so many batches would have left them; here they are all that is kept."""
        return shown.mean, shown.var

    def statistics(self, kept: Kept, momentum: float | None) -> tuple[FrameworkArray, FrameworkArray]:
        """The mean and the variance by which evaluation normalises; `momentum` is the weight of the new batch."""
        mean, var = kept
        return mean, var

    def counted(self, kept: Kept) -> int | None:
        """The batches seen, where they are counted."""
        return None

    def apply(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        """y of x, (N, C, ...), and what is kept then; traced."""
        raise NotImplementedError

    def words(self, x: jax.Array, layer: Layer, numbers: Numbers) -> dict[str, object]:
        """The constructor's arguments, but for the user's own."""
        values = {"channels": x.shape[1], "eps": numbers.eps, "momentum": self.momentum(numbers)}
        return {self.roles[role]: value for role, value in values.items() if self.signature.has(role)}

    def momentum(self, numbers: Numbers) -> object:
        """What the constructor is given as momentum."""
        return Weight(numbers.old, numbers.new)

    def make(self, config: Config) -> Held:
        """A new layer, gamma 1 and beta 0."""
        with self.arrays.making(config.dtype):
            one = jnp.ones(config.channels, config.parameter_dtype) if config.affine else None
            zero = jnp.zeros(config.channels, config.parameter_dtype) if config.affine else None
            return Held(config, Layer(one, zero, self._started(config)))

    def set_params(self, handle: Held, gamma: Native, beta: Native) -> None:
        """Placed."""
        handle.layer = handle.layer._replace(gamma=self.place(gamma), beta=self.place(beta))

    def get_state(self, handle: Held) -> State:
        """Fetched."""
        with self.arrays.making(handle.config.dtype):
            mean, var = self.statistics(handle.layer.kept, handle.config.momentum)
            return State(self.fetch(mean), self.fetch(var), self.counted(handle.layer.kept))

    def set_state(self, handle: Held, state: State) -> None:
        """Placed."""
        if state.mean is not None and state.var is not None:
            mean, var = self.place(state.mean), self.place(state.var)
            shown = Shown(mean, var, state.batches or 0, handle.config.momentum or 0.0)
            with self.arrays.making(handle.config.dtype):
                handle.layer = handle.layer._replace(kept=self.given(handle.layer.kept, shown))

    def set_momentum(self, handle: Held, momentum: float | None) -> None:
        """That of the calls from now on."""
        handle.config = replace(handle.config, momentum=momentum)

    def forward(self, handle: Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One compiled call."""
        with self.arrays.scope(handle.config.dtype, training=training):
            y, kept = self._forward(x, handle.layer, self._numbers(handle.config), training=training)
        handle.layer = handle.layer._replace(kept=kept)
        return y

    def evaluate(
        self, handle: Held, x: FrameworkArray, dy: FrameworkArray, training: bool
    ) -> tuple[FrameworkArray, Gradients]:
        """Forward and backward in one compiled call."""
        y, kept, found = self._pulled(handle, handle.layer, x, dy, training=training)
        handle.layer = handle.layer._replace(kept=kept)
        return y, Gradients(*found)

    def vjp(self, handle: Held, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """The pullback repeats the forward pass, on the layer as it was."""
        before = handle.layer
        y = self.forward(handle, x, training)

        def pullback(dy: FrameworkArray) -> Gradients:
            return Gradients(*self._pulled(handle, before, x, dy, training=training)[2])

        return y, pullback

    def versions(self) -> dict[str, str]:
        """Those of the library and of JAX."""
        return {self.distribution: version(self.distribution), **self.arrays.versions()}

    def _pulled(
        self, handle: Held, layer: Layer, x: FrameworkArray, dy: FrameworkArray, *, training: bool
    ) -> tuple[FrameworkArray, Kept, tuple[FrameworkArray | None, ...]]:
        with self.arrays.scope(handle.config.dtype, training=training):
            y, kept, found = self._differentiated(
                x, dy, layer, self._numbers(handle.config), training=training
            )
        return y, kept, found

    def _called(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        return self.apply(x, layer, numbers, training=training)

    def _called_and_pulled(
        self, x: jax.Array, dy: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept, tuple[jax.Array | None, ...]]:
        def function(x: jax.Array, gamma: jax.Array | None, beta: jax.Array | None) -> tuple[jax.Array, Kept]:
            return self.apply(x, Layer(gamma, beta, layer.kept), numbers, training=training)

        y, pull, kept = jax.vjp(function, x, layer.gamma, layer.beta, has_aux=True)
        return y, kept, pull(dy.astype(y.dtype))

    def _started(self, config: Config) -> Kept:
        """`start`, once for layers that start alike: arrays of JAX cannot be changed."""
        key = config.channels, len(config.shape), config.dtype, config.parameter_dtype
        if key not in self._starts:
            self._starts[key] = self.start(config)
        return self._starts[key]

    def _numbers(self, config: Config) -> Numbers:
        momentum = 0.0 if config.momentum is None else config.momentum
        return Numbers(config.eps, 1 - momentum, momentum)

    def _given(self, role: str, kind: type) -> Any:
        value = self.found.options.get(self.roles.get(role, ""))
        return None if value is None else kind(value)
