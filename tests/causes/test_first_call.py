"""What is kept of a first call, shown by a second one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bncheck.adapter import Config
from bncheck.causes.first_call import kept_of_the_first_call
from bncheck.causes.laboratory import Laboratory
from bncheck.implementation import Implementation
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made, fresh


def kept(layer: Layer) -> set[tuple[str, str]]:
    """Modes and ids."""
    found = kept_of_the_first_call(
        Laboratory(Implementation("layer", NumpyLayerAdapter(layer))), "float32", rank=3
    )
    return {(each.mode, each.explanation.id) for each in found}


def remembering(name: str) -> Layer:
    """A layer whose configuration is, in one number, that of the first layer for a shape."""
    known: dict[tuple[int, ...], object] = {}

    def made(config: Config) -> Made:
        first = known.setdefault(config.shape, getattr(config, name))
        changed: Any = {name: first}
        return fresh(replace(config, **changed))

    return Layer(fresh=made)


def test_a_sound_layer_keeps_nothing() -> None:
    assert kept(Layer()) == set()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("eps", {("train", "eps.of_the_first_call"), ("eval", "eps.of_the_first_call")}),
        ("momentum", {("train", "momentum.of_the_first_call")}),
    ],
)
def test_a_number_of_the_first_call_is_found_in_the_modes_that_it_spoils(
    number: str, expected: set[tuple[str, str]]
) -> None:
    assert kept(remembering(number)) == expected


def test_a_number_that_is_always_wrong_is_none_of_a_first_call() -> None:
    assert kept(Layer(eps=lambda _eps, _dtype: 1e-5, eval_eps=lambda _eps, _dtype: 1e-5)) == set()


def test_neither_is_one_that_makes_no_difference() -> None:
    assert kept(Layer(inverse=lambda variance, _eps: 1 / np.sqrt(variance))) == set()
