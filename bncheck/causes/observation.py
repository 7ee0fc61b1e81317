"""What is seen of a layer on one probe, as facts by name: arrays, counts, what is kept and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from bncheck.adapter import State
from bncheck.case import Case, Native
from bncheck.errors import ImplementationCrashed
from bncheck.outcome import FURTHER, QUANTITIES, Outcome
from bncheck.performance import Observation, Performance

Fact = Native | int | bool | str
Facts = dict[str, Fact]
# What a batch is refused with on purpose.
REFUSAL = "ValueError"
# What derivatives beyond the gradients follow from.
FIRST_ORDER = ("y", "dx", "dgamma", "dbeta")
# The capabilities that a case with a direction asks for.
DIRECTED = frozenset({"forward_mode", "second_order"})


def facts(
    case: Case,
    evaluate: Callable[[Case], Outcome],
    perform: Callable[[Case], Performance],
    *,
    offered: Collection[str] = DIRECTED,
) -> Facts:
    """The facts of a case, of each step where it has a program; of what raises, how.  `offered`: of DIRECTED."""
    try:
        if case.direction is not None:
            return of_directed(case, evaluate, offered)
        return of_performance(perform(case)) if case.program else _spoilt(of_outcome(evaluate(case)), case)
    except ImplementationCrashed as crash:
        return {"raised": True, "refused": str(crash).startswith(REFUSAL)}


def of_outcome(outcome: Outcome) -> Facts:
    """Every quantity that is there, and the count of batches."""
    found: dict[str, Any] = {name: outcome.quantity(name) for name in QUANTITIES}
    found["batches"] = outcome.batches
    return _present(found) | {"raised": False}


def _spoilt(found: Facts, case: Case) -> Facts:
    """NaN for every number of dx and dgamma that is not finite in a channel where dy is not: which it is hangs on the
    formula, and no law says.
    """
    if case.dy is None or np.isfinite(case.dy).all():
        return found
    axes = tuple(axis for axis in range(case.dy.ndim) if axis != 1)
    channels = ~np.isfinite(case.dy).all(axis=axes)
    told = dict(found)
    for name, places in (
        ("dx", np.broadcast_to(np.expand_dims(channels, axes), case.dy.shape)),
        ("dgamma", channels),
    ):
        value = told.get(name)
        if isinstance(value, np.ndarray) and value.shape == places.shape:
            told[name] = np.where(places & ~np.isfinite(value), value.dtype.type(np.nan), value)
    return told


def of_directed(case: Case, evaluate: Callable[[Case], Outcome], offered: Collection[str]) -> Facts:
    """Output and gradients, and the derivatives of both along the direction."""
    plain = evaluate(case.changed(direction=None))
    found: dict[str, Any] = {name: plain.quantity(name) for name in FIRST_ORDER}
    if "forward_mode" in offered:
        found["tangent"] = evaluate(case.changed(dy=None)).tangent
    if "second_order" in offered and case.dy is not None:
        again = evaluate(case)
        found |= {name: again.quantity(name) for name in FURTHER if name != "tangent"}
    return _present(found) | {"raised": False}


def of_performance(performance: Performance) -> Facts:
    """Those of each step, named `3 y`; the state that the layer was made in comes first."""
    found = _state("made", performance.made)
    for number, each in enumerate(performance.observations, start=1):
        found |= _step(str(number), each)
    return _present(found) | {"raised": False}


def _step(place: str, each: Observation) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"{place} {name}": each.quantity(name) for name in ("y", "dx", "dgamma", "dbeta")
    }
    found |= _state(place, each.state)
    found[f"{place} refused"] = each.error is not None
    found[f"{place} kept"] = each.kept
    if each.left is not None:
        found |= _state(f"{place} left", each.left)
    return found


def _state(place: str, state: State) -> dict[str, Any]:
    return {
        f"{place} running_mean": state.mean,
        f"{place} running_var": state.var,
        f"{place} batches": state.batches,
    }


def _present(found: dict[str, Any]) -> Facts:
    return {name: value for name, value in found.items() if value is not None}


def kind(name: str) -> str:
    """The quantity that a fact is of, whichever step it belongs to."""
    return name.rpartition(" ")[2]
