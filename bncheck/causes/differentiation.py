"""Differentiation: the derivatives of a layer's forward pass as it is, by central differences in extended precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Case, Native, channel_major
from bncheck.causes.observation import Fact, Facts
from bncheck.errors import ImplementationCrashed
from bncheck.evaluation import caught, configured, placed, prepared
from bncheck.outcome import FURTHER
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.reference.formats import dtype_of

GRADIENTS = frozenset({"dx", "dgamma", "dbeta"})
DERIVATIVES = GRADIENTS | frozenset(FURTHER)
# Each number takes two forward passes or four, twice as many for each of them where it is differentiated twice, so that
# larger cases are left undecided.
LARGEST, LARGEST_TWICE = 200, 50
# In units of the deviation.  The truncation is of the second power of the step, of four points of the fourth; the
# rounding is the unit of extended precision over the step, and over its square for a second derivative.
STEP, STEP_TWICE, STEP_OF_FOUR = 2.0**-20, 2.0**-15, 2.0**-14

Wide = NDArray[np.longdouble]


def derivatives(made: NumpyLayerAdapter, case: Case) -> Facts:
    """dx, dgamma and dbeta of sum(dy y), in the dtypes of the case, and the derivatives of y and of them along a direction.

    None of a program or a large case, nor of one with a constant channel, where a root has no derivative, or on which
    the layer raises; second derivatives have not the digits that float64 asks for.
    """
    if case.program or case.x.size > LARGEST or case.steps > 1 or not _is_smooth(case):
        return {}
    forward = _Forward(made, case)
    try:
        with caught(), np.errstate(all="ignore"):
            found = dict(_gradients(forward)) | dict(_further(forward))
    except ImplementationCrashed:
        return {}
    return {name: _stored(name, values, case) for name, values in found.items()}


def _stored(name: str, values: Wide, case: Case) -> Fact:
    parameters = dtype_of(case.formats[1].name)
    return values.astype(parameters if name in ("dgamma", "dbeta", "second_gamma") else case.x.dtype)


def _is_smooth(case: Case) -> bool:
    """Whether there are numbers, all of them finite, and no channel of a training batch is constant."""
    values = channel_major(case.x)
    return values.size > 0 and bool(
        np.isfinite(values).all() and not (case.training and (np.ptp(values, axis=1) == 0).any())
    )


@dataclass(frozen=True, slots=True)
class _Forward:
    """The forward pass of a case, other numbers in place of some of its arrays."""

    made: NumpyLayerAdapter
    case: Case

    def numbers(self, name: str) -> Wide:
        """An array of the case."""
        return np.asarray(getattr(self.case, name).astype(np.longdouble))

    def y(self, **changed: Wide) -> Wide:
        """y."""
        case = self.case.changed(**({"x": self.numbers("x")} | changed))
        handle = prepared(self.made, case, configured(case, "cpu"))
        y: Native = self.made.forward(handle, placed(self.made, case, "x"), case.training)
        return np.asarray(y.astype(np.longdouble))

    def tangent(self, step: float, **changed: Wide) -> Wide:
        """The derivative of y along the direction of the case."""
        direction = self.case.direction
        assert direction is not None
        along = {
            name: part for name, part in zip(direction._fields, direction, strict=True) if part is not None
        }
        start = {name: changed.get(name, self.numbers(name)) for name in along}
        return self.slope(
            lambda h: self.y(**(changed | {name: start[name] + h * part for name, part in along.items()})),
            step,
        )

    @property
    def step(self) -> float:
        """float64 asks for the digits that two points do not give."""
        return STEP_OF_FOUR if self.case.x.dtype == np.float64 else STEP

    def slope(self, value: Callable[[float], Wide], step: float) -> Wide:
        """(f(h) - f(-h)) / 2 h, or (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h."""
        near = value(step) - value(-step)
        if self.case.x.dtype != np.float64:
            return np.asarray(near / (2 * step))
        far = value(2 * step) - value(-2 * step)
        return np.asarray((8 * near - far) / (12 * step))

    def scale(self, name: str) -> float:
        """That of an array, 1 where it does not vary."""
        return float(np.std(self.numbers(name))) or 1.0


def _gradients(forward: _Forward) -> Iterator[tuple[str, Wide]]:
    if forward.case.dy is None:
        return
    names = {"dx": "x"}
    if forward.case.affine:
        names |= {"dgamma": "gamma", "dbeta": "beta"}
    for gradient, name in names.items():
        yield gradient, _of_each(forward, name, lambda changed: forward.y(**changed), forward.step)


def _further(forward: _Forward) -> Iterator[tuple[str, Wide]]:
    """Those of dx along the direction are those of sum(dy tangent)."""
    case = forward.case
    if case.direction is None:
        return
    step = forward.scale("x") / (float(np.abs(case.direction.x).max()) or 1.0)
    tangent = forward.tangent(forward.step * step)
    yield "tangent", tangent
    if case.dy is None:
        return
    yield "second_dy", tangent
    if case.x.size > LARGEST_TWICE or case.x.dtype == np.float64:
        return
    for again, name in (("second_x", "x"), ("second_gamma", "gamma")):
        if getattr(case, name) is not None:
            yield (
                again,
                _of_each(
                    forward, name, lambda changed: forward.tangent(STEP_TWICE * step, **changed), STEP_TWICE
                ),
            )


def _of_each(forward: _Forward, name: str, value: Callable[[dict[str, Wide]], Wide], step: float) -> Wide:
    """The derivative of sum(dy value) to each number of an array."""
    numbers, dy, size = forward.numbers(name), forward.numbers("dy"), step * forward.scale(name)
    found = np.empty(numbers.shape, np.longdouble)
    for index in np.ndindex(numbers.shape):

        def moved(h: float, index: tuple[int, ...] = index) -> Wide:
            changed = numbers.copy()
            changed[index] += h
            return value({name: changed})

        found[index] = (dy * forward.slope(moved, size)).sum()
    return found
