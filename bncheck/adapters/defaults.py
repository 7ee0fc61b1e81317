"""The defaults that the signature of a target gives to eps and momentum."""

from __future__ import annotations

from inspect import Parameter

from bncheck.adapter import Adapter
from bncheck.adapters.signatures import Signature

_NAMES = ("eps", "momentum")


def defaults_of(adapter: Adapter) -> dict[str, float | None]:
    """eps and momentum as its constructor or function has them where nothing is given; only those that it names.

    An adapter of a process of its own was told by that process.
    """
    told = getattr(adapter, "known_defaults", None)
    if isinstance(told, dict):
        return dict(told)
    signature = getattr(getattr(adapter, "construction", adapter), "signature", None)
    if not isinstance(signature, Signature):
        return {}
    found: dict[str, float | None] = {}
    for name in _NAMES:
        default = signature.roles[name].default if name in signature.roles else Parameter.empty
        if default is None or (isinstance(default, int | float) and not isinstance(default, bool)):
            found[name] = None if default is None else float(default)
    return found
