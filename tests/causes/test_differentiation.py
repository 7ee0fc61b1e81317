"""The gradients of a layer's forward pass as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bncheck.case import Mode, Native
from bncheck.causes.differentiation import GRADIENTS, derivatives
from bncheck.causes.probes import probe
from bncheck.direction import Direction
from bncheck.evaluation import evaluate
from bncheck.outcome import FURTHER
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made

CASE = probe("float64", (4, 3), "train", 1)


def wide(layer: Layer) -> NumpyLayerAdapter:
    """The layer in extended precision."""
    return NumpyLayerAdapter(replace(layer, arithmetic=lambda _x: np.dtype(np.longdouble)))


def differentiated(layer: Layer) -> dict[str, Any]:
    return dict(derivatives(wide(layer), CASE))


def test_those_of_a_sound_layer_are_its_backward_pass() -> None:
    found = differentiated(Layer())
    written = evaluate(NumpyLayerAdapter(Layer()), CASE, device="cpu")

    assert found.keys() == GRADIENTS
    for name in GRADIENTS:
        by_hand = written.quantity(name)
        assert by_hand is not None
        np.testing.assert_allclose(found[name], by_hand, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_along_a_direction_they_are_the_rules_of_a_sound_layer(mode: Mode) -> None:
    plain = probe("float32", (4, 3), mode, 1)
    case = plain.changed(direction=Direction(probe("float32", (4, 3), mode, 2).x, plain.beta, plain.gamma))
    sound = wide(Layer())

    found = derivatives(sound, case)

    written = evaluate(sound, case, device="cpu"), evaluate(sound, case.changed(dy=None), device="cpu")
    for name in FURTHER:
        by_rule = written[name == "tangent"].quantity(name)
        assert by_rule is not None
        np.testing.assert_allclose(np.asarray(found[name]), by_rule, rtol=1e-6, atol=1e-6)


def test_in_float64_nothing_is_said_of_what_has_half_the_digits() -> None:
    found = derivatives(wide(Layer()), CASE.changed(direction=Direction(CASE.x)))

    assert found.keys() == {*GRADIENTS, "tangent", "second_dy"}


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
