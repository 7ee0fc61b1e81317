"""A comparison is a value: actual, expected, bound, what was conclusive, and the worst error in units of the bound."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, prod

import numpy as np

from bncheck.case import Native, channel_major
from bncheck.reference.bounds import Bound
from bncheck.reference.formats import Array, format_of
from bncheck.reference.oracle import Exact


@dataclass(frozen=True, slots=True)
class Elements:
    """How many elements were judged conclusively, inconclusively (bound above the signal), and not at all."""

    judged: int = 0
    inconclusive: int = 0
    not_judged: int = 0

    def __add__(self, other: Elements) -> Elements:
        return Elements(
            self.judged + other.judged,
            self.inconclusive + other.inconclusive,
            self.not_judged + other.not_judged,
        )

    @property
    def total(self) -> int:
        """All of them."""
        return self.judged + self.inconclusive + self.not_judged


@dataclass(frozen=True, slots=True)
class Worst:
    """The element with the largest error over bound, at its index in the quantity's own shape."""

    index: tuple[int, ...]
    actual: float
    expected: float
    bound: float
    error: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """`quantity` of one outcome held against what is right; `defect` says what is wrong before any number is.

    `where`: in which step of a program.
    """

    quantity: str
    elements: Elements
    worst: Worst | None = None
    defect: str | None = None
    where: str = ""

    @property
    def ratio(self) -> float:
        """Error over bound of the worst judged element; infinite for a defect, 0 where nothing was judged."""
        if self.defect is not None:
            return inf
        return 0.0 if self.worst is None else self.worst.ratio

    @property
    def fails(self) -> bool:
        """Whether an error exceeds its bound, or something is wrong before any number is."""
        return self.ratio > 1.0

    @property
    def decides(self) -> bool:
        """Whether at least one element would have shown an error as large as the signal."""
        return self.fails or self.elements.judged > 0

    def message(self) -> str:
        """`y[0, 0] is -0.7071, expected -1.0000: off by 0.293, allowed 6.2e-06 (4.7e+04 times the bound)`."""
        if self.defect is not None:
            return f"{self.defect} {self.where}".rstrip()
        if self.worst is None:
            return f"{self.quantity}: no element was judged"
        at, worst = ", ".join(map(str, self.worst.index)), self.worst
        digits, place = _digits(worst), f" {self.where}" if self.where else ""
        return (
            f"{self.quantity}[{at}]{place} is {worst.actual:.{digits}g}, expected {worst.expected:.{digits}g}: "
            f"off by {worst.error:.3g}, allowed {worst.bound:.2g} ({_times(worst.ratio)} the bound)"
        )


def _digits(worst: Worst) -> int:
    """As many digits as it takes to see the two numbers differ."""
    for digits in range(5, 17):
        if f"{worst.actual:.{digits}g}" != f"{worst.expected:.{digits}g}":
            return digits
    return 17


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio < 1e6 else f"{ratio:.1e} times"


def against_truth(
    quantity: str, actual: Native | None, exact: Exact, bound: Bound, shape: tuple[int, ...]
) -> Comparison:
    """An implementation's array of native `shape` (N, C, ...) or (C,) against the exact rows and their bound."""
    defect = defect_of(quantity, actual, shape)
    if actual is None or defect is not None:
        return Comparison(quantity, Elements(), defect=defect or f"{quantity} is missing from the outcome")
    values = channel_major(actual) if actual.ndim > 1 else actual.astype(np.float64).reshape(-1, 1)
    return compare(quantity, values, exact, bound, shape)


def defect_of(quantity: str, actual: Native | None, shape: tuple[int, ...]) -> str | None:
    """What is wrong with an array before its numbers are looked at: it is missing, or its shape or type is wrong."""
    if actual is None:
        return f"{quantity} is missing from the outcome"
    if actual.shape != shape:
        return f"{quantity} has shape {actual.shape}, but should have {shape}"
    try:
        format_of(actual.dtype)
    except KeyError:
        return f"{quantity} has dtype {actual.dtype}, but should be a floating-point format"
    return None


def compare(quantity: str, values: Array, exact: Exact, bound: Bound, shape: tuple[int, ...]) -> Comparison:
    """Rows (C, m) or (C, 1) of float64 against exact rows: |actual - exact| <= bound, elementwise."""
    error = exact.error_of(values)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratio = np.where(error <= bound.largest, error / bound.largest, np.inf)
        ratio = np.where(error > bound.largest, np.maximum(error / bound.largest, 1.0 + 2**-50), ratio)
    ratio = np.where((error == 0) | np.isinf(bound.largest), 0.0, ratio)
    # One that fails is judged whatever its signal.
    conclusive = bound.judged & ((bound.largest <= bound.scale) | (ratio > 1))
    judged, inside = int(np.count_nonzero(conclusive)), int(np.count_nonzero(bound.judged))
    elements = Elements(judged, inside - judged, bound.judged.size - inside)
    if inside == 0:
        return Comparison(quantity, elements)
    row, column = divmod(int(np.argmax(np.where(bound.judged, ratio, -1.0))), values.shape[1])
    worst = Worst(
        index=native_index(row, column, shape),
        actual=float(values[row, column]),
        expected=float(exact.hi[row, column]),
        bound=float(bound.largest[row, column]),
        error=float(error[row, column]),
        ratio=float(ratio[row, column]),
    )
    return Comparison(quantity, elements, worst)


def native_index(row: int, column: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Where channel `row`, value `column` stands in an array of shape (N, C, ...) or (C,)."""
    if len(shape) == 1:
        return (row,)
    outer = (shape[0], *shape[2:])
    assert column < prod(outer)
    first, *rest = (int(number) for number in np.unravel_index(column, outer))
    return (first, row, *rest)


def same_bits(quantity: str, actual: Native | None, given: Native) -> Comparison:
    """Whether nothing was computed: the same dtype and the same bits, -0 and NaN payloads included."""
    defect = defect_of(quantity, actual, given.shape)
    if actual is None or defect is not None:
        return Comparison(quantity, Elements(), defect=defect)
    if actual.dtype != given.dtype:
        return Comparison(
            quantity,
            Elements(),
            defect=f"{quantity} has dtype {actual.dtype}, but was given as {given.dtype}",
        )
    differs = np.ascontiguousarray(actual).view(np.uint8) != np.ascontiguousarray(given).view(np.uint8)
    changed = differs.reshape(*given.shape, given.dtype.itemsize).any(axis=-1)
    elements = Elements(judged=given.size)
    if not changed.any():
        return Comparison(quantity, elements)
    index = tuple(int(number) for number in np.argwhere(changed)[0])
    was, now = float(given[index]), float(actual[index])
    return Comparison(quantity, elements, worst=Worst(index, now, was, 0.0, abs(now - was), inf))
