"""A cause: a layer that does one thing wrong, run beside the implementation to see whether it gives the same outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from bncheck.adapter import Adapter
from bncheck.case import Case
from bncheck.causes.observation import Facts
from bncheck.dialect import Dialect
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Saved

Maker = Callable[[], Adapter]
SOUND = Layer()
_TRACKED = frozenset({"running_mean", "running_var", "batches"})
_OUTPUT = frozenset({"y", "dx", "dgamma", "dbeta"})
_GRADIENTS = frozenset(f"{mode}{name}" for mode in ("", "eval_") for name in ("dx", "dgamma", "dbeta"))
_BACKWARD = _GRADIENTS | {"dx_output", "read_dy"}
# What the output of a single batch does not hang on.
_BESIDE_FORWARD = _BACKWARD | {"loaded", "restarted", "copied"}
# What a part has a hand in on a single batch; all quantities where it is not listed.
_TOUCHED: dict[str, frozenset[str]] = {
    **{name: frozenset({name.removeprefix("eval_")}) for name in _GRADIENTS},
    **dict.fromkeys(
        ("weight", "tracked", "tracked_mean", "blend", "blend_var", "updates", "stored", "counted"), _TRACKED
    ),
    **dict.fromkeys(("affine", "eval_affine", "output"), _OUTPUT),
    "dx_output": frozenset({"dx"}),
    "read_dy": frozenset({"dx", "dgamma", "dbeta"}),
}


@dataclass(frozen=True, slots=True)
class Cause:
    """`id`: `family.detail`.  `text`: what the implementation does, one sentence.  `make`: the layer that does it.

    `complexity`: 1 for what can be said without a condition, more for the rest; the simpler of two causes that
    reproduce the same is named first.  `rounds_to`: a format through which numbers pass in the middle, so that an
    element close to a tie may differ by one rounding in it.  `narrow`: sums are taken in a narrow format, whose order
    decides; the outputs are then reproduced up to the error of such sums.  `differentiated`: the backward pass is the derivative of the forward
    pass as it is, as automatic differentiation makes it, and not that of a sound one.
    `measured`: the same with a number that is read off what the implementation gave on a case, None where it cannot be.
    """

    id: str
    text: str
    make: Maker
    complexity: int = 1
    rounds_to: str | None = None
    narrow: bool = False
    differentiated: bool = False
    measured: Callable[[Case, Facts], Cause | None] | None = None

    def touches(self, kinds: frozenset[str]) -> frozenset[str]:
        """Those of the quantities that it may have a hand in on a single batch."""
        parts = replaced_parts(self.layer().layer)
        known = [_TOUCHED.get(name, kinds) for name in parts]
        return kinds.intersection(frozenset().union(*known)) if known else kinds

    @property
    def is_of_gradients(self) -> bool:
        """Whether it says itself what a backward pass does, which is then no derivative of the forward pass."""
        return self.family.startswith("gradient_") or not _BACKWARD.isdisjoint(
            replaced_parts(self.layer().layer)
        )

    def forward_parts(self) -> frozenset[tuple[str, Any]]:
        """The parts that are not a sound layer's and that the output of a single batch may hang on."""
        parts = replaced_parts(self.layer().layer)
        return frozenset((name, part) for name, part in parts.items() if name not in _BESIDE_FORWARD)

    @property
    def family(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    def layer(self) -> NumpyLayerAdapter:
        """A new layer of this cause."""
        made = self.make()
        assert isinstance(made, NumpyLayerAdapter)
        return made


def in_dialect(
    made: NumpyLayerAdapter, dialect: Dialect, *, arithmetic: np.dtype[Any] | None = None
) -> NumpyLayerAdapter:
    """The layer as an implementation of the dialect would be, computed in another arithmetic where one is given."""
    layer = made.layer
    if dialect.running_variance == "biased" and layer.tracked is SOUND.tracked:
        layer = replace(layer, tracked=_biased)
    if arithmetic is not None:
        layer = replace(layer, arithmetic=lambda _x: arithmetic)
    return NumpyLayerAdapter(layer, dialect=dialect, capabilities=made.capabilities)


def _biased(saved: Saved) -> Any:
    return saved.variance


def replaced_parts(layer: Layer) -> dict[str, Any]:
    """The parts of a layer that are not those of a sound one, by name."""
    return {
        field.name: getattr(layer, field.name)
        for field in fields(Layer)
        if getattr(layer, field.name) is not getattr(SOUND, field.name)
    }


def together(one: Cause, other: Cause) -> Cause | None:
    """Both causes in one layer, None where they replace the same part."""
    parts = replaced_parts(one.layer().layer), replaced_parts(other.layer().layer)
    if not parts[0].keys().isdisjoint(parts[1]):
        return None
    return Cause(
        f"{one.id} + {other.id}",
        f"{one.text} {other.text}",
        lambda: NumpyLayerAdapter(replace(SOUND, **(parts[0] | parts[1]))),
        one.complexity + other.complexity,
        one.rounds_to or other.rounds_to,
        one.narrow or other.narrow,
    )
