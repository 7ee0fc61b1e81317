"""Ball arithmetic: a value in double-double and how far a computation in a given format may be from it.

A ball holds every number that rounding can make of an expression: its middle is what exact arithmetic answers, its
radius a running error bound (Higham 2002, section 3.3; Wilkinson).  Each operation carries the radii of its operands
to first and second order and adds one rounding of the largest result, u (|middle| + radius), and an underflow.
Nothing about the expression is known but its operations: where one quantity enters twice, as the mean in
(x - mean)^2, its errors are taken as two, which is what an analytic bound can better.
The radii themselves are rounded, by 2^-50 an operation; `OUTWARD` covers that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import Array, Format

OUTWARD = 1.0 + 2.0**-48


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """Numbers within `radius` of `middle`, elementwise, computed in the format `stored`; arrays (C, m) or (C, 1)."""

    middle: DoubleDouble
    radius: Array
    stored: Format

    @staticmethod
    def of(values: Array, stored: Format) -> Ball:
        """Exactly `values`."""
        middle = DoubleDouble.of(values)
        return Ball(middle, np.zeros_like(middle.hi), stored)

    def constant(self, value: float) -> Ball:
        """A number that the format may have to round."""
        exact = Ball.of(np.full((1, 1), value), self.stored)
        return exact if self._holds(value) else exact.rounded()

    def _holds(self, value: float) -> bool:
        scaled = np.ldexp(np.frexp(value)[0], self.stored.significand)
        return bool(scaled == np.rint(scaled))

    @property
    def magnitude(self) -> Array:
        """The largest |number| of the ball."""
        return np.abs(self.middle.hi) + self.radius

    def rounded(self) -> Ball:
        """What remains after one rounding."""
        tiny = self.stored.underflow_error(flush_to_zero=False)
        return replace(
            self, radius=(self.radius + self.stored.unit_roundoff * self.magnitude) * OUTWARD + tiny
        )

    def nearest(self) -> Ball:
        """What remains after one rounding to nearest: half an ulp of the largest number."""
        return replace(self, radius=(self.radius + self.stored.half_ulp(self.magnitude)) * OUTWARD)

    def __add__(self, other: Ball) -> Ball:
        return self.plus(other).rounded()

    def plus(self, other: Ball) -> Ball:
        """The sum before it is rounded."""
        return Ball(self.middle + other.middle, self.radius + other.radius, self.stored)

    def __neg__(self) -> Ball:
        return replace(self, middle=-self.middle)

    def __sub__(self, other: Ball) -> Ball:
        return self + -other

    def __mul__(self, other: Ball) -> Ball:
        radius = np.abs(self.middle.hi) * other.radius + self.radius * other.magnitude
        return Ball(self.middle * other.middle, radius, self.stored).rounded()

    def __truediv__(self, other: Ball) -> Ball:
        """a / b; infinite where the divisor may be 0."""
        quotient, smallest = self.middle / other.middle, np.abs(other.middle.hi) - other.radius
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = (self.radius + np.abs(quotient.hi) * other.radius) / smallest
        return Ball(quotient, np.where(smallest > 0, radius, np.inf), self.stored).rounded()

    def inverse_root(self, *, lowest: Array) -> Ball:
        """1 / sqrt(a), rounded twice, for an a that is known to be at least `lowest` > 0 whatever its radius says."""
        root = self.middle.inverse_root()
        low, high = np.maximum(self.middle.hi - self.radius, lowest), self.middle.hi + self.radius
        up, down = 1 / np.sqrt(low) - root.hi, root.hi - 1 / np.sqrt(high)
        # Both differences cancel: what float64 may lose of them is added, or the steepest slope taken, which does not.
        direct = np.maximum(np.maximum(up, down), 0.0) + 2.0**-51 / np.sqrt(low)
        radius = np.minimum(direct, self.radius / (2 * low * np.sqrt(low)) * OUTWARD)
        return Ball(root, radius, self.stored).rounded().rounded()

    def at_least_zero(self) -> Ball:
        """max(a, 0) for an a whose exact value is not negative: no number moves away from the middle."""
        return self

    def total(self, *, tree: bool = False) -> Ball:
        """The sum over the last axis, kept with length 1: any order, (m - 1) roundings a term, or a binary tree."""
        count = self.middle.hi.shape[-1]
        depth = int(np.ceil(np.log2(count))) if tree else count - 1
        carried = np.sum(self.radius, axis=-1, keepdims=True)
        size = np.sum(self.magnitude, axis=-1, keepdims=True)
        product = depth * self.stored.unit_roundoff
        growth = product / (1 - product) if product < 1 else np.inf
        underflow = count * self.stored.underflow_error(flush_to_zero=False)
        return Ball(self.middle.total(), (carried + growth * size) * OUTWARD + underflow, self.stored)

    def column(self, index: int) -> Ball:
        """One value of every row, (C, 1)."""
        chosen = slice(index, index + 1)
        middle = DoubleDouble(self.middle.hi[:, chosen], self.middle.lo[:, chosen])
        return Ball(middle, self.radius[:, chosen], self.stored)
