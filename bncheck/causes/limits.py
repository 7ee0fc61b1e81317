"""How far a sound layer may lie from the truth, by the facts of a case."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bncheck.case import Case, from_channel_major
from bncheck.causes.row import Wide
from bncheck.errors import ImplementationCrashed
from bncheck.reference.bounds import Bound
from bncheck.trial import Trial, shape_of


def limits(case: Case, trial: Trial) -> dict[str, Wide]:
    """The derived bounds of a case in the shapes of its quantities; infinite where they do not hold."""
    if case.program:
        return _of_steps(case, trial)
    if case.count < 2:
        return {}
    if case.direction is None:
        return _shaped(case, trial.bounds(case))
    plain = limits(case.changed(direction=None), trial)
    if case.direction.gamma is not None:
        return plain
    found = plain | _shaped(case, trial.bounds(case))
    # The Jacobian of y is symmetric.
    return found | ({"tangent": found["second_dy"]} if "second_dy" in found else {})


def _of_steps(case: Case, trial: Trial) -> dict[str, Wide]:
    """Those of each step from the state before it; a layer's own state differs by no more than a few roundings."""
    try:
        steps = trial.situations(case)
    except ImplementationCrashed:
        return {}
    return {
        f"{each.number + 1} {name}": limit
        for each in steps
        if each.case is not None
        for name, limit in limits(each.case, trial).items()
    }


def _shaped(case: Case, bounds: Mapping[str, Bound]) -> dict[str, Wide]:
    found: dict[str, Wide] = {}
    for name, bound in bounds.items():
        largest = np.where(bound.judged, bound.largest, np.inf)
        shape = shape_of(name, case)
        if len(shape) > 1:
            largest = from_channel_major(largest, shape, np.dtype(np.float64))
        found[name] = largest.reshape(shape).astype(np.longdouble)
    return found
