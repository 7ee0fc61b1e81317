"""The defaults that libraries document are declared of their own classes, and judged."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch

import bncheck
from bncheck.adapters.documented import DEFAULTS, with_defaults
from bncheck.dialect import Dialect
from bncheck.identify.identifying import misdeclared
from bncheck.loading import load


class Eps(torch.nn.BatchNorm1d):
    """A layer with another default than that of the class it derives from."""

    def __init__(self, num_features: int, eps: float = 1e-3, momentum: float = 0.1) -> None:
        super().__init__(num_features, eps, momentum)


def test_a_class_of_torch_has_the_defaults_that_torch_documents() -> None:
    dialect = load("torch.nn:BatchNorm2d").dialect
    assert (dialect.eps_default, dialect.momentum_default) == (1e-5, 0.1)


@pytest.mark.parametrize("layer", [Eps, partial(torch.nn.BatchNorm1d, eps=1e-3)])
def test_what_is_made_of_it_has_its_own(layer: Callable[..., object]) -> None:
    implementation = load(layer)
    assert implementation.dialect.eps_default is None
    assert misdeclared(implementation) == ()


def test_a_default_that_is_not_the_documented_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DEFAULTS, "torch.nn.modules.batchnorm.BatchNorm1d", (1e-5, 0.9))
    report = bncheck.check("torch.nn:BatchNorm1d", profile="smoke", include="forward.shapes", isolate=False)
    (target,) = report.targets
    (told,) = target.contradictions
    assert "0.9" in told
    assert "0.1" in told


def test_what_no_library_documents_has_none() -> None:
    assert with_defaults(Dialect(), object()) == Dialect()
    assert with_defaults(Dialect(), torch.nn.Linear) == Dialect()
