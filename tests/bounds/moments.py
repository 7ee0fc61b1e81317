"""Batch mean and biased batch variance, (C, m) to (C, 1) each, by every algorithm that real code uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from .machine import Number
from .sums import Sum, compensated

Moments: TypeAlias = Callable[[Number, Sum], tuple[Number, Number]]


def two_pass(x: Number, total: Sum) -> tuple[Number, Number]:
    """mean, then mean((x - mean)^2)."""
    m = x.constant(x.count)
    mean = total(x) / m
    centred = x - mean
    return mean, total(centred * centred) / m


def by_reciprocal(x: Number, total: Sum) -> tuple[Number, Number]:
    """Two-pass, multiplied by a rounded 1/m."""
    share = x.constant(1.0) / x.constant(x.count)
    mean = total(x) * share
    centred = x - mean
    return mean, total(centred * centred) * share


def around_stored(x: Number, total: Sum) -> tuple[Number, Number]:
    """Two-pass around the mean as it is stored, which may be in half precision."""
    m = x.constant(x.count)
    mean = (total(x) / m).kept()
    centred = x - mean
    return mean, total(centred * centred) / m


def compensated_two_pass(x: Number, total: Sum) -> tuple[Number, Number]:
    """Two-pass over Kahan's sum; the given one is not used."""
    del total
    return two_pass(x, compensated)


def corrected_two_pass(x: Number, total: Sum) -> tuple[Number, Number]:
    """max(0, mean(d^2) - mean(d)^2) for d = x - mean (Chan, Golub and LeVeque 1983, eq. 1.7)."""
    m = x.constant(x.count)
    mean = total(x) / m
    centred = x - mean
    rest = total(centred)
    return mean, ((total(centred * centred) - rest * rest / m) / m).at_least_zero()


def one_pass(x: Number, total: Sum) -> tuple[Number, Number]:
    """max(0, mean(x^2) - mean^2)."""
    m = x.constant(x.count)
    mean = total(x) / m
    return mean, (total(x * x) / m - mean * mean).at_least_zero()


def unclipped(x: Number, total: Sum) -> tuple[Number, Number]:
    """mean(x^2) - mean^2, below zero where rounding takes it."""
    m = x.constant(x.count)
    mean = total(x) / m
    return mean, total(x * x) / m - mean * mean


def welford(x: Number, total: Sum) -> tuple[Number, Number]:
    """Value by value (Welford 1962): mean_k = mean_(k-1) + d/k, M2_k = M2_(k-1) + d (x_k - mean_k)."""
    del total
    mean, squares = x.columns(slice(0, 1)), x.constant(0.0)
    for k in range(1, x.count):
        value = x.columns(slice(k, k + 1))
        distance = value - mean
        mean = mean + distance / x.constant(k + 1)
        squares = squares + distance * (value - mean)
    return mean, squares / x.constant(x.count)


def chan(x: Number, total: Sum) -> tuple[Number, Number]:
    """Halves merged by a balanced tree (Chan, Golub and LeVeque 1983, eq. 2.1)."""
    del total
    mean, squares, counts = x, x - x, np.ones(x.count)
    while mean.count > 1:
        even = mean.count // 2 * 2
        left, right = slice(0, even, 2), slice(1, even, 2)
        both = counts[left] + counts[right]
        distance = mean.columns(right) - mean.columns(left)
        share = x.machine.number((counts[right] / both)[None, :])
        weight = x.machine.number((counts[left] * counts[right] / both)[None, :])
        merged = mean.columns(left) + distance * share
        grown = squares.columns(left) + squares.columns(right) + distance * distance * weight
        mean = _appended(merged, mean.columns(slice(even, None)))
        squares = _appended(grown, squares.columns(slice(even, None)))
        counts = np.concatenate([both, counts[even:]])
    return mean, squares / x.constant(x.count)


def _appended(head: Number, tail: Number) -> Number:
    return replace(head, values=np.concatenate([head.values, tail.values], axis=1))
