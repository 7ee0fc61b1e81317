"""Errors of an outcome in units of the bound, where the bound says that it holds."""

from __future__ import annotations

import numpy as np

from bncheck.reference.bounds import Bound, bounds
from bncheck.reference.formats import Array
from bncheck.reference.oracle import Exact, Truth
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Profile

from .zoo import Outcome


def errors_in_bounds(outcome: Outcome, problem: Problem, truth: Truth, profile: Profile) -> dict[str, Array]:
    """Quantity to |actual - exact| / bound, shaped as the quantity; 0 where nothing is judged, infinity for NaN."""
    found = bounds(problem, truth, profile)
    return {name: _quotient(outcome[name], exact_of(truth, name), found[name]) for name in found}


def exact_of(truth: Truth, name: str) -> Exact:
    """The exact value of a quantity that the problem has."""
    exact = getattr(truth, name)
    assert isinstance(exact, Exact)
    return exact


def _quotient(actual: Array, exact: Exact, bound: Bound) -> Array:
    error = exact.error_of(actual)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        quotient = np.where(error == 0, 0.0, np.where(np.isnan(error), np.inf, error / bound.largest))
    return np.where(bound.judged & np.isfinite(bound.largest), quotient, 0.0)
