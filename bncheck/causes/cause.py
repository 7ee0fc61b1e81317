"""A cause: a layer that does one thing wrong, run beside the implementation to see whether it gives the same outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from bncheck.adapter import Adapter
from bncheck.case import Case, Native
from bncheck.causes.observation import Facts
from bncheck.dialect import Dialect
from bncheck.outcome import FURTHER
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_further import RULES, Rules
from bncheck.planted.numpy_layer import Layer, Made, Saved, checked, weight_of

Maker = Callable[[], Adapter]
# Conventions of a dialect and their values.
Claims = tuple[tuple[str, str], ...]
SOUND = Layer()
_TRACKED = frozenset({"running_mean", "running_var", "batches"})
_OUTPUT = frozenset({"y", "dx", "dgamma", "dbeta"})
_FURTHER = frozenset(FURTHER)
_GRADIENTS = frozenset(f"{mode}{name}" for mode in ("", "eval_") for name in ("dx", "dgamma", "dbeta"))
_BACKWARD = _GRADIENTS | {"dx_output", "read_dy"}
_RULES = frozenset(field.name for field in fields(Rules))
# What the output of a single batch does not hang on.
_BESIDE_FORWARD = _BACKWARD | _RULES | {"loaded", "restarted", "copied"}
# What a part has a hand in on a single batch; all quantities where it is not listed.
_TOUCHED: dict[str, frozenset[str]] = {
    **{name: frozenset({name.removeprefix("eval_")}) for name in _GRADIENTS},
    **dict.fromkeys(
        ("weight", "tracked", "tracked_mean", "blend", "blend_var", "updates", "stored", "counted"), _TRACKED
    ),
    **dict.fromkeys(("affine", "eval_affine", "output"), _OUTPUT),
    "dx_output": frozenset({"dx"}),
    "read_dy": frozenset({"dx", "dgamma", "dbeta"}),
    **dict.fromkeys(("tangent", "eval_tangent", "image"), frozenset({"tangent"})),
    **dict.fromkeys(("second_dy", "image_dy"), frozenset({"second_dy"})),
    **dict.fromkeys(("second_x", "image_x", "eval_x"), frozenset({"second_x"})),
    **dict.fromkeys(("second_gamma", "eval_gamma"), frozenset({"second_gamma"})),
    "eval_dy": frozenset({"second_dy", "second_x"}),
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
    `companions`: ids of the causes that act together with it.
    `claims`: conventions of a dialect, by name, under which the implementation would be sound: the class that it is of.
    What lies within the bounds of this class is reproduced too.
    """

    id: str
    text: str
    make: Maker
    complexity: int = 1
    rounds_to: str | None = None
    narrow: bool = False
    differentiated: bool = False
    measured: Callable[[Case, Facts], Cause | None] | None = None
    companions: tuple[str, ...] = ()
    claims: Claims = ()

    def touches(self, kinds: frozenset[str]) -> frozenset[str]:
        """Those of the quantities that it may have a hand in on a single batch.

        Derivatives beyond the gradients are wrong with the outputs and gradients that they are the derivatives of.
        """
        known = [_TOUCHED.get(name, kinds) for name in _parts_of(self.make)]
        touched = kinds.intersection(frozenset().union(*known)) if known else kinds
        if self.is_of_further:
            return touched
        touched -= _FURTHER
        return touched | (kinds & _FURTHER) if touched & _OUTPUT else touched

    @property
    def is_of_further(self) -> bool:
        """Whether it says what derivatives beyond the gradients are."""
        return not _RULES.isdisjoint(_parts_of(self.make))

    @property
    def is_of_gradients(self) -> bool:
        """Whether it says itself what a backward pass does, which is then no derivative of the forward pass."""
        said = _BACKWARD | _RULES
        return self.family.startswith("gradient_") or not said.isdisjoint(_parts_of(self.make))

    def forward_parts(self) -> frozenset[tuple[str, Any]]:
        """The parts that are not a sound layer's and that the output of a single batch may hang on."""
        parts = _parts_of(self.make)
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
    if dialect.first_batch in _WEIGHTS and layer.weight is SOUND.weight:
        layer = replace(layer, weight=_WEIGHTS[dialect.first_batch])
    if dialect.single == "beta" and dialect.running_variance == "biased" and layer.checked is SOUND.checked:
        layer = replace(layer, checked=_taken)
    if arithmetic is not None:
        layer = replace(layer, arithmetic=lambda _x: arithmetic)
    return NumpyLayerAdapter(layer, dialect=dialect, capabilities=made.capabilities, rules=made.rules)


def _biased(saved: Saved) -> Any:
    return saved.variance


def _taken(made: Made, x: Native, training: bool) -> None:
    """One value a channel is a batch like others."""
    checked(made, x, training and x.size != x.shape[1])


def _replaced_by_the_first(made: Made) -> float:
    return 1.0 if made.batches == 0 else weight_of(made)


def _debiased(made: Made) -> float:
    """That of an average which is corrected for its start at zero: Kingma and Ba 2015, section 3."""
    weight = made.config.momentum
    return weight / (1 - (1 - weight) ** (made.batches + 1)) if weight else weight_of(made)


# The weight of a new batch, by what the first batch of a new layer does.
_WEIGHTS = {"replaces": _replaced_by_the_first, "debiased": _debiased}


@lru_cache(maxsize=4096)
def _parts_of(make: Maker) -> Mapping[str, Any]:
    made = make()
    assert isinstance(made, NumpyLayerAdapter)
    return replaced_parts(made)


def replaced_parts(made: NumpyLayerAdapter) -> dict[str, Any]:
    """The parts and rules that are not those of a sound layer, by name."""
    return _replaced(made.layer, SOUND) | _replaced(made.rules, RULES)


def _replaced(parts: Layer | Rules, sound: Layer | Rules) -> dict[str, Any]:
    return {
        field.name: getattr(parts, field.name)
        for field in fields(parts)
        if getattr(parts, field.name) is not getattr(sound, field.name)
    }


def together(one: Cause, other: Cause) -> Cause | None:
    """Both causes in one layer, under the name of the first; None where they replace the same part."""
    first, second = replaced_parts(one.layer()), replaced_parts(other.layer())
    if not first.keys().isdisjoint(second):
        return None
    both = first | second
    rules = {name: part for name, part in both.items() if name in _RULES}
    parts = {name: part for name, part in both.items() if name not in _RULES}
    return Cause(
        one.id,
        f"{one.text} {other.text}",
        lambda: NumpyLayerAdapter(replace(SOUND, **parts), rules=replace(RULES, **rules)),
        one.complexity + other.complexity,
        one.rounds_to or other.rounds_to,
        one.narrow or other.narrow,
        companions=(*one.companions, other.id, *other.companions),
    )
