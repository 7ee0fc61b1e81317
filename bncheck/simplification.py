"""Simplification: what a case can be made simpler by, the boldest proposals first, and how simple a case is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from bncheck.capabilities import Capabilities
from bncheck.case import Case, Native, channel_major, from_channel_major
from bncheck.shapes import LADDER, fitted_shape

EPS = (1.0, 0.5, 0.1, 1e-2, 1e-3, 1e-5)
MOMENTA = (0.5, 1.0, 0.1)
ROUND = (0.0, 1.0, -1.0, 2.0, -2.0)
VECTORS = {"beta": 0.0, "gamma": 1.0, "running_mean": 0.0, "running_var": 1.0}
# Elements are looked at one by one in arrays up to this size.
FEW = 32
# Positions of an axis that show most failures.
TINY = 4

# Steps of training that leave something out, which the whole of one mostly shows as well.
HALVES = ("forward", "open")

Complexity = tuple[int, int, int, int, float]


def complexity(case: Case) -> Complexity:
    """How hard a case is to read: elements, rank, steps, layouts, then the digits of all its numbers."""
    arrays = [case.x, *(array for array in (case.dy, *_vectors(case).values()) if array is not None)]
    digits = _digits([array.reshape(-1) for array in arrays])
    numbers = (
        _rank(case.eps, EPS) + (0 if case.momentum is None else _rank(case.momentum, MOMENTA)) + case.batches
    )
    program = sum(
        1
        + step.batch / 64
        + (0 if step.value is None else _rank(step.value, MOMENTA) / 64)
        + (step.action in HALVES) / 64
        for step in case.program
    )
    return case.x.size, case.x.ndim, case.steps, len(case.layouts), digits + numbers + 8 * program


def _digits(arrays: Sequence[Native]) -> float:
    """0 for 0, 1 for 1, 2 for a small whole number, 3 for a dyadic one; more for the rest, less where it is near 1, and a
    sixteenth for a sign.
    """
    signed = np.concatenate(arrays, dtype=np.float64, casting="unsafe")
    values = np.abs(signed)
    whole, sixteenths, small = values == np.round(values), values * 16, values < 16
    dyadic = sixteenths == np.round(sixteenths)
    cost = np.where(whole & (values < 1e5), 4.0, 6.0)
    cost[dyadic & small], cost[whole & small] = 3.0, 2.0
    cost[signed == 1], cost[values == 0] = 1.0, 0.0
    far = np.abs(np.log2(np.where((values > 0) & np.isfinite(values), values, 1.0))) / 4096
    found = cost + far + (np.signbit(signed) & ~np.isnan(signed)) / 16
    ends = np.cumsum([array.size for array in arrays])
    return sum(float(np.sum(each)) for each in np.split(found, ends[:-1]))


def _rank(number: float, order: tuple[float, ...]) -> int:
    return order.index(number) if number in order else len(order) + 1


def _vectors(case: Case) -> dict[str, Native | None]:
    return {name: getattr(case, name) for name in VECTORS}


def proposals(case: Case, capabilities: Capabilities) -> Iterator[Case]:
    """Simpler cases to try, most of them no longer a counterexample."""
    yield from (_ladder(case) if capabilities.compiles else _shapes(case, capabilities, fine=False))
    yield from _sparse(case)
    yield from _programs(case)
    yield from _layouts(case)
    yield from _numbers(case)
    yield from _whole_vectors(case)
    yield from _whole_arrays(case)
    if not capabilities.compiles:
        yield from _shapes(case, capabilities, fine=True)
    if case.x.size <= FEW:
        yield from _elements(case)


def _shapes(case: Case, capabilities: Capabilities, *, fine: bool) -> Iterator[Case]:
    flat = (case.count, case.channels)
    lowest = fitted_shape(flat, (min(capabilities.ranks),))
    if not fine and lowest != case.x.shape and len(lowest) <= case.x.ndim:
        yield case.reshaped(lowest)
    for axis in range(case.x.ndim):
        if axis != 1 or capabilities.channels is None:
            yield from _shorter(case, axis, fine=fine)


def _shorter(case: Case, axis: int, *, fine: bool) -> Iterator[Case]:
    """The first few positions of an axis; without a half of it, a quarter; `fine`: an eighth, ..., each one, of a long axis
    the first or the last alone (Zeller and Hildebrandt 2002).

    Most failures survive the first step, which saves the way down to it where every failure costs a process.
    """
    length = case.x.shape[axis]
    if not fine and length > 2 * TINY and (axis == 1 or case.count // length * TINY >= 2):
        yield _taken(case, axis, np.arange(TINY))
    size = length // 2
    while size >= 1:
        starts = [] if fine == (4 * size >= length) else list(range(0, length, size))
        for start in starts if len(starts) <= FEW else (starts[0], starts[-1]):
            kept = np.r_[0:start, min(start + size, length) : length]
            if len(kept) and (axis == 1 or case.count // length * len(kept) >= min(2, case.count)):
                yield _taken(case, axis, kept)
        size //= 2


def _taken(case: Case, axis: int, kept: Native) -> Case:
    x = np.take(case.x, kept, axis=axis)
    dy = None if case.dy is None else np.take(case.dy, kept, axis=axis)
    vectors = _vectors(case)
    if axis == 1:
        vectors = {name: None if vector is None else vector[kept] for name, vector in vectors.items()}
    return case.changed(x=x, dy=dy, **vectors)


def _ladder(case: Case) -> Iterator[Case]:
    """The first values of the first channels in a smaller shape of the fixed ladder, which is compiled already."""
    rows = channel_major(case.x), None if case.dy is None else channel_major(case.dy)
    for plan in sorted(LADDER, key=lambda plan: prod(plan.shape)):
        channels, count = plan.shape[1], prod(plan.shape) // plan.shape[1]
        if prod(plan.shape) < case.x.size and channels <= case.channels and count <= case.count:
            yield case.changed(
                x=from_channel_major(rows[0][:channels, :count], plan.shape, case.x.dtype),
                dy=None
                if rows[1] is None
                else from_channel_major(rows[1][:channels, :count], plan.shape, case.x.dtype),
                **{
                    name: None if vector is None else vector[:channels]
                    for name, vector in _vectors(case).items()
                },
            )


def _programs(case: Case) -> Iterator[Case]:
    """Without a half of the steps, a quarter, ..., each single one; then the first batch, whole steps, and round momenta."""
    size = len(case.program) // 2
    while size >= 1:
        for start in range(0, len(case.program), size):
            kept = (*case.program[:start], *case.program[start + size :])
            if kept:
                yield case.changed(program=kept)
        size //= 2
    for number, step in enumerate(case.program):
        simpler = [replace(step, batch=batch) for batch in range(min(step.batch, 2))]
        if step.action in HALVES and not any(each.action == "backward" for each in case.program):
            simpler.append(replace(step, action="train"))
        if step.value is not None:
            simpler += [replace(step, value=value) for value in MOMENTA[: _rank(step.value, MOMENTA)]]
        for other in simpler:
            yield case.changed(program=(*case.program[:number], other, *case.program[number + 1 :]))


def _layouts(case: Case) -> Iterator[Case]:
    """With none, with one alone, and without one."""
    alone = ({name: layout} for name, layout in case.layouts.items())
    without = (
        {other: case.layouts[other] for other in case.layouts if other != name} for name in case.layouts
    )
    for layouts in ({}, *alone, *without):
        if len(layouts) < len(case.layouts):
            yield case.changed(layouts=layouts)


def _numbers(case: Case) -> Iterator[Case]:
    for steps in range(1, case.steps):
        yield case.changed(steps=steps)
    if case.eps > 0:
        for eps in EPS[: _rank(case.eps, EPS)]:
            yield case.changed(eps=eps)
    if case.momentum is not None:
        for momentum in MOMENTA[: _rank(case.momentum, MOMENTA)]:
            yield case.changed(momentum=momentum)
    for batches in range(case.batches):
        yield case.changed(batches=batches)


def _sparse(case: Case) -> Iterator[Case]:
    """Of a large array the last value of each channel alone, which short tails, blocks and indices lose."""
    for name in ("x", "dy"):
        array = getattr(case, name)
        if array is not None and array.size > FEW:
            for value in (1.0, 0.1):
                sparse = np.zeros_like(array)
                sparse[(-1, slice(None), *(-1,) * (array.ndim - 2))] = value
                yield case.changed(**{name: sparse})


def _whole_vectors(case: Case) -> Iterator[Case]:
    for name, plain in VECTORS.items():
        vector = getattr(case, name)
        if vector is not None:
            yield case.changed(**{name: np.full_like(vector, plain)})
            yield case.changed(**{name: _rounded(vector)})


def _whole_arrays(case: Case) -> Iterator[Case]:
    """x and dy around zero, of size 1, on whole numbers."""
    for name in ("x", "dy"):
        array = getattr(case, name)
        if array is None or array.size == 0:
            continue
        values = array.astype(np.float64)
        size = np.max(np.abs(values), initial=0.0)
        yield case.changed(**{name: _rounded(array)})
        finite = values[np.isfinite(values)]
        middle = np.round(np.mean(finite)) if finite.size else 0.0
        yield case.changed(**{name: (values - middle).astype(array.dtype)})
        if np.isfinite(size) and size > 0:
            scaled = np.ldexp(values, 3 - np.frexp(size)[1])
            yield case.changed(**{name: scaled.astype(array.dtype)})
            yield case.changed(**{name: np.round(scaled).astype(array.dtype)})
            yield case.changed(**{name: np.sign(values).astype(array.dtype)})


def _rounded(array: Native) -> Native:
    """Whole numbers, and 0 for -0."""
    return np.asarray((np.round(array.astype(np.float64)) + 0.0).astype(array.dtype))


def _elements(case: Case) -> Iterator[Case]:
    """One element at a time, to a round number near or far."""
    for name in ("x", "dy", *VECTORS):
        array = getattr(case, name)
        if array is None:
            continue
        for index in np.ndindex(array.shape):
            for value in (
                *ROUND,
                float(np.round(float(array[index]))),
                float(np.round(float(array[index]) * 4) / 4),
            ):
                if value != float(array[index]) and not (name == "running_var" and value < 0):
                    changed = array.copy()
                    changed[index] = value
                    yield case.changed(**{name: changed})
