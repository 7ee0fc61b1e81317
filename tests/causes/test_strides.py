"""Which strided arrays are named where no layer of the library gives what an implementation makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count

import numpy as np
import pytest
from causes.failures import BENCH, failure_on

from bncheck.adapter import Gradients, Pullback
from bncheck.case import Native
from bncheck.causes.attribution import Attribution
from bncheck.causes.explanation import Explanation
from bncheck.causes.probes import probe
from bncheck.implementation import Implementation
from bncheck.layout import Layout
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made

Factor = Callable[[Native, Native], float]
CALLS = count(1)


class Bent(NumpyLayerAdapter):
    """A sound layer whose dx is bent by a factor of how x and dy lie in memory."""

    def __init__(self, factor: Factor) -> None:
        super().__init__(Layer())
        self.factor = factor

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:  # noqa: FBT001
        y, sound = super().vjp(handle, x, training)

        def pullback(dy: Native) -> Gradients:
            found = sound(dy)
            assert found.dx is not None
            bent = found.dx * (1 + self.factor(x, dy) * np.cos(x))
            return found._replace(dx=np.asarray(bent.astype(x.dtype)))

        return y, pullback


def strided(array: Native) -> bool:
    return not array.flags.c_contiguous


def told(factor: Factor, layouts: Mapping[str, Layout]) -> Explanation:
    implementation = Implementation("layer", Bent(factor))
    case = probe("float64", (4, 3, 2), "train", 5, layouts=layouts)
    law, failure = failure_on(implementation, "layout.gradients", case)
    return Attribution(implementation, bench=BENCH).explanations(law, failure, failure)[0]


@pytest.mark.parametrize("name", ["x", "dy"])
def test_the_array_that_alone_makes_it_wrong_is_named(name: str) -> None:
    found = told(
        lambda x, dy: 0.01 * strided({"x": x, "dy": dy}[name]),
        {"x": "transposed", "dy": "transposed", "gamma": "step"},
    )

    assert found.id == f"layout.{name}_misread"
    assert found.text == f"dx goes wrong where {name} is not contiguous."


def test_arrays_that_do_so_together_alone_are_named_together() -> None:
    found = told(
        lambda x, dy: 0.01 * (strided(x) and strided(dy)),
        {"x": "transposed", "gamma": "step", "dy": "channels_last"},
    )

    assert found.id == "layout.misread_together"
    assert found.text == "dx goes wrong where x and dy together are not contiguous."


def test_what_is_read_beside_a_strided_array_differs_from_time_to_time() -> None:
    found = told(lambda _x, dy: 0.01 * next(CALLS) * strided(dy), {"dy": "transposed"})

    assert found.id == "layout.dy_misread"
    assert "the same call gives another answer each time" in found.text


def test_answers_that_vary_of_contiguous_arrays_too_are_not_put_down_to_layouts() -> None:
    found = told(lambda _x, _dy: 0.01 * next(CALLS), {"dy": "transposed"})

    assert found.id == "determinism.varies"
