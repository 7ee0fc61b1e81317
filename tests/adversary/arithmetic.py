"""Arithmetic whose every rounding error is chosen by an adversary: one row of values an assignment of all errors.

Each operation returns its exact result times 1 + u e with e in {-1, 0, 1}, the largest errors of the standard model
fl(a op b) = (a op b)(1 + d), |d| <= u (Higham 2002, eq. 2.4).  That is more than rounding to nearest can do, where an
error is at most half an ulp, u 2^k <= u |a op b|: so what holds against this adversary holds for every rounding,
and for every fused or reordered operation that it covers.  Where a bound counts the last rounding of a result at
half an ulp of its size, as it does for y and the running statistics, the adversary takes that rounding back and errs
by half an ulp too (`Tape.nearest`): a whole u |y| there is an error that no rounding to nearest makes.
Float64 holds the values: its own roundoff is 2^-41 of that of a format of 12 bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from bounds.machine import Machine, Number, Values

from bncheck.reference.formats import Array, Format

Choices = npt.NDArray[np.int8]


@dataclass(slots=True)
class Tape:
    """The errors e of all operations, (B, n), in the order in which the operations come; zeros where it has ended."""

    choices: Choices
    stored: Format
    used: int = 0
    last: tuple[Values, Values] | None = None

    def rounded(self, exact: Values) -> Values:
        """The exact results (1 or B, k) of k operations, each with the next error of its row."""
        errors = self.choices[:, self.used : self.used + exact.shape[1]].astype(np.float64)
        if errors.shape[1] < exact.shape[1]:
            errors = np.zeros((len(self.choices), exact.shape[1]))
        self.used += exact.shape[1]
        self.last = exact, errors
        return np.asarray(exact * (1 + self.stored.unit_roundoff * errors))

    def free(self, exact: Values) -> Values:
        """The results of operations that do not round."""
        self.last = exact, np.zeros((1, 1))
        return exact

    def nearest(self) -> Array:
        """The results of the last operation again, each off by half an ulp of its size at most."""
        assert self.last is not None
        exact, errors = self.last
        return np.asarray(exact + errors * self.stored.half_ulp(np.asarray(exact, dtype=np.float64)))

    def holds(self, values: Values) -> bool:
        """Whether numbers are free of rounding in the format."""
        mantissa, _ = np.frexp(values)
        scaled = np.ldexp(mantissa, self.stored.significand)
        return bool(np.all(scaled == np.rint(scaled)))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Adversary(Machine):
    """A machine that rounds as its tape says; numbers that its format holds are read as they are."""

    tape: Tape

    def number(self, values: npt.ArrayLike) -> Number:
        """`values`, wrong by a rounding unless the format holds them."""
        given = np.atleast_2d(np.asarray(values, dtype=np.float64))
        return Adverse(given if self.tape.holds(given) else self.tape.rounded(given), self)


def adversary(tape: Tape) -> Adversary:
    """The machine of a tape, on float64 values."""
    double = np.dtype(np.float64)
    return Adversary(double, double, tape=tape)


@dataclass(frozen=True, slots=True, eq=False)
class Adverse(Number):
    """An array (1 or B, k) whose operations err as its machine's tape says.

    Exact stay: a sum with the number 0, a product with a power of two given as one number, a change of sign.
    """

    def _rounded(self, exact: Values, *, free: bool = False) -> Number:
        assert isinstance(self.machine, Adversary)
        tape = self.machine.tape
        return Adverse(tape.free(exact) if free else tape.rounded(exact), self.machine)

    def __add__(self, other: Number) -> Number:
        return self._rounded(self.values + other.values, free=_is_zero(self) or _is_zero(other))

    def __sub__(self, other: Number) -> Number:
        return self + -other

    def __mul__(self, other: Number) -> Number:
        free = _is_power_of_two(self) or _is_power_of_two(other)
        return self._rounded(self.values * other.values, free=free)

    def __neg__(self) -> Number:
        return Adverse(-self.values, self.machine)

    def __truediv__(self, other: Number) -> Number:
        return self._rounded(self.values / other.values)

    def root(self) -> Number:
        """sqrt(a)."""
        return self._rounded(np.sqrt(self.values))

    def inverse_root(self) -> Number:
        """1 / sqrt(a): a root and a division."""
        return self.constant(1.0) / self.root()

    def fused(self, factor: Number, addend: Number) -> Number:
        """a * factor + addend, rounded once."""
        return self._rounded(self.values * factor.values + addend.values)

    def at_least_zero(self) -> Number:
        """max(a, 0)."""
        return Adverse(np.maximum(self.values, 0.0), self.machine)

    def columns(self, choice: slice | npt.NDArray[np.intp]) -> Number:
        """Some of the values of every row."""
        return Adverse(self.values[:, choice], self.machine)


def _is_zero(number: Number) -> bool:
    return number.values.size == 1 and bool(number.values[0, 0] == 0)


def _is_power_of_two(number: Number) -> bool:
    return number.values.size == 1 and bool(np.abs(np.frexp(number.values[0, 0])[0]) == 0.5)
