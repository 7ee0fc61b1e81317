"""A simulated machine: numbers that round after every operation, flush to zero and divide as loosely as told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import format_of

Values: TypeAlias = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """Arithmetic in `dtype`, to nearest; batch statistics are kept in `storage` between computation and use.

    `flush`: subnormal results become zero.  `loose`: division and reciprocal root err by up to 2 ulp.
    `random`: the order of events that a machine does not promise.
    """

    dtype: np.dtype[np.generic]
    storage: np.dtype[np.generic]
    flush: bool = False
    loose: bool = False
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def number(self, values: npt.ArrayLike) -> Number:
        """`values`, rounded."""
        rounded = np.asarray(values).astype(self.dtype)
        if self.flush:
            smallest = format_of(self.dtype).smallest_normal
            rounded = np.where(np.abs(rounded) < smallest, np.zeros_like(rounded), rounded)
        return Number(rounded, self)

    def loosened(self, wide: Values) -> Values:
        """`wide` moved by up to 1.5 ulp of `dtype`, less what its own format has lost; rounding adds half an ulp."""
        reach = 1.5 * (1 - float(np.finfo(wide.dtype).eps) / (2 * format_of(self.dtype).unit_roundoff))
        ulp = np.spacing(np.abs(wide).astype(self.dtype)).astype(wide.dtype)
        moved = wide + self.random.uniform(-reach, reach, wide.shape).astype(wide.dtype) * ulp
        return np.where(np.isfinite(moved), moved, wide)

    @property
    def wide(self) -> np.dtype[np.generic]:
        """A format with digits to spare, where the platform has one."""
        return np.dtype(np.longdouble if self.dtype == np.float64 else np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """An array whose operations round as its machine does."""

    values: Values
    machine: Machine

    def __add__(self, other: Number) -> Number:
        return self.machine.number(self.values + other.values)

    def __sub__(self, other: Number) -> Number:
        return self.machine.number(self.values - other.values)

    def __mul__(self, other: Number) -> Number:
        return self.machine.number(self.values * other.values)

    def __neg__(self) -> Number:
        return Number(-self.values, self.machine)

    def __truediv__(self, other: Number) -> Number:
        machine = self.machine
        if not machine.loose:
            return machine.number(self.values / other.values)
        return machine.number(
            machine.loosened(self.values.astype(machine.wide) / other.values.astype(machine.wide))
        )

    def root(self) -> Number:
        """sqrt(a), rounded once."""
        return self.machine.number(np.sqrt(self.values))

    def inverse_root(self) -> Number:
        """1 / sqrt(a): a root and a division, or one operation of a loose machine."""
        if not self.machine.loose:
            return self.constant(1.0) / self.root()
        return self.machine.number(self.machine.loosened(1 / np.sqrt(self.values.astype(self.machine.wide))))

    def fused(self, factor: Number, addend: Number) -> Number:
        """a * factor + addend, rounded once: from the exact product and an accurate sum."""
        wide = [DoubleDouble.of(each.values.astype(np.float64)) for each in (self, factor, addend)]
        once = (wide[0] * wide[1] + wide[2]).hi
        twice = self.values * factor.values + addend.values  # where splitting overflows
        return self.machine.number(np.where(np.isfinite(once), once, twice))

    def at_least_zero(self) -> Number:
        """max(a, 0)."""
        return Number(np.maximum(self.values, np.zeros_like(self.values)), self.machine)

    def constant(self, value: float) -> Number:
        """`value`, rounded, on the same machine."""
        return self.machine.number(np.full((1, 1), value))

    def on(self, machine: Machine) -> Number:
        """The same values, rounded to another machine's format."""
        return machine.number(self.values)

    def stored(self, dtype: np.dtype[np.generic]) -> Number:
        """Written to memory in `dtype` and read back."""
        return self.machine.number(self.values.astype(dtype))

    def kept(self) -> Number:
        """A batch statistic, written to memory and read back."""
        return self.stored(self.machine.storage)

    def columns(self, choice: slice | npt.NDArray[np.intp]) -> Number:
        """Some of the values of every channel."""
        return Number(self.values[:, choice], self.machine)

    @property
    def count(self) -> int:
        """Values in a channel."""
        return int(self.values.shape[1])
