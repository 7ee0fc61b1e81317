"""What a baseline can say of a case: a fixed set of words and numbers, read off its own fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, isnan

import numpy as np

from bncheck.case import Case, channel_major
from bncheck.layout import LAYOUTS
from bncheck.reference.formats import FORMATS

# The words that each key may name.
WORDS: Mapping[str, tuple[str, ...]] = {
    "dtype": tuple(FORMATS),
    "mode": ("train", "eval"),
    "layout": LAYOUTS,
}


def words_of(case: Case) -> dict[str, frozenset[str]]:
    """The dtype of x, the mode, and the layouts that the arrays lie in."""
    return {
        "dtype": frozenset({case.x.dtype.name}),
        "mode": frozenset({case.mode}),
        "layout": frozenset(case.layouts.values()) or frozenset({"contiguous"}),
    }


def offset(case: Case) -> float:
    """The largest |mean| of a channel over its deviation (biased): infinite for a constant one that is not 0.

    Channels with NaN or infinities are left out.
    """
    rows = channel_major(case.x)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if rows.size == 0:
        return 0.0
    # A constant channel has no deviation, whatever rounding makes of its mean.
    varied = np.ptp(rows, axis=1) > 0
    with np.errstate(all="ignore"):
        mean, deviation = np.abs(rows.mean(axis=1)), np.where(varied, rows.std(axis=1), 0.0)
        found = np.where(mean == 0, 0.0, mean / deviation)
    largest = float(found.max())
    return inf if isnan(largest) else largest


# The numbers that each key is about; None where a case has none: momentum, for the cumulative average.
NUMBERS: Mapping[str, Callable[[Case], float | None]] = {
    "rank": lambda case: case.x.ndim,
    "m": lambda case: case.count,
    "channels": lambda case: case.channels,
    "eps": lambda case: case.eps,
    "momentum": lambda case: case.momentum,
    "offset": offset,
}
KEYS = (*WORDS, *NUMBERS)


def numbers_of(case: Case) -> dict[str, float | None]:
    """Rank of x, values a channel, channels, eps, the weight of the new batch, and the offset."""
    return {key: number(case) for key, number in NUMBERS.items()}
