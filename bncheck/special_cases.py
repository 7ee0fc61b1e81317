"""Training cases with a NaN or an infinity put into x."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from bncheck.case import Case, Native

SPECIAL = (np.nan, np.inf, -np.inf)


def poisoned(case: Case) -> Case:
    """With one to three special values in one channel, or in two where another is left; which ones, x itself says."""
    x, number = case.x.copy(), crc32(case.x.tobytes())
    spoiled = [number % case.channels]
    if case.channels > 2 and number // 7 % 4 == 0:
        spoiled.append((spoiled[0] + 1) % case.channels)
    for channel in spoiled:
        for turn in range((1, 1, 1, 2, 3)[number // 11 % 5]):
            _put(x, channel, (number // 13 + 5 * turn) % case.count, SPECIAL[(number // 17 + turn) % 3])
    return case.changed(x=x)


def _put(x: Native, channel: int, position: int, value: float) -> None:
    """In the value of that number of a channel."""
    first, *rest = (int(each) for each in np.unravel_index(position, (x.shape[0], *x.shape[2:])))
    x[(first, channel, *rest)] = value
