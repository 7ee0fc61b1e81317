"""Makers of what stands in torch and JAX, by name: a framework is loaded when one is called."""

from __future__ import annotations

from importlib import import_module

from bncheck.adapter import Adapter
from bncheck.planted.bug import Maker


def in_torch(name: str, module: str = "torch_bugs") -> Maker:
    """The adapter of a module's class."""

    def made() -> Adapter:
        layers = import_module("bncheck.planted.torch_layer")
        adapter: Adapter = layers.PlantedTorchAdapter(
            getattr(import_module(f"bncheck.planted.{module}"), name)
        )
        return adapter

    return made


def by_hand(name: str) -> Maker:
    """The same for one with a backward pass by hand."""
    return in_torch(name, "torch_backward_bugs")


def in_jax(name: str, module: str = "jax_bugs") -> Maker:
    """What a function makes."""

    def made() -> Adapter:
        adapter: Adapter = getattr(import_module(f"bncheck.planted.{module}"), name)()
        return adapter

    return made
