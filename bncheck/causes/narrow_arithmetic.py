"""Computations in a narrow format: sums, moments, the affine rule, and how statistics are moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.planted.numpy_layer import Layer, Rows, Saved, average, squares
from bncheck.reference.formats import dtype_of, format_of


def arithmetic_in(name: str, x: Native) -> np.dtype[Any]:
    """The narrower of a format and that of a sound layer's arithmetic."""
    return min(dtype_of(name), Layer().arithmetic(x), key=_digits)


def one_pass_where_narrow(layer: Layer, rows: Rows, x: Native) -> tuple[Rows, Rows]:
    """Mean and variance, in one pass where a sound layer's arithmetic is wider than that of the rows."""
    mean = layer.mean(rows)
    if rows.dtype == Layer().arithmetic(x):
        return mean, squares(rows, mean)
    return mean, np.asarray(average(rows * rows) - mean * mean)


def _digits(dtype: np.dtype[Any]) -> int:
    return format_of(dtype).significand


def narrow_sum(rows: Rows, name: str) -> Rows:
    """The sum over a channel, (C, 1), one value after the other."""
    narrow = dtype_of(name)
    return np.asarray(np.add.accumulate(rows.astype(narrow), axis=1, dtype=narrow)[:, -1:].astype(rows.dtype))


def narrow_moments(rows: Rows, name: str) -> tuple[Rows, Rows]:
    """Mean and biased variance of such sums, each (C, 1)."""
    mean = np.asarray(narrow_sum(rows, name) / rows.dtype.type(rows.shape[1]))
    return mean, np.asarray(narrow_sum((rows - mean) ** 2, name) / rows.dtype.type(rows.shape[1]))


def narrow_affine(s: Saved, name: str) -> Rows:
    """gamma xhat + beta, all of it in a narrow format."""
    narrow = dtype_of(name)
    rows, mean, r, gamma, beta = (each.astype(narrow) for each in (s.rows, s.mean, s.r, s.gamma, s.beta))
    return np.asarray((gamma * ((rows - mean) * r) + beta).astype(s.rows.dtype))


def blended(old: Rows, new: Rows, weight: Any, name: str) -> Rows:
    """(1 - w) old + w new, each operation in a narrow format, the weights made before."""
    narrow = dtype_of(name)
    kept, moved = (np.asarray(each).astype(narrow) for each in (1 - weight, weight))
    return np.asarray((kept * old.astype(narrow) + moved * new.astype(narrow)).astype(old.dtype))


def moved(old: Rows, new: Rows, weight: Any, name: str) -> Rows:
    """old + w (new - old), likewise."""
    narrow = dtype_of(name)
    before, step = old.astype(narrow), np.asarray(weight).astype(narrow)
    return np.asarray((before + step * (new.astype(narrow) - before)).astype(old.dtype))


def parts_in_dtype_of_x(dy: Rows, s: Saved) -> Rows:
    """The direct part, and that through the statistics, as a sum of two cotangents that automatic differentiation cast."""
    direct = s.gamma * s.r * dy
    through_statistics = -s.gamma * s.r * (average(dy) + s.xc * (s.r * s.r * average(dy * s.xc)))
    return np.asarray(direct.astype(s.x.dtype) + through_statistics.astype(s.x.dtype)).astype(dy.dtype)
