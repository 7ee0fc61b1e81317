"""Matching: whether what a layer gives is what an implementation gave, up to the rounding errors of both.

A cause has no derived error bound of its own.  How far two sound computations of what it does may lie apart is
observed: the layer runs once in the arithmetic of the implementation and once in a wider one, and their difference is
one rounding error of this very formula on these very numbers.  Another order of the same operations errs by a few of
them.  Where the oracle has a bound for the quantity, the same error relative to what the cause gives is let pass too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Native
from bncheck.causes.observation import Fact, Facts
from bncheck.causes.row import Row, Wide, rows
from bncheck.reference.formats import FORMATS, Array

# Rounding errors that another order of the same operations may add up to, in units of the one that is observed.
ORDERS = 8
# Roundings of the largest number of a channel that no formula goes without.
ROUNDINGS = 4
# Of elements that pass through a narrow format, one in so many may lie close enough to a tie to be rounded otherwise.
TIES = 8
# Where nothing is let pass, what there is exceeds it.
LEAST = 2.0**-1000


class Match(NamedTuple):
    """Whether a fact is reproduced.  `used`: the largest share of the error that is let pass which there is, 1 bit for bit.

    `derived`: not by what the layer gives, but by the bounds of its class.
    """

    fits: bool
    used: float = 0.0
    derived: bool = False


class Run(NamedTuple):
    """What a layer gave on a probe: `facts` in the implementation's arithmetic, `wide` in a wider one."""

    facts: Facts
    wide: Facts


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """How far a sound layer may lie from the truth, by the names of facts where there is a bound."""

    by_name: Mapping[str, Wide] = field(default_factory=dict)
    _rows: dict[int, tuple[Row, Wide]] = field(default_factory=dict)

    def of(self, row: Row) -> Wide:
        """Those of the arrays of a row, which is kept, so that its identity stays its own."""
        if id(row) not in self._rows:
            self._rows[id(row)] = row, row.limits_of(self.by_name)
        return self._rows[id(row)][1]


def matches(actual: Facts, run: Run, limits: Limits, rounds_to: str | None) -> dict[str, Match]:
    """Every fact of the implementation that the layer has too; one that raises is compared by that alone."""
    if actual.get("raised") or run.facts.get("raised"):
        return {"raised": Match(actual.get("raised") == run.facts.get("raised"))}
    shared = [name for name in actual if name in run.facts]
    alike = {
        name: value for name in shared if (value := _alike_in_kind(actual[name], run.facts[name])) is not None
    }
    found = {name: _of_plain(actual[name], run.facts[name]) for name in shared if name not in alike}
    for row in rows(tuple((name, value.shape, value.dtype) for name, value in alike.items())):
        found |= _of_row(row, actual, run, limits, rounds_to)
    return {name: found[name] for name in shared}


def _alike_in_kind(actual: Fact, given: Fact) -> Native | None:
    """An array where both are, of one shape and dtype, and have numbers."""
    if not isinstance(actual, np.ndarray) or not isinstance(given, np.ndarray):
        return None
    same = actual.shape == given.shape and actual.dtype == given.dtype
    return actual if same and actual.size else None


def _of_plain(actual: Fact, given: Fact) -> Match:
    """What is no array, or has no number, or another shape or dtype."""
    if not isinstance(actual, np.ndarray) or not isinstance(given, np.ndarray):
        return Match(bool(np.array_equal(actual, given)))
    return Match(fits=actual.shape == given.shape and actual.dtype == given.dtype)


def _of_row(row: Row, actual: Facts, run: Run, limits: Limits, rounds_to: str | None) -> dict[str, Match]:
    """Number by number; where the layer overflows in one arithmetic alone, nothing is concluded."""
    own, ours = row.of(actual), row.of(run.facts)
    exact = ours if run.wide is run.facts else row.of({name: _reference(run, name) for name in row.places})
    with np.errstate(all="ignore"):
        error = np.where((own == exact) | (own == ours), 0, np.abs(own - exact))
        allowed = np.maximum(_allowed(row, ours, exact), limits.of(row))
        same = np.where(np.isfinite(own) & np.isfinite(exact), error <= allowed, _alike(own, ours))
        missed = ~same & _alike(ours, exact)
        shares = np.where((own == ours) & (ours != exact), 1, error / np.maximum(allowed, LEAST))
    used = np.maximum.reduceat(np.where(np.isfinite(shares), shares, 0), row.starts)
    if exact is ours:
        equal = (own == ours) | (np.isnan(own) & np.isnan(ours))
        used = np.where(np.logical_and.reduceat(equal, row.starts), 1, used)
    fits = ~np.logical_or.reduceat(missed, row.starts)
    if rounds_to is not None and not fits.all():
        step = row.largest_of_channels(_finite(exact)) * (2 * FORMATS[rounds_to].unit_roundoff)
        near = error <= step + allowed
        fits = fits | [_near_ties(missed[place], near[place]) for place in row.places.values()]
    return {
        name: Match(fitting, share)
        for name, fitting, share in zip(
            row.places, fits.tolist(), used.astype(np.float64).tolist(), strict=True
        )
    }


def _reference(run: Run, name: str) -> Fact:
    """What the wider arithmetic gives, where it gives an array of the same shape."""
    given, wide = run.facts[name], run.wide.get(name)
    assert isinstance(given, np.ndarray)
    return wide if isinstance(wide, np.ndarray) and wide.shape == given.shape else given


def _allowed(row: Row, ours: Wide, exact: Wide) -> Wide:
    """One rounding on the way out, some of the largest number of the channel, and the error that was observed."""
    finite = _finite(exact)
    noise = np.abs(ours - exact)
    noise = np.where(np.isfinite(noise), noise, 0)
    out = 2 * row.rounding * finite + row.smallest
    base = ROUNDINGS * row.computing * finite
    return np.asarray(out + row.largest_of_channels(base + ORDERS * noise))


def _finite(values: Wide) -> Wide:
    return np.where(np.isfinite(values), np.abs(values), 0)


def _alike(one: Wide, other: Wide) -> NDArray[np.bool_]:
    """Both finite, both NaN, or the same infinity."""
    finite = np.isfinite(one) & np.isfinite(other)
    return np.asarray(finite | (np.isnan(one) & np.isnan(other)) | (one == other))


def _near_ties(missed: NDArray[np.bool_], near: NDArray[np.bool_]) -> bool:
    """Whether what is missed of an array is rare, and no further off than one rounding to the narrow format."""
    return int(missed.sum()) <= max(1, missed.size // TIES) and bool(near[missed].all())


def within(actual: Array, exact: Array, error: Array, largest: Array) -> Match | None:
    """Rows within derived bounds, not finite where the exact ones are not.  None where any is outside."""
    bounded = np.isfinite(exact)
    fits = np.where(bounded, (error <= largest) | np.isinf(largest), _alike(actual, exact))
    shares = np.where(bounded & np.isfinite(largest), error / np.maximum(largest, LEAST), 0)
    return Match(fits=True, used=float(np.max(shares, initial=0.0)), derived=True) if fits.all() else None
