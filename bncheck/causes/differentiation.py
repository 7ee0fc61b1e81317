"""Differentiation: the gradients of a layer's forward pass as it is, by central differences in extended precision."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Case, Native, channel_major
from bncheck.causes.observation import Facts
from bncheck.errors import ImplementationCrashed
from bncheck.evaluation import caught, configured, placed, prepared
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.reference.formats import dtype_of

GRADIENTS = frozenset({"dx", "dgamma", "dbeta"})
# Each number takes four forward passes, so that larger cases are left undecided.
LARGEST = 200
# In units of the deviation; of four points the truncation is of the fourth power, the rounding of the unit of extended precision.
STEP = 2.0**-14

Wide = NDArray[np.longdouble]


def derivatives(made: NumpyLayerAdapter, case: Case) -> Facts:
    """dx, dgamma and dbeta of sum(dy y), in the dtypes of the case; none of a program or a large case.

    Nor of one with a constant channel, where a root has no derivative, or on which the layer raises.
    """
    if case.program or case.dy is None or case.x.size > LARGEST or case.steps > 1 or not _is_smooth(case):
        return {}
    names = {"dx": "x"}
    if case.gamma is not None and case.beta is not None:
        names |= {"dgamma": "gamma", "dbeta": "beta"}
    try:
        with caught():
            found = {gradient: _Loss(made, case, name).slopes() for gradient, name in names.items()}
    except ImplementationCrashed:
        return {}
    parameters = dtype_of(case.formats[1].name)
    return {
        name: values.astype(case.x.dtype if name == "dx" else parameters) for name, values in found.items()
    }


def _is_smooth(case: Case) -> bool:
    """Whether there are numbers, all of them finite, and no channel of a training batch is constant."""
    values = channel_major(case.x)
    return values.size > 0 and bool(
        np.isfinite(values).all() and not (case.training and (np.ptp(values, axis=1) == 0).any())
    )


@dataclass(frozen=True, slots=True)
class _Loss:
    """sum(dy y) as a function of the array `name` of a case."""

    made: NumpyLayerAdapter
    case: Case
    name: str

    def slopes(self) -> Wide:
        """(8 (L(h) - L(-h)) - (L(2h) - L(-2h))) / 12 h for each number of the array."""
        values = getattr(self.case, self.name).astype(np.longdouble)
        found = np.empty(values.shape, np.longdouble)
        scale = float(np.std(values)) or 1.0
        for index in np.ndindex(values.shape):
            step = STEP * scale
            near, far = (self._difference(values, index, times * step) for times in (1, 2))
            found[index] = (8 * near - far) / (12 * step)
        return found

    def _difference(self, values: Wide, index: tuple[int, ...], step: float) -> np.longdouble:
        up, down = values.copy(), values.copy()
        up[index] += step
        down[index] -= step
        assert self.case.dy is not None
        return np.longdouble((self.case.dy.astype(np.longdouble) * (self._y(up) - self._y(down))).sum())

    def _y(self, values: Wide) -> Native:
        changed = self.case.changed(**{"x": self.case.x.astype(np.longdouble), self.name: values})
        handle = prepared(self.made, changed, configured(changed, "cpu"))
        with np.errstate(all="ignore"):
            return self.made.forward(handle, placed(self.made, changed, "x"), self.case.training)
