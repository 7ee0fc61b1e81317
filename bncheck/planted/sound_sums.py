"""Sums of rows in every order that sound code takes them in, and the variants whose every sum is one of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bncheck.planted.bug import Sound
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Rows, Saved, total

BLOCK = 32


def _sequential(rows: Rows) -> Rows:
    return np.asarray(np.add.accumulate(rows, axis=1)[:, -1:])


def _pairwise(rows: Rows) -> Rows:
    m = rows.shape[1]
    return rows if m == 1 else np.asarray(_pairwise(rows[:, : m // 2]) + _pairwise(rows[:, m // 2 :]))


def _blocked(rows: Rows) -> Rows:
    starts = np.arange(0, rows.shape[1], BLOCK)
    return _sequential(np.add.reduceat(rows, starts, axis=1))


def _compensated(rows: Rows) -> Rows:
    """Kahan's sum: what an addition loses is given to the next one."""
    whole, lost = np.zeros_like(rows[:, 0]), np.zeros_like(rows[:, 0])
    for value in rows.T:
        term = value - lost
        more = whole + term
        lost = (more - whole) - term
        whole = more
    return np.asarray(whole[:, None])


def _in_double(rows: Rows) -> Rows:
    return np.asarray(rows.sum(axis=1, keepdims=True, dtype=np.float64).astype(rows.dtype))


def _by_product(rows: Rows) -> Rows:
    return np.asarray(rows @ np.ones((rows.shape[1], 1), rows.dtype))


def _summed(name: str, sentence: str, in_order: Callable[[Rows], Rows], **parts: Any) -> Sound:
    """The variant whose every sum is taken by one function."""

    def summed(rows: Rows) -> Rows:
        return in_order(rows) if rows.shape[1] else total(rows)

    def mean(rows: Rows) -> Rows:
        return np.asarray(summed(rows) / rows.dtype.type(rows.shape[1]))

    def dx(dy: Rows, s: Saved) -> Rows:
        return np.asarray(s.gamma * s.r * (dy - mean(dy) - s.xc * (s.r * s.r * mean(dy * s.xc))))

    def dgamma(dy: Rows, s: Saved) -> Rows:
        return np.asarray(summed(dy * s.xc) * s.r)

    def dbeta(dy: Rows, _s: Saved) -> Rows:
        return np.asarray(summed(dy))

    made = layer(
        mean=mean,
        variance=lambda rows, centre: mean((rows - centre) ** 2),
        dx=dx,
        dgamma=dgamma,
        dbeta=dbeta,
        eval_dgamma=dgamma,
        eval_dbeta=dbeta,
        **parts,
    )
    return Sound(name, sentence, made)


SUMS = (
    _summed("numpy.sequential", "Every sum in order.", _sequential),
    _summed("numpy.reversed", "Every sum in reverse order.", lambda rows: _sequential(rows[:, ::-1])),
    _summed("numpy.pairwise", "Every sum in halves.", _pairwise),
    _summed("numpy.blocked", "Every sum in blocks of 32.", _blocked),
    _summed("numpy.compensated", "Every sum with Kahan's compensation.", _compensated),
    _summed("numpy.double_accumulators", "Every sum in float64.", _in_double),
    _summed("numpy.products", "Every sum as a product with ones.", _by_product),
)
