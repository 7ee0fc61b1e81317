"""Numbers and arrays as Python source, exact: read back they have the same bits."""

from __future__ import annotations

from itertools import groupby
from math import isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A line of a script has room for an array of so many characters; a longer one is written flat, with what repeats counted.
ROOM = 88


def number(value: float, dtype: np.dtype[Any]) -> str:
    """The shortest decimal that float64 and then `dtype` round to `value`; nan, inf and -inf by name.

    The narrow formats are written out in full: a framework may round a Python number to them by way of float32.
    """
    if not isfinite(value):
        return "nan" if isnan(value) else "inf" if value > 0 else "-inf"
    if dtype == np.float32:
        for digits in range(1, 10):
            told = float(f"{value:.{digits}g}")
            with np.errstate(over="ignore"):  # few digits may lie above the largest number
                found = float(np.float32(told))
            if found == value:
                return repr(told)
    return repr(value)


def listed(array: NDArray[Any]) -> tuple[str, bool]:
    """The numbers of an array as lists in lists; flat, and said to be so, where those have no room in a line."""
    nested = _nested(array.astype(np.float64), array.dtype)
    if len(nested) <= ROOM or array.ndim == 0:
        return nested, False
    return _runs(array.reshape(-1)), True


def _nested(values: NDArray[Any], dtype: np.dtype[Any]) -> str:
    if values.ndim == 0:
        return number(float(values), dtype)
    return f"[{', '.join(_nested(each, dtype) for each in values)}]"


def _runs(flat: NDArray[Any]) -> str:
    """[0.0] * 31 + [1.0] for what repeats."""
    words = [number(float(each), flat.dtype) for each in flat]
    parts: list[str] = []
    single: list[str] = []
    for word, same in groupby(words):
        count = len(list(same))
        if count < 4:
            single += [word] * count
            continue
        parts += [f"[{', '.join(single)}]"] if single else []
        single = []
        parts.append(f"[{word}] * {count}")
    parts += [f"[{', '.join(single)}]"] if single else []
    return " + ".join(parts) or "[]"


def rounded_up(allowed: float) -> str:
    """Three digits, not below `allowed`."""
    told = float(f"{allowed:.3g}")
    return repr(told if told >= allowed else float(f"{allowed * 1.005:.3g}"))


def shape_of(array: NDArray[Any]) -> str:
    """(2, 3), (2,) and so on."""
    return repr(tuple(int(each) for each in array.shape))
