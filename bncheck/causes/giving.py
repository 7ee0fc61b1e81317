"""What the layer of a cause gives on a case, evaluated as every implementation is, but for what is looked at beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.adapter import Gradients
from bncheck.case import Case
from bncheck.causes.cause import Cause, in_dialect
from bncheck.causes.observation import Facts, facts
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.evaluation import caught, configured, placed, prepared
from bncheck.outcome import Outcome
from bncheck.performance import Performance
from bncheck.performing import perform
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Made


def given(cause: Cause, case: Case, dialect: Dialect, arithmetic: np.dtype[Any] | None) -> Facts:
    """What the layer of a cause gives, its gradients by its written backward pass."""
    made = in_dialect(cause.layer(), dialect, arithmetic=arithmetic)
    return facts(case, lambda case: _evaluated(made, case), lambda case: _performed(made, case))


def wide(case: Case) -> np.dtype[Any]:
    """The arithmetic that is wider than that of sound code."""
    return np.dtype(np.longdouble if case.x.dtype == np.float64 else np.float64)


def _evaluated(made: NumpyLayerAdapter, case: Case) -> Outcome:
    """As every implementation is evaluated, but nothing beside the outcome is looked at."""
    with caught(), np.errstate(all="ignore"):
        handle = prepared(made, case, configured(case, "cpu"))
        if case.direction is not None:
            return _along(made, handle, case, case.direction)
        gradients = Gradients(None, None, None)
        for _ in range(case.steps):
            x = placed(made, case, "x")
            if case.dy is None:
                y = made.forward(handle, x, case.training)
            else:
                y, gradients = made.evaluate(handle, x, placed(made, case, "dy"), case.training)
        mean, var, batches = made.get_state(handle)
        return Outcome(y, mean, var, batches, *gradients)


def _along(made: NumpyLayerAdapter, handle: Made, case: Case, direction: Direction) -> Outcome:
    if case.dy is None:
        y, tangent = made.tangent(handle, case.x, direction, case.training)
        return Outcome(y, tangent=tangent)
    y, second = made.second_order(handle, case.x, case.dy, direction, case.training)
    return Outcome(y, second_dy=second.dy, second_x=second.x, second_gamma=second.gamma)


def _performed(made: NumpyLayerAdapter, case: Case) -> Performance:
    with np.errstate(all="ignore"):
        return perform(made, case, device="cpu")
