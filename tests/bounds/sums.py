"""Sums of the values of every channel, (C, m) to (C, 1), in the orders that real code uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from .machine import Number

Sum: TypeAlias = Callable[[Number], Number]


def sequential(terms: Number) -> Number:
    """((t1 + t2) + t3) + ..."""
    if terms.machine.flush:
        total = terms.columns(slice(0, 1))
        for k in range(1, terms.count):
            total = total + terms.columns(slice(k, k + 1))
        return total
    return terms.machine.number(np.add.accumulate(terms.values, axis=1)[:, -1:])


def backwards(terms: Number) -> Number:
    """The last term first."""
    return sequential(terms.columns(slice(None, None, -1)))


def shuffled(terms: Number) -> Number:
    """An order that nobody promised: atomic additions."""
    return sequential(terms.columns(terms.machine.random.permutation(terms.count)))


def blocked(terms: Number) -> Number:
    """Eight partial sums, as vector registers hold them."""
    partial = [sequential(terms.columns(slice(start, None, 8))) for start in range(min(8, terms.count))]
    return sequential(replace(terms, values=np.concatenate([each.values for each in partial], axis=1)))


def pairwise(terms: Number) -> Number:
    """A balanced tree: ceil(log2 m) additions on every path."""
    while terms.count > 1:
        even, last = terms.count // 2 * 2, terms.values[:, terms.count // 2 * 2 :]
        paired = terms.columns(slice(0, even, 2)) + terms.columns(slice(1, even, 2))
        terms = replace(paired, values=np.concatenate([paired.values, last], axis=1))
    return terms


def compensated(terms: Number) -> Number:
    """Kahan's sum: what every addition loses is added to the next term."""
    total, lost = terms.columns(slice(0, 1)), terms.constant(0.0)
    for k in range(1, terms.count):
        term = terms.columns(slice(k, k + 1)) - lost
        grown = total + term
        total, lost = grown, (grown - total) - term
    return total


def in_double(terms: Number) -> Number:
    """Sequential in a float64 accumulator, rounded at the end."""
    wide = replace(terms.machine, dtype=np.dtype(np.float64))
    return sequential(terms.on(wide)).on(terms.machine)
