"""Matching: whether what a layer gives is what an implementation gave, up to the rounding errors of both.

A cause has no derived error bound of its own.  How far two sound computations of what it does may lie apart is
observed: the layer runs once in the arithmetic of the implementation and once in a wider one, and their difference is
one rounding error of this very formula on these very numbers.  Another order of the same operations errs by a few of
them.  Where the oracle has a bound for the quantity, the same error relative to what the cause gives is let pass too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Native
from bncheck.causes.observation import Fact, Facts
from bncheck.reference.formats import FORMATS, Array, at_least_float32, format_of

# Rounding errors that another order of the same operations may add up to, in units of the one that is observed.
ORDERS = 8
# Roundings of the largest number of a channel that no formula goes without.
ROUNDINGS = 4
# Of elements that pass through a narrow format, one in so many may lie close enough to a tie to be rounded otherwise.
TIES = 8
# Where nothing is let pass, what there is exceeds it.
LEAST = 2.0**-1000

# float64, or extended precision for what is judged in float64.
Wide = NDArray[np.floating[Any]]


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


def matches(actual: Facts, run: Run, limits: Mapping[str, Wide], rounds_to: str | None) -> dict[str, Match]:
    """Every fact of the implementation that the layer has too; one that raises is compared by that alone."""
    if actual.get("raised") or run.facts.get("raised"):
        return {"raised": Match(actual.get("raised") == run.facts.get("raised"))}
    return {
        name: _match(value, run, name, limits.get(name), rounds_to)
        for name, value in actual.items()
        if name in run.facts
    }


def _match(actual: Fact, run: Run, name: str, limit: Wide | None, rounds_to: str | None) -> Match:
    given = run.facts[name]
    if not isinstance(actual, np.ndarray) or not isinstance(given, np.ndarray):
        return Match(bool(np.array_equal(actual, given)))
    if actual.shape != given.shape or actual.dtype != given.dtype:
        return Match(fits=False)
    wide = run.wide.get(name)
    reference = wide if isinstance(wide, np.ndarray) and wide.shape == given.shape else given
    return _arrays(actual, given, reference, limit, rounds_to)


def _arrays(
    actual: Native, given: Native, reference: Native, limit: Wide | None, rounds_to: str | None
) -> Match:
    """Elementwise; where the layer overflows in one arithmetic alone, nothing is concluded."""
    if given is reference and np.array_equal(actual, given, equal_nan=True):
        return Match(fits=True, used=1.0)
    kind = np.dtype(np.longdouble if actual.dtype == np.float64 else np.float64)
    with np.errstate(all="ignore"):
        own, ours, exact = (_in(kind, each) for each in (actual, given, reference))
        error = np.where((own == exact) | (own == ours), 0, np.abs(own - exact))
        allowed = _allowed(ours, exact, actual.dtype)
        # A layer whose state has taken another shape has no bound.
        if limit is not None and limit.shape == actual.shape:
            allowed = np.maximum(allowed, limit)
        same = np.where(np.isfinite(own) & np.isfinite(exact), error <= allowed, _alike(own, ours))
        missed = ~same & _alike(ours, exact)
        fits = not missed.any() or (
            rounds_to is not None and _near_ties(missed, error, exact, allowed, rounds_to)
        )
        shares = np.where((own == ours) & (ours != exact), 1, error / np.maximum(allowed, LEAST))
    return Match(bool(fits), float(np.max(shares, initial=0.0, where=np.isfinite(shares))))


def within(actual: Array, exact: Array, error: Array, largest: Array) -> Match | None:
    """Rows within derived bounds, not finite where the exact ones are not.  None where any is outside."""
    bounded = np.isfinite(exact)
    fits = np.where(bounded, (error <= largest) | np.isinf(largest), _alike(actual, exact))
    shares = np.where(bounded & np.isfinite(largest), error / np.maximum(largest, LEAST), 0)
    return Match(fits=True, used=float(np.max(shares, initial=0.0)), derived=True) if fits.all() else None


def _in(kind: np.dtype[Any], array: Native) -> Wide:
    return array.astype(kind)


def _alike(one: Wide, other: Wide) -> NDArray[np.bool_]:
    """Both finite, both NaN, or the same infinity."""
    finite = np.isfinite(one) & np.isfinite(other)
    return np.asarray(finite | (np.isnan(one) & np.isnan(other)) | (one == other))


def _allowed(ours: Wide, exact: Wide, dtype: np.dtype[Any]) -> Wide:
    """One rounding on the way out, some of the largest number of the channel, and the error that was observed."""
    stored = format_of(dtype)
    finite = np.where(np.isfinite(exact), np.abs(exact), 0)
    noise = np.abs(ours - exact)
    noise = np.where(np.isfinite(noise), noise, 0)
    out = 2 * stored.unit_roundoff * finite + stored.smallest_subnormal
    base = ROUNDINGS * at_least_float32(stored).unit_roundoff * finite
    return np.asarray(out + _of_channel(base + ORDERS * noise))


def _of_channel(values: Wide) -> Wide:
    """The largest of a channel, in its place; a statistic is alone in its channel."""
    if values.ndim < 2 or values.size == 0:
        return values
    axes = tuple(axis for axis in range(values.ndim) if axis != 1)
    return np.asarray(values.max(axis=axes, keepdims=True))


def _near_ties(missed: NDArray[np.bool_], error: Wide, exact: Wide, allowed: Wide, rounds_to: str) -> bool:
    """Whether what is missed is rare, and no further off than one rounding to the narrow format."""
    step = 2 * FORMATS[rounds_to].unit_roundoff * _of_channel(np.where(np.isfinite(exact), np.abs(exact), 0))
    rare = int(missed.sum()) <= max(1, missed.size // TIES)
    return rare and bool((error <= step + allowed)[missed].all())
