"""How a layer is told whether to train: by an argument, by its methods, or by an attribute."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bncheck.adapter import Handle
from bncheck.adapters.names import INFERENCE_NAMES, TRAINING_NAMES
from bncheck.adapters.signatures import Signature


@dataclass(frozen=True, slots=True)
class Switch:
    """`apply(layer, training=...)` sets the mode and returns the keyword arguments that the call needs for it."""

    set: Callable[[Handle, bool], dict[str, Any]]

    def apply(self, layer: Handle, *, training: bool) -> dict[str, Any]:
        """Set the mode."""
        return self.set(layer, training)


def switch_of(sample: Handle, signature: Signature) -> Switch | None:
    """The layer's switch; None where it has none, and so has one mode."""
    for role, sense in (("training", True), ("inference", False)):
        if signature.has(role):
            return Switch(_by_argument(signature.roles[role].name, sense=sense))
    if callable(getattr(sample, "eval", None)):
        return Switch(_by_methods)
    if callable(getattr(sample, "train", None)) and _takes_argument(sample.train):
        return Switch(_by_train_method)
    for names, sense in ((TRAINING_NAMES, True), (INFERENCE_NAMES, False)):
        for name in names:
            if isinstance(getattr(sample, name, None), bool | int):
                return Switch(_by_attribute(name, sense=sense))
    return None


def _by_argument(name: str, *, sense: bool) -> Callable[[Handle, bool], dict[str, Any]]:
    return lambda _, training: {name: training == sense}


def _by_attribute(name: str, *, sense: bool) -> Callable[[Handle, bool], dict[str, Any]]:
    def switch(layer: Handle, training: bool) -> dict[str, Any]:
        setattr(layer, name, training == sense)
        return {}

    return switch


def _by_methods(layer: Handle, training: bool) -> dict[str, Any]:
    """eval() and, where there is one, train(); without it a new layer trains."""
    if not training:
        layer.eval()
    elif callable(getattr(layer, "train", None)):
        layer.train()
    return {}


def _by_train_method(layer: Handle, training: bool) -> dict[str, Any]:
    layer.train(training)
    return {}


def _takes_argument(method: Callable[..., object]) -> bool:
    return bool(inspect.signature(method).parameters)
