"""A battery of simple cases that together show every planted bug: what is observed is compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck.adapter import Adapter, State
from bncheck.case import Case, Mode
from bncheck.causes.probes import PROGRAM
from bncheck.direction import Direction
from bncheck.errors import ImplementationCrashed
from bncheck.evaluation import evaluate
from bncheck.layout import Layout
from bncheck.outcome import FURTHER, QUANTITIES
from bncheck.performance import Observation
from bncheck.performing import perform
from bncheck.reference.formats import dtype_of

SHAPES = (
    (6, 3, 2, 2),
    (5, 3),
    (3, 3, 3),
    (3, 3, 3, 3),
    (2, 3, 3, 1, 3),
    (2, 9, 3),
    (7, 6),
    (300, 2),
    (1300, 1),
    (2, 70),
    (4099, 1),
    (5, 5),
)
LAYOUTS: tuple[Layout, ...] = ("channels_last", "transposed", "offset", "step", "padded")


def simple_case(
    dtype: str = "float32",
    *,
    shape: tuple[int, ...] = (6, 3, 2, 2),
    mode: Mode = "train",
    offset: float = 1.0,
    scale: float = 2.0,
    **changes: Any,
) -> Case:
    """Ordinary numbers, another in every place."""
    random, x_dtype = np.random.default_rng(7), dtype_of(dtype)
    parameters = dtype_of("float64" if dtype == "float64" else "float32")

    def vector(low: float, high: float) -> NDArray[Any]:
        return random.uniform(low, high, shape[1]).astype(parameters)

    case = Case(
        x=(random.normal(size=shape) * scale + offset).astype(x_dtype),
        dy=random.normal(size=shape).astype(x_dtype),
        gamma=vector(0.5, 2),
        beta=vector(-1, 1),
        running_mean=vector(-1, 1) + parameters.type(offset),
        running_var=vector(0.5, 2),
        eps=3e-2,
        momentum=0.3,
        mode=mode,
    )
    return case.changed(**changes)


def battery(dtype: str, ranks: tuple[int, ...], *, few: bool = False) -> Iterator[Case]:
    """Shapes, small and large numbers, special values, parameters, and layouts, in training and in evaluation.

    `few`: of one shape alone.
    """
    modes: tuple[Mode, ...] = ("train", "eval")
    shapes = [shape for shape in SHAPES if len(shape) in ranks][: 1 if few else None]
    plain = shapes[0]
    for mode in modes:
        yield from (simple_case(dtype, shape=shape, mode=mode) for shape in shapes)
        for changes in _changes(plain[1]):
            yield simple_case(dtype, shape=plain, mode=mode, **changes)
        yield simple_case(dtype, shape=plain, mode=mode, scale=1e-3)
        yield simple_case(dtype, shape=plain, mode=mode, scale=1e-3, eps=1e-8)
        yield simple_case(dtype, shape=plain, mode=mode, offset=300, scale=400)
        yield simple_case(dtype, shape=plain, mode=mode, offset=5000)
        if not few:
            yield simple_case(dtype, shape=(1, *plain[1:2], *(1,) * (len(plain) - 2)), mode="eval")
        if not few:
            yield from _directed(simple_case(dtype, shape=plain, mode=mode))
        for value in (np.nan, np.inf, 1.0):
            case = simple_case(dtype, shape=plain, mode=mode)
            x = np.array(case.x)
            x[0 if value != 1 else slice(None), 0] = value
            yield case.changed(x=x)


def _directed(case: Case) -> Iterator[Case]:
    """Along x, along gamma and beta, and the gradients differentiated along both at once."""
    v, still = np.array(case.x[::-1]), np.zeros_like(case.x)
    yield case.changed(dy=None, direction=Direction(v))
    yield case.changed(dy=None, direction=Direction(still, case.beta, case.gamma))
    yield case.changed(direction=Direction(v))
    yield case.changed(direction=Direction(still, case.beta, case.gamma))


def _changes(channels: int) -> Iterator[dict[str, Any]]:
    absent: dict[str, Any] = {"gamma": None, "beta": None}
    yield from (
        {},
        absent,
        {"momentum": None, "batches": 4},
        {"momentum": 0.0},
        {"momentum": 0.1},
        {"momentum": 0.12345},
        {"momentum": 0.9},
    )
    yield {"gamma": np.array([-1.5, 0.0, *(0.7,) * (channels - 2)], np.float32)} if channels > 1 else {}
    yield {"running_var": np.full(channels, 1e6, np.float32)}
    yield {"steps": 4}


def laid_out(dtype: str, ranks: tuple[int, ...]) -> Iterator[Case]:
    """Every array in each layout."""
    shape = next(shape for shape in SHAPES if len(shape) in ranks)
    names = ("x", "dy", "gamma", "beta", "running_mean", "running_var")
    for layout in LAYOUTS:
        for mode in ("train", "eval"):
            for name in names:
                yield simple_case(dtype, shape=shape, mode=mode, layouts={name: layout})


NOT_OFFERED = ("not offered",)


def seen(adapter: Adapter, case: Case) -> tuple[object, ...]:
    """All that one evaluation shows, or what it raises; NOT_OFFERED for derivatives that are not."""
    offered = adapter.capabilities
    if case.direction is not None and not (offered.forward_mode if case.dy is None else offered.second_order):
        return NOT_OFFERED
    try:
        outcome = evaluate(adapter, case, device="cpu")
    except ImplementationCrashed as crash:
        return (type(crash),)
    found = (outcome.quantity(name) for name in (*QUANTITIES, *FURTHER))
    return (*map(_bits, found), outcome.batches, outcome.side_effects)


def shown(adapter: Adapter, case: Case) -> tuple[object, ...]:
    """All that a program shows, or what it raises."""
    actions = adapter.capabilities.actions
    kept = tuple(step for step in PROGRAM if step.action not in _OPTIONAL or step.action in actions)
    try:
        performance = perform(adapter, replace(case, program=kept), device="cpu")
    except ImplementationCrashed as crash:
        return (type(crash),)
    return (_state(performance.made), *(_observed(each) for each in performance.observations))


_OPTIONAL = ("momentum", "reset", "copy", "reload", "move")


def _observed(each: Observation) -> tuple[object, ...]:
    left = None if each.left is None else _state(each.left)
    arrays = (_bits(array) for array in (each.y, each.dx, each.dgamma, each.dbeta))
    return (_state(each.state), *arrays, each.error is None, each.kept, left)


def _state(state: State) -> tuple[object, ...]:
    return _bits(state.mean), _bits(state.var), state.batches


def _bits(array: NDArray[Any] | None) -> object:
    return None if array is None else (array.dtype.name, array.shape, array.tobytes())
