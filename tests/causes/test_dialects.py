"""Causes under the conventions for the first batch: what is wrong besides is named, and the convention is no cause."""

from __future__ import annotations

from typing import Any

import pytest
from causes.failures import named

import bncheck
from bncheck.dialect import Dialect
from bncheck.implementation import Implementation
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Made, weight_of


def replaced(made: Made) -> float:
    """The first batch of all replaces what a new layer starts from."""
    return 1.0 if made.batches == 0 else weight_of(made)


def debiased(made: Made) -> float:
    """An average from zero, divided by the weights of all batches so far."""
    weight = made.config.momentum
    return weight_of(made) if not weight else weight / (1 - (1 - weight) ** (made.batches + 1))


CONVENTIONS = {"replaces": replaced, "debiased": debiased}
WRONG: dict[str, dict[str, Any]] = {
    "running_var.biased": {"tracked": lambda saved: saved.variance},
    "gradient_dgamma.of_means": {
        "dgamma": lambda dy, s: (dy * s.xc).mean(axis=1, keepdims=True) * s.r,
        "eval_dgamma": lambda dy, s: (dy * s.xc).mean(axis=1, keepdims=True) * s.r,
    },
    "eps.missing": {"inverse": lambda variance, _eps: 1 / variance**0.5},
}


def adapter_of(convention: str, parts: dict[str, Any]) -> NumpyLayerAdapter:
    dialect = Dialect(single="raise", empty="keep", first_batch=convention)  # type: ignore[arg-type]  # one of them
    return NumpyLayerAdapter(Layer(weight=CONVENTIONS[convention], **parts), dialect=dialect)


def named_of(convention: str, parts: dict[str, Any]) -> list[tuple[str, bool]]:
    """Ids of the causes of a layer, and whether each reproduces everything."""
    found = named(Implementation("layer", adapter_of(convention, parts)), ("float32",))
    return [(each.id, each.explains == each.of) for each in found]


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("cause", WRONG)
def test_a_bug_is_named_under_each_convention(convention: str, cause: str) -> None:
    assert named_of(convention, WRONG[cause])[0] == (cause, True)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_layer_of_each_convention_is_sound(convention: str) -> None:
    report = bncheck.check(adapter_of(convention, {}), profile="smoke", dtypes=["float32"])
    assert report.exit_code == 0
