"""The gradients of a layer's forward pass as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bncheck.case import Native
from bncheck.causes.differentiation import GRADIENTS, derivatives
from bncheck.causes.probes import probe
from bncheck.evaluation import evaluate
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made

CASE = probe("float64", (4, 3), "train", 1)


def differentiated(layer: Layer) -> dict[str, Any]:
    wide = replace(layer, arithmetic=lambda _x: np.dtype(np.longdouble))
    return dict(derivatives(NumpyLayerAdapter(wide), CASE))


def test_those_of_a_sound_layer_are_its_backward_pass() -> None:
    found = differentiated(Layer())
    written = evaluate(NumpyLayerAdapter(Layer()), CASE, device="cpu")

    assert found.keys() == GRADIENTS
    for name in GRADIENTS:
        by_hand = written.quantity(name)
        assert by_hand is not None
        np.testing.assert_allclose(found[name], by_hand, rtol=1e-9, atol=1e-12)


def test_a_layer_that_writes_into_its_input_is_differentiated() -> None:
    def in_place(y: Native, x: Native, _made: Made) -> Native:
        x[...] = y
        return x

    found, sound = differentiated(replace(Layer(), output=in_place)), differentiated(Layer())

    assert all(np.array_equal(found[name], sound[name]) for name in GRADIENTS)


def test_where_a_layer_raises_nothing_is_known() -> None:
    def raises(_rows: Native) -> Native:
        raise RuntimeError("it cannot")

    assert differentiated(replace(Layer(), mean=raises)) == {}


@pytest.mark.parametrize("shape", [(1, 3), (300, 3)])
def test_nor_of_constant_channels_or_a_large_case(shape: tuple[int, int]) -> None:
    assert derivatives(NumpyLayerAdapter(Layer()), probe("float64", shape, "train", 1)) == {}
