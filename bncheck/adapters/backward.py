"""The gradients that a layer's own `backward(dy)` returns, in any of the usual forms."""

from __future__ import annotations

from collections.abc import Mapping

from bncheck.adapter import BETA_NAMES, GAMMA_NAMES, FrameworkArray, Gradients, Handle
from bncheck.adapters.names import gradient_names

_DICTIONARIES = ("grads", "gradients", "_grads")


def gradients_of(layer: Handle, returned: object, *, affine: bool) -> Gradients:
    """From (dx, dgamma, dbeta), (dx, {name: gradient}), or dx with the rest in attributes such as `dgamma`.

    Raises TypeError for anything else.
    """
    if not isinstance(returned, tuple | list):
        return Gradients(returned, *_attributes(layer)) if affine else Gradients(returned, None, None)
    if not affine:
        return Gradients(returned[0], None, None)
    if len(returned) == 2 and isinstance(returned[1], Mapping):
        return Gradients(returned[0], _named(returned[1], GAMMA_NAMES), _named(returned[1], BETA_NAMES))
    if len(returned) == 3:
        return Gradients(returned[0], _flat(returned[1]), _flat(returned[2]))
    raise TypeError(
        f"backward returned {len(returned)} values; expected dx, (dx, dgamma, dbeta) or (dx, {{name: gradient}})"
    )


def _attributes(layer: Handle) -> tuple[FrameworkArray | None, FrameworkArray | None]:
    held = dict(vars(layer)) if hasattr(layer, "__dict__") else {}
    for holder in _DICTIONARIES:
        entries = held.get(holder)
        if isinstance(entries, Mapping):
            return _named(entries, GAMMA_NAMES), _named(entries, BETA_NAMES)
    # The parameters' own names are no gradients here, so they are left out.
    gradients = {name: value for name, value in held.items() if name not in {*GAMMA_NAMES, *BETA_NAMES}}
    return _named(gradients, GAMMA_NAMES), _named(gradients, BETA_NAMES)


def _named(entries: Mapping[str, object], names: tuple[str, ...]) -> FrameworkArray | None:
    return next((_flat(entries[name]) for name in gradient_names(names) if name in entries), None)


def _flat(gradient: FrameworkArray) -> FrameworkArray:
    """(1, C, 1, 1) as (C,)."""
    return gradient.reshape(-1) if hasattr(gradient, "reshape") else gradient
