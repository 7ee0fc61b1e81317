"""Causes with a number that is measured: eps or the weight of the batch, the same for all channels of a case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.case import Case, channel_major
from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.causes.observation import Facts
from bncheck.reference.formats import Array


def acting_eps(case: Case, facts: Facts) -> float | None:
    """1 / r^2 - var, r from the slope of y over x; of the channel in which eps weighs most."""
    y = facts.get("y")
    moments = _moments(case)
    if not isinstance(y, np.ndarray) or y.shape != case.x.shape or moments is None:
        return None
    mean, variance = moments
    centred = channel_major(case.x) - mean
    gamma, beta = _vector(case.gamma, 1.0, case), _vector(case.beta, 0.0, case)
    slope = ((channel_major(y) - beta) * centred).sum(axis=1) / (centred**2).sum(axis=1)
    found = (gamma[:, 0] / slope) ** 2 - variance[:, 0]
    usable = np.isfinite(found) & (found >= 0)
    if not usable.any():
        return None
    return float(found[np.argmin(np.where(usable, variance[:, 0], np.inf))])


def acting_weight(case: Case, facts: Facts) -> float | None:
    """(new - old) / (batch - old) of the running mean, in the channel where the batch is furthest from the old."""
    new = facts.get("running_mean")
    if case.steps > 1 or not case.training or case.running_mean is None or not isinstance(new, np.ndarray):
        return None
    if new.shape != case.running_mean.shape or not case.x.size:
        return None
    old = case.running_mean.astype(np.float64)
    distance = channel_major(case.x).mean(axis=1) - old
    place = int(np.argmax(np.where(np.isfinite(distance), np.abs(distance), -1)))
    found = float((float(new[place]) - old[place]) / distance[place])
    return found if np.isfinite(found) else None


def _moments(case: Case) -> tuple[Array, Array] | None:
    """Those that normalise, (C, 1)."""
    if case.program or not case.x.size:
        return None
    if case.training:
        rows = channel_major(case.x)
        return rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    if case.running_mean is None or case.running_var is None:
        return None
    mean, var = (each.astype(np.float64).reshape(-1, 1) for each in (case.running_mean, case.running_var))
    return mean, var


def _vector(given: Any, default: float, case: Case) -> Array:
    if given is None:
        return np.full((case.channels, 1), default)
    return np.asarray(given.astype(np.float64).reshape(-1, 1))


def _with_eps(case: Case, facts: Facts) -> Cause | None:
    value = acting_eps(case, facts)
    return None if value is None else _another_eps(value)


def _another_eps(value: float) -> Cause:
    return cause(
        "eps.another_value",
        f"eps acts as {value!r}.",
        eps=lambda _eps, _dtype: value,
        eval_eps=lambda _eps, _dtype: value,
    )


def _with_weight(case: Case, facts: Facts) -> Cause | None:
    value = acting_weight(case, facts)
    return None if value is None else _another_weight(value)


def _another_weight(value: float) -> Cause:
    return cause(
        "momentum.another_weight", f"The batch has the weight {value!r}.", weight=lambda _made: value
    )


MEASURED_CAUSES = (
    replace(
        _another_eps(0.0),
        text="eps acts, in all channels alike, as another number than the one given.",
        complexity=4,
        measured=_with_eps,
    ),
    replace(
        _another_weight(0.0),
        text="The new batch has, in all channels alike, another weight than the momentum gives it.",
        complexity=4,
        measured=_with_weight,
    ),
)
