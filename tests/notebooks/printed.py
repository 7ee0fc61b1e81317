"""Printed numbers: each stands for all that lie within half a unit of its last digit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from bncheck.case import Native
from bncheck.reference.formats import Array
from bncheck.trial import as_rows


@dataclass(frozen=True, slots=True)
class Printed:
    """`values`: in the shape they were printed in.  `half_units`: half a unit of the last digit of each."""

    values: Array
    half_units: Array

    def misses(self, actual: Native, *, allowed: Array | float = 0.0) -> list[str]:
        """Those of `actual`, of the same shape, that are off by more than half a unit and their own error.

        `allowed`: that error, as rows (C, m) or (C, 1).
        """
        assert actual.shape == self.values.shape
        rows, printed = as_rows(actual), as_rows(self.values)
        off = np.abs(rows - printed) > as_rows(self.half_units) + allowed
        return [
            f"{is_:.12g} was printed as {was:.12g}" for is_, was in zip(rows[off], printed[off], strict=True)
        ]


def printed(text: str, *, shape: tuple[int, ...] = (-1,), decimals: int | None = None) -> Printed:
    """Numbers parted by blanks.  `decimals`: where trailing zeros were left out of the print, those that it had."""
    numbers = [Decimal(word) for word in text.split()]
    exponents = [number.as_tuple().exponent if decimals is None else -decimals for number in numbers]
    values = np.array([float(number) for number in numbers])
    half_units = np.array([float(Decimal(f"0.5e{exponent}")) for exponent in exponents])
    return Printed(values.reshape(shape), half_units.reshape(shape))
