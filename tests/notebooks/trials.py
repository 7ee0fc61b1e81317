"""Trials of what the numbers are shown with, and single laws on a case that was not drawn."""

from __future__ import annotations

import pytest

from bncheck.case import Case
from bncheck.law import Law
from bncheck.loading import load
from bncheck.properties.catalogue import CATALOGUE
from bncheck.trial import Trial

REFERENCES = ("reference.numpy", "reference.torch", "reference.jax")
TORCH_LAYER = "torch.nn:BatchNorm1d"
LAWS: dict[str, Law] = {law.id: law for law in CATALOGUE}


def trial_of(target: str) -> Trial:
    """A fresh trial; the test is skipped where the target's framework is not installed."""
    pytest.importorskip(target.removeprefix("reference.").partition(".")[0])
    return Trial(load(target))


def findings(law: str, case: Case, trial: Trial) -> list[str]:
    """What a law finds wrong with one case; each of its comparisons must have been able to decide."""
    comparisons = list(LAWS[law].check(case, trial))
    assert comparisons
    assert all(comparison.decides for comparison in comparisons)
    return [comparison.message() for comparison in comparisons if comparison.fails]
