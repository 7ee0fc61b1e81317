"""How a layer comes to be: a class or factory called with the arguments it knows, or an instance copied."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bncheck.adapter import Config, Handle
from bncheck.adapters.found import Found
from bncheck.adapters.names import CONSTRUCTOR_ROLES
from bncheck.adapters.signatures import Signature, read_signature
from bncheck.dialect import Dialect
from bncheck.errors import LoadError


@dataclass(frozen=True, slots=True)
class Construction:
    """`signature`: of the class or factory, None for an instance, of which every layer is a deep copy."""

    found: Found
    signature: Signature | None

    def has(self, role: str) -> bool:
        """Whether an argument of this role is free to be given."""
        return self.signature is not None and self.signature.has(role)

    def needs(self, role: str) -> bool:
        """Whether an argument of this role must be given."""
        return self.signature is not None and self.signature.needs(role)

    def given(self, names: tuple[str, ...]) -> object:
        """What the user gave for an argument of one of these names; None where nothing."""
        return next((value for key, value in self.found.options.items() if key in names), None)

    def make(self, values: Mapping[str, object]) -> Handle:
        """A new layer; the user's own instance is never touched."""
        if self.signature is None:
            return copy.deepcopy(self.found.thing)
        return self.signature.call(self.found.callable, values)


def construction_of(found: Found) -> Construction:
    """Read the constructor of what was found; LoadError for options that it does not take."""
    if not found.is_instance:
        return Construction(
            found,
            read_signature(found.callable, found.name, table=CONSTRUCTOR_ROLES, options=found.options),
        )
    if found.options:
        raise LoadError(
            f"{found.name} is an instance, so {', '.join(found.options)} cannot be given; name its class instead"
        )
    return Construction(found, None)


def arguments(config: Config, dialect: Dialect, *, dtype: object) -> dict[str, object]:
    """The arguments by role that `config` asks for; `dtype` is the framework's own name of the parameters' dtype."""
    return {
        "channels": config.channels,
        "rank": len(config.shape),
        "eps": config.eps,
        "momentum": spoken_momentum(config.momentum, dialect),
        "affine": config.affine,
        "dtype": dtype,
        "device": config.device,
    }


def spoken_momentum(weight: float | None, dialect: Dialect) -> float | None:
    """The weight of the new batch as the momentum that a target of this dialect is given, and the other way round."""
    return 1 - weight if dialect.momentum == "old" and weight is not None else weight


def entry_point(layer: type, table: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, Signature]:
    """`__call__` or `forward` of a class, whichever takes a training flag, and its signature without self."""
    there = [each for each in ("__call__", "forward") if _defines(layer, each)]
    if not there:
        raise LoadError(
            f"{name} is the class {layer.__qualname__}, which has neither __call__ nor forward(x); "
            "bncheck needs one of them, or an adapter"
        )
    read = {each: read_signature(_bound(layer, each), name, table=table, options={}) for each in there}
    flagged = [
        each for each, signature in read.items() if signature.has("training") or signature.has("inference")
    ]
    chosen = flagged[0] if flagged else there[0]
    return chosen, read[chosen]


def _defines(layer: type, method: str) -> bool:
    return any(method in vars(base) for base in layer.__mro__[:-1])


def _bound(layer: type, method: str) -> Callable[..., object]:
    """The method with its self taken, so that its signature begins with x."""
    function: Callable[..., object] = getattr(layer, method)
    bound: Callable[..., object] = (
        function.__get__(object(), layer) if hasattr(function, "__get__") else function
    )
    return bound
