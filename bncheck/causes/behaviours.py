"""Behaviours: what a call does besides its outputs, or to the next one; each is shown by repeating the finding's case."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bncheck.case import Case
from bncheck.causes.explanation import Explanation
from bncheck.causes.observation import Fact, Facts, facts, kind
from bncheck.errors import ImplementationCrashed
from bncheck.evaluation import SHARES, caught, configured, placed, prepared
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.surroundings import OBSERVED, STANDARD_OUTPUT, watched
from bncheck.verdict import Failure

# Evaluations of one case after which answers that vary are seen to.
REPETITIONS = 4
WRITTEN = ("x", "dy", "gamma", "beta")
GENERATORS = tuple(name for name in OBSERVED if name.endswith("random state"))


def behaviours(implementation: Implementation, law: Law, failure: Failure) -> list[Explanation]:
    """The behaviours that the case of a finding shows."""
    if failure.crash is not None:
        return []
    try:
        beside = list(_beside(implementation, failure.case)) if law.family == "purity" else []
        bitwise = implementation.dialect.repeatable == "bitwise" or law.id == "purity.repetition"
        return beside or (list(_history(implementation, failure.case)) if bitwise else [])
    except ImplementationCrashed:
        return []


def _shown(name: str, text: str) -> Explanation:
    return Explanation(name, text, 1, 1)


def _beside(implementation: Implementation, case: Case) -> Iterator[Explanation]:
    """What the call changes besides its outcome."""
    for effect in implementation.evaluate(case).side_effects:
        if effect in WRITTEN:
            yield _shown(f"aliasing.writes_into_{effect}", f"The call writes into {effect}.")
        elif SHARES in effect:
            one, other = effect.split(SHARES)
            yield _shown(f"aliasing.{one}_in_the_memory_of_{other}", f"{one} lies in the memory of {other}.")
        elif effect in GENERATORS:
            yield _of_generator(implementation, case, effect)
        elif effect == STANDARD_OUTPUT:
            yield _shown("state.prints", "The call prints to standard output.")
        else:
            yield _shown("state.changes_its_surroundings", f"The call changes {effect}.")


def _of_generator(implementation: Implementation, case: Case, effect: str) -> Explanation:
    """What seeds a generator leaves it in one state, whatever it was in before; what draws from it does not."""
    drawn = _shown("determinism.draws_from_a_generator", f"The call draws from {effect}.")
    if implementation.worker is not None:
        return drawn
    left = [_left(implementation, case, effect, seed) for seed in (1, 2)]
    return _shown("state.seeds_a_generator", f"The call sets {effect}.") if left[0] == left[1] else drawn


def _left(implementation: Implementation, case: Case, effect: str, seed: int) -> Any:
    """The state of a generator after a pass over a case that begins from a seed."""
    adapter = implementation.adapter
    with caught(), watched(), adapter.running(case.x.size):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  # the global state is what is looked at
        if "torch" in sys.modules:
            sys.modules["torch"].manual_seed(seed)
        handle = prepared(adapter, case, configured(case, implementation.device))
        adapter.forward(handle, placed(adapter, case, "x"), case.training)
        return OBSERVED[effect]()


def _history(implementation: Implementation, case: Case) -> Iterator[Explanation]:
    """Whether what a new layer does depends on the calls before it."""
    seen = [_seen(implementation, case)]
    _seen(implementation, _another(case))
    seen += [_seen(implementation, case) for _ in range(1, REPETITIONS)]
    changed = _changed(seen)
    if not changed:
        return
    if any(name.startswith("made ") for name in changed):
        yield _shown("state.shared_between_layers", "A new layer begins with the statistics of another.")
    elif "batches" in {kind(name) for name in changed}:
        yield _shown(
            "state.counter_shared_between_layers", "The count of batches goes on from layer to layer."
        )
    else:
        quantities = ", ".join(sorted({kind(name) for name in changed}))
        yield _shown(
            "determinism.varies", f"The same call on the same input gives another {quantities} each time."
        )


def _another(case: Case) -> Case:
    """The same shapes with other numbers."""
    mean = case.running_mean
    return case.changed(
        x=case.x * case.x.dtype.type(0.5),
        running_mean=None if mean is None else mean + mean.dtype.type(1),
    )


def _seen(implementation: Implementation, case: Case) -> Facts:
    return facts(case, implementation.evaluate, implementation.perform)


def _changed(seen: Sequence[Facts]) -> list[str]:
    """The facts that are not the same, bit for bit, in all repetitions."""
    first = seen[0]
    return [
        name for name, value in first.items() if any(not _same(value, other.get(name)) for other in seen[1:])
    ]


def _same(one: Fact, other: Fact | None) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return bool(np.array_equal(one, other, equal_nan=True))
    return one is other or bool(one == other)
