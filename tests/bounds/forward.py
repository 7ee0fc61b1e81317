"""From statistics to y, and to the running statistics, in the forms that real code uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .machine import Number


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What the normalisation reads, (C, 1) each; `w` = variance + eps, `r` = 1 / sqrt(w)."""

    mean: Number
    variance: Number
    w: Number
    r: Number
    gamma: Number
    beta: Number


Normalise: TypeAlias = Callable[[Number, Statistics], Number]
Update: TypeAlias = Callable[[Number, Number, float], Number]


def scaled_last(x: Number, s: Statistics) -> Number:
    """gamma ((x - mean) r) + beta."""
    return s.gamma * ((x - s.mean) * s.r) + s.beta


def scaled_first(x: Number, s: Statistics) -> Number:
    """(x - mean)(gamma r) + beta."""
    return (x - s.mean) * (s.gamma * s.r) + s.beta


def divided(x: Number, s: Statistics) -> Number:
    """gamma ((x - mean) / sqrt(w)) + beta."""
    return s.gamma * ((x - s.mean) / s.w.root()) + s.beta


def divided_last(x: Number, s: Statistics) -> Number:
    """gamma (x - mean) / sqrt(w) + beta."""
    return s.gamma * (x - s.mean) / s.w.root() + s.beta


def centred_fused(x: Number, s: Statistics) -> Number:
    """(x - mean)(gamma r) + beta, the last two operations rounded once."""
    return (x - s.mean).fused(s.gamma * s.r, s.beta)


def folded(x: Number, s: Statistics) -> Number:
    """a x + b, a = gamma r, b = beta - mean a."""
    a = s.gamma * s.r
    return a * x + (s.beta - s.mean * a)


def folded_fused(x: Number, s: Statistics) -> Number:
    """a x + b, with fused multiplications in both places."""
    a = s.gamma * s.r
    return x.fused(a, (-s.mean).fused(a, s.beta))


def normalised(x: Number, s: Statistics) -> Number:
    """gamma (x r - mean r) + beta."""
    return s.gamma * (x * s.r - s.mean * s.r) + s.beta


def by_rest(old: Number, statistic: Number, weight: float) -> Number:
    """(1 - w) old + w stat, where w was given."""
    w = old.constant(weight)
    return (old.constant(1.0) - w) * old + w * statistic


def by_decay(old: Number, statistic: Number, weight: float) -> Number:
    """k old + (1 - k) stat, where the weight k of the old statistics was given."""
    k = old.constant(1.0 - weight)
    return k * old + (old.constant(1.0) - k) * statistic


def by_step(old: Number, statistic: Number, weight: float) -> Number:
    """old + w (stat - old)."""
    return old + old.constant(weight) * (statistic - old)


def by_step_back(old: Number, statistic: Number, weight: float) -> Number:
    """old - (1 - k)(old - stat), as moving averages with a decay k are written."""
    k = old.constant(1.0 - weight)
    return old - (old.constant(1.0) - k) * (old - statistic)
