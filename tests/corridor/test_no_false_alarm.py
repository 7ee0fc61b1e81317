"""Cases on which a law once failed a sound implementation, each with what was not counted."""

from __future__ import annotations

import numpy as np
import pytest
from mutants.layers import LayerAdapter, sound

from bncheck.case import Case
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.properties.catalogue import CATALOGUE
from bncheck.regions import DIFFERENCES, TRAINING
from bncheck.trial import Trial


def case(
    x: list[float], dy: list[float], *, gamma: float, beta: float, eps: float, dtype: type = np.float64
) -> Case:
    one: np.ndarray = np.ones(1, dtype)
    return Case(
        x=np.array(x, dtype).reshape(-1, 1),
        dy=np.array(dy, dtype).reshape(-1, 1),
        gamma=gamma * one,
        beta=beta * one,
        running_mean=0 * one,
        running_var=one,
        eps=eps,
        momentum=0.5,
        mode="train",
    )


CASES = {
    # sum(dx xhat) is subnormal, and the bound |xhat| E underflowed to 0
    "subnormal xhat": case([1e-323, 0.0], [0.0, 1.0], gamma=1.0, beta=0.0, eps=1.0),
    # x - mu is subnormal, and multiplied by a large r
    "subnormal deviations": case([1e-323, 0.0], [0.0, -0.3061384868924506], gamma=1.0, beta=0.0, eps=1e-8),
    # the sum is one bit too long for float64, and so was the sum that asked whether it is exact
    "a sum of 54 bits": case([1.0, 1.0 + 2.0**-52], [0.0, 1.0], gamma=1.0, beta=0.0, eps=1.0),
    # sum dy (y+ - y-) is known beyond float64, and was rounded before it was compared
    "a difference between two doubles": case(
        [-2.5, 7.83984375, 0.2216796875], [-1.0, -1.0, -1.0], gamma=0.001, beta=-1.0, eps=0.5
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_law_holds_for_sound_layers(name: str) -> None:
    for implementation in (load("reference.numpy"), Implementation("layer", LayerAdapter(sound()))):
        laws = [law for law in CATALOGUE if law.why_not(implementation.capabilities) is None]
        found = {
            law.id: list(law.check(CASES[name], Trial(implementation)))
            for law in laws
            if law.region in {TRAINING, DIFFERENCES}
        }
        failed = [comparison.message() for each in found.values() for comparison in each if comparison.fails]
        assert failed == []
