"""What a sound implementation of another numeric class could have given: the facts that lie within its derived bounds.

Where rounding errors are large, as those of a variance that cancels, they hang on the order of every sum, and no layer
gives them number for number.  A cause that says which class an implementation is of is then held against the bounds of
that class, about the exact answer, in a program about that from the state which the implementation itself showed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from bncheck.adapter import State
from bncheck.case import Case
from bncheck.causes.cause import Claims
from bncheck.causes.matching import Match, within
from bncheck.causes.observation import FIRST_ORDER, Fact
from bncheck.model import Situation, moving
from bncheck.trial import Trial, as_rows, shape_of

Pair = tuple[Fact, Fact]
ONE_PASS: Claims = (("variance", "one_pass"),)
UNCLIPPED: Claims = (*ONE_PASS, ("clipped", "no"))
IN_FLOAT32: Claims = (("float64", "demoted"),)


def of_class(claims: Claims, trial: Trial) -> Trial:
    """The same outcomes, held against the bounds of a class."""
    implementation, dialect = trial.implementation, trial.implementation.dialect
    for key, value in claims:
        dialect = dialect.declared(key, value)
    return replace(trial, implementation=replace(implementation, declared=dialect))


def within_bounds(facts: Mapping[str, Pair], case: Case, trial: Trial) -> Iterator[tuple[str, Match]]:
    """Those of the facts, of an implementation and of a layer of its class, in which it keeps the bounds of the trial."""
    if case.program:
        for each in trial.situations(case):
            yield from _of_step(facts, each, trial, moves=each.step.action in moving(case))
        return
    direction = case.direction
    plain = (
        case
        if direction is None
        else trial.derive(case, "without a direction", lambda case: case.changed(direction=None))
    )
    for name, pair in facts.items():
        directed = direction is not None and name not in FIRST_ORDER
        # For directions that move gamma no bound is derived.
        if directed and direction is not None and direction.gamma is not None:
            continue
        told = case if directed else plain
        match = _match(pair, name, told, trial)
        if match is not None:
            yield name, match


def _of_step(
    facts: Mapping[str, Pair], each: Situation, trial: Trial, *, moves: bool
) -> Iterator[tuple[str, Match]]:
    """Statistics that a step does not move, and those of a layer left behind, are as they were, bit for bit."""
    place = str(each.number + 1)
    for name, pair in facts.items():
        where, _, quantity = name.rpartition(" ")
        if where not in (place, f"{place} left"):
            continue
        if quantity in ("running_mean", "running_var") and (where != place or not moves):
            if _is_kept(pair[0], quantity, each.before):
                yield name, Match(fits=True, derived=True)
        elif where == place and each.case is not None:
            match = _match(pair, quantity, each.case, trial)
            if match is not None:
                yield name, match


def _is_kept(value: Fact, quantity: str, before: State) -> bool:
    held = before.mean if quantity == "running_mean" else before.var
    return held is not None and np.array_equal(np.asarray(value), held, equal_nan=True)


def _match(pair: Pair, quantity: str, case: Case, trial: Trial) -> Match | None:
    """None where there is no bound, or it is not kept."""
    value, given = pair
    if not isinstance(value, np.ndarray) or not isinstance(given, np.ndarray) or case.count < 1:
        return None
    limits, shape = trial.bounds(case), shape_of(quantity, case)
    if quantity not in limits or value.shape != shape or value.dtype != given.dtype:
        return None
    exact, bound = trial.exact(case, quantity), limits[quantity]
    with np.errstate(all="ignore"):
        error = exact.error_of(as_rows(value))
        largest = np.where(bound.judged, bound.largest, np.inf)
        return within(as_rows(value), exact.hi, error, largest)
