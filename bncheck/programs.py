"""Hypothesis strategies for programs, and what of a program a target can be asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from bncheck.batches import SHORTER
from bncheck.capabilities import Capabilities
from bncheck.step import Action, Step

Draw = Callable[[st.SearchStrategy[Any]], Any]

# In every program; the last ones show what the others have left behind.
_ALWAYS: tuple[Action, ...] = (
    "train",
    "train",
    "forward",
    "open",
    "open",
    "backward",
    "backward",
    "eval",
    "momentum",
    "wrong",
)
_OFTEN: tuple[Action, ...] = ("reset", "copy", "reload", "move", "empty", "single", "other")
# A layer may refuse a backward pass after these: the statistics are written into, or the parameters are others.
_UPSETTING: tuple[Action, ...] = ("move", "reset")
_LAST: tuple[Action, ...] = ("eval", "train", "eval")
_ORDERS = st.permutations(_ALWAYS)
_PLACES = st.integers(0, len(_ALWAYS))
_CHANCE = st.sampled_from((True,) * 19 + (False,))
_BATCHES = st.integers(0, 7)
_OLDEST_FIRST = st.integers(0, 1)
_MOMENTA = st.sampled_from((0.5, 0.1, 1.0, 0.9, 0.25, 0.0)) | st.none() | st.floats(0.0, 1.0)
OPTIONAL = ("momentum", "reset", "copy", "reload", "move")


@st.composite
def programs(draw: Draw) -> tuple[Step, ...]:
    """Ten to twenty steps: training, evaluation, backward passes that come late, and what disturbs them in between."""
    actions: list[Action] = list(draw(_ORDERS))
    for action in _OFTEN:
        if draw(_CHANCE):
            actions.insert(draw(_PLACES), action)
    return tuple(_step(draw, action) for action in (*_in_order(actions), *_LAST))


def _step(draw: Draw, action: Action) -> Step:
    if action == "momentum":
        return Step(action, value=draw(_MOMENTA))
    if action == "backward":
        return Step(action, draw(_OLDEST_FIRST))
    return (
        Step(action, draw(_BATCHES))
        if action in ("train", "eval", "forward", "open", "other")
        else Step(action)
    )


def _in_order(actions: list[Action]) -> list[Action]:
    """A backward pass after its forward pass, and nothing in between that takes away what the backward pass needs."""
    forwards, ordered, late = 0, [], []
    for action in actions:
        if (action == "backward" and forwards == 0) or (action in _UPSETTING and forwards > 0):
            late.append(action)
            continue
        forwards += {"open": 1, "backward": -1}.get(action, 0)
        ordered.append(action)
    return ordered + sorted(late)


def fitted_program(
    program: tuple[Step, ...],
    capabilities: Capabilities,
    *,
    single: str,
    empty: str,
    corrected: bool,
    late: bool,
) -> tuple[Step, ...]:
    """The steps that a target can be asked; `single` and `empty` as its dialect declares them.

    One value a channel and none stay where nothing is to happen, since what else may come of them is no state to go on
    from.  Of an average that is `corrected` for its start there is no telling what another momentum makes, nor, where
    the batches are not counted, an empty one.  Where statistics move `late`, in the backward pass, no layer is left for
    another before it has come.
    """
    absent = set(OPTIONAL) - set(capabilities.actions)
    absent |= set() if capabilities.eval and capabilities.set_statistics else {"eval"}
    absent |= set() if capabilities.older_backward and capabilities.gradient else {"open", "backward"}
    # Each is one more function to compile: a forward pass alone, a backward pass alone, a batch of another shape.
    absent |= {"forward", "open", "backward"} if capabilities.compiles else set()
    absent |= {"single"} if capabilities.compiles or single != "raise" else set()
    absent |= {"empty"} if capabilities.compiles or empty not in ("raise", "keep") else set()
    absent |= {"momentum"} if corrected else set()
    absent |= {"empty"} if corrected and not capabilities.counter else set()
    steps = tuple(_fitted(step, capabilities) for step in program if step.action not in absent)
    return _with_nothing_open(steps) if late else steps


def _with_nothing_open(program: tuple[Step, ...]) -> tuple[Step, ...]:
    """Copies and new layers behind the backward passes that the layer before them still owes; without them if it never pays."""
    steps: list[Step] = []
    waiting: list[Step] = []
    owed = 0
    for step in program:
        owed = max(0, owed + {"open": 1, "backward": -1}.get(step.action, 0))
        if step.action in ("copy", "reload") and owed:
            waiting.append(step)
            continue
        steps.append(step)
        if not owed:
            steps += waiting
            waiting = []
    return tuple(steps)


def _fitted(step: Step, capabilities: Capabilities) -> Step:
    if step.action == "momentum":
        if step.value is None and not capabilities.cumulative:
            return replace(step, value=0.5)
        return step
    return replace(step, batch=step.batch % SHORTER) if capabilities.compiles else step
