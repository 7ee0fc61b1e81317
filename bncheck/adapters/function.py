"""Functions whose argument names are the usual ones, in NumPy, torch or JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from bncheck.adapter import Config, FrameworkArray, Gradients, Pullback, Second, State
from bncheck.adapters.arrays import ArraysAdapter, Valued
from bncheck.adapters.attributes import shape_of
from bncheck.adapters.claims import claimed_by_signature
from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import arrays_of, framework_of
from bncheck.adapters.measured import measured_eps, measured_momentum
from bncheck.adapters.names import FUNCTION_ROLES
from bncheck.adapters.probe import Probe, probe_case
from bncheck.adapters.signatures import read_signature
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.direction import Direction
from bncheck.errors import LoadError
from bncheck.outcome import Outcome
from bncheck.reference.formats import FORMATS

# A torch function that calls the native kernel, whose numerics are known.
_NATIVE = "torch.nn.functional.batch_norm"
NATIVE_DIALECT = Dialect(single="raise", empty="keep")
NATIVE_CPU_DIALECT = replace(NATIVE_DIALECT, backward="centred", statistics="parameter")


@dataclass(slots=True)
class _Call:
    """The arguments of the next call."""

    config: Config
    gamma: FrameworkArray | None = None
    beta: FrameworkArray | None = None
    mean: FrameworkArray | None = None
    var: FrameworkArray | None = None


class FunctionAdapter(ArraysAdapter):
    """A function of x by the names of its arguments; running statistics are changed in place or returned after y."""

    name = "function"

    def __init__(self, found: Found) -> None:
        self.function = found.callable
        self.arrays = arrays_of(framework_of(found), found)
        self.signature = read_signature(
            self.function, found.name, table=FUNCTION_ROLES, options=found.options
        )
        if not self.signature.has("x"):
            raise LoadError(
                f"{found.name} has no argument for the input; bncheck knows {', '.join(FUNCTION_ROLES['x'])}"
            )
        self.native = _qualified(self.function) == _NATIVE
        native = NATIVE_CPU_DIALECT if found.device == "cpu" else NATIVE_DIALECT
        self.dialect = found.dialect(usual(native if self.native else self.arrays.dialect, found.device))
        self.takes_returned = True
        dtypes = tuple(FORMATS) if self.native else ("float32", "float64")
        self.capabilities = claimed_by_signature(found, self.signature, self.arrays, dtypes=dtypes)
        self._probe(found)

    def make(self, config: Config) -> _Call:
        """A call with running statistics 0 and 1 where the function takes them."""
        zero = np.zeros(config.channels, config.parameter_dtype)
        call = _Call(config)
        if self.signature.has("mean") and self.signature.has("var"):
            call.mean, call.var = self.place(zero), self.place(zero + zero.dtype.type(1))
        return call

    def set_params(self, handle: _Call, gamma: Native, beta: Native) -> None:
        """Placed."""
        handle.gamma, handle.beta = self.place(gamma), self.place(beta)

    def get_state(self, handle: _Call) -> State:
        """The arrays given, changed in place, or those returned."""
        if handle.mean is None or handle.var is None:
            return State(None, None)
        return State(self.fetch(handle.mean).reshape(-1), self.fetch(handle.var).reshape(-1))

    def set_state(self, handle: _Call, state: State) -> None:
        """Placed."""
        if state.mean is not None and state.var is not None:
            handle.mean, handle.var = self.place(state.mean), self.place(state.var)

    def set_momentum(self, handle: _Call, momentum: float | None) -> None:
        """That of the calls from now on."""
        handle.config = replace(handle.config, momentum=momentum)

    def forward(self, handle: _Call, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call."""
        with self.arrays.scope(handle.config.dtype, training=training):
            y, statistics = self._called(handle, x, handle.gamma, handle.beta, training=training)
            self._keep(handle, statistics)
        return y

    def vjp(self, handle: _Call, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """The gradients that the framework finds."""
        function = self._pure(handle, training=training)
        with self.arrays.scope(handle.config.dtype, training=training):
            y, statistics, pull = self.arrays.vjp(function, (x, handle.gamma, handle.beta))
            self._keep(handle, statistics)
        return y, lambda dy: Gradients(*pull(dy))

    def tangent(
        self, handle: _Call, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """As the framework finds it."""
        function = self._pure(handle, training=training)
        with self.arrays.scope(handle.config.dtype, training=training):
            return self.arrays.jvp(function, (x, handle.gamma, handle.beta), direction)

    def second_order(
        self, handle: _Call, x: FrameworkArray, dy: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, Second]:
        """As the framework finds them."""
        function = self._pure(handle, training=training)
        with self.arrays.scope(handle.config.dtype, training=training):
            return self.arrays.second(function, (x, handle.gamma, handle.beta), dy, direction)

    def _pure(self, handle: _Call, *, training: bool) -> Callable[..., Valued]:
        """The call as a function of what is differentiated."""

        def function(x: FrameworkArray, gamma: FrameworkArray | None, beta: FrameworkArray | None) -> Valued:
            return self._called(handle, x, gamma, beta, training=training)

        return function

    def _called(
        self,
        handle: _Call,
        x: FrameworkArray,
        gamma: FrameworkArray | None,
        beta: FrameworkArray | None,
        *,
        training: bool,
    ) -> tuple[FrameworkArray, object]:
        """y, and the pair of running statistics that was returned, or None."""
        config = handle.config
        values: dict[str, object] = {
            "x": x,
            "mean": handle.mean,
            "var": handle.var,
            "training": training,
            "inference": not training,
            "momentum": spoken_momentum(config.momentum, self.dialect),
            "eps": config.eps,
        }
        parameters = {"gamma": gamma, "beta": beta}
        values |= {
            role: value
            for role, value in parameters.items()
            if value is not None or self.signature.needs(role)
        }
        result = self.signature.call(self.function, values)
        if not isinstance(result, tuple | list):
            return result, None
        vectors = [each for each in _flat(result[1:]) if int(np.prod(shape_of(each))) == config.channels]
        return result[0], tuple(vectors[:2]) if len(vectors) > 1 else None

    def _keep(self, handle: _Call, statistics: object) -> None:
        """Take over what was returned, unless the function changes what it was given."""
        if handle.mean is None:
            return
        mean, var = handle.mean, handle.var
        if isinstance(statistics, tuple) and self.takes_returned:
            mean, var = statistics
        handle.mean, handle.var = self.arrays.constant(mean), self.arrays.constant(var)

    def _probe(self, found: Found) -> None:
        """Settle what the signature leaves open."""
        probe = Probe(self, found.name, found.device)
        probe.narrow()
        if self.capabilities.statistics:
            self._find_statistics(probe)
        tracked = self.capabilities.statistics
        eps = None if self.signature.has("eps") else self._fixed(found, "eps", probe)
        momentum = (
            None if self.signature.has("momentum") or not tracked else self._fixed(found, "momentum", probe)
        )
        self.capabilities = replace(self.capabilities, eps=eps, fixed_momentum=momentum)

    def _fixed(self, found: Found, role: str, probe: Probe) -> float | None:
        """eps, or the weight of the new batch, that the user gave as an option or that the function keeps to itself."""
        given = next((value for key, value in found.options.items() if key in FUNCTION_ROLES[role]), None)
        if not isinstance(given, int | float):
            return measured_eps(probe) if role == "eps" else measured_momentum(probe)
        return float(given) if role == "eps" else spoken_momentum(float(given), self.dialect)

    def _find_statistics(self, probe: Probe) -> None:
        """Whether the arrays given change in place, and where neither they do nor any are returned, say so."""
        case = probe_case(self.capabilities)
        self.takes_returned = False
        in_place = self.arrays.mutable and _moved(probe.outcome(case), case.running_mean)
        self.takes_returned = not in_place
        if in_place or _moved(probe.outcome(case), case.running_mean):
            return
        # With a momentum and arrays that can change, a function that leaves them alone is wrong, not without them.
        if not (self.arrays.mutable and self.signature.has("momentum")):
            reason = "running statistics neither change in place nor are returned"
            reasons = {**self.capabilities.reasons, "statistics": reason}
            self.capabilities = replace(self.capabilities, statistics=False, reasons=reasons)


def _moved(outcome: Outcome | str, before: Native | None) -> bool:
    if isinstance(outcome, str) or outcome.running_mean is None or before is None:
        return False
    return not np.array_equal(outcome.running_mean, before, equal_nan=True)


def _flat(values: tuple[object, ...] | list[object]) -> Iterator[object]:
    for value in values:
        if isinstance(value, tuple | list):
            yield from _flat(value)
        else:
            yield value


def _qualified(function: object) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"
