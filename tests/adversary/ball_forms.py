"""Batch normalization over balls: the largest errors of each form, found without any analysis of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bncheck.reference.formats import Array, Format
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Variance

from .balls import Ball

Moments: TypeAlias = Callable[[Ball], tuple[Ball, Ball]]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """What the normalisation reads: mean, variance, r = 1 / sqrt(variance + eps), gamma and beta, (C, 1) each."""

    mean: Ball
    variance: Ball
    r: Ball
    gamma: Ball
    beta: Ball


def two_pass(x: Ball) -> tuple[Ball, Ball]:
    """mean, then mean((x - mean)^2)."""
    m = x.constant(x.middle.hi.shape[-1])
    mean = x.total() / m
    centred = x - mean
    return mean, (centred * centred).total() / m


def welford(x: Ball) -> tuple[Ball, Ball]:
    """mean_k = mean_(k-1) + d/k, M2_k = M2_(k-1) + d (x_k - mean_k)."""
    count = x.middle.hi.shape[-1]
    mean, squares = x.column(0), Ball.of(np.zeros_like(x.column(0).middle.hi), x.stored)
    for k in range(1, count):
        distance = x.column(k) - mean
        mean = mean + distance / x.constant(k + 1)
        squares = squares + distance * (x.column(k) - mean)
    return mean, squares / x.constant(count)


def by_reciprocal(x: Ball) -> tuple[Ball, Ball]:
    """Two-pass, multiplied by a rounded 1/m."""
    share = x.constant(1.0) / x.constant(x.middle.hi.shape[-1])
    mean = x.total() * share
    centred = x - mean
    return mean, (centred * centred).total() * share


def one_pass(x: Ball) -> tuple[Ball, Ball]:
    """max(0, mean(x^2) - mean^2)."""
    m = x.constant(x.middle.hi.shape[-1])
    mean = x.total() / m
    return mean, ((x * x).total() / m - mean * mean).at_least_zero()


def statistics(problem: Problem, moments: Moments, stored: Format) -> Statistics:
    """Of the batch; a computed variance is never negative."""
    assert problem.gamma is not None
    assert problem.beta is not None
    mean, variance = moments(Ball.of(problem.x, stored))
    w = variance + variance.constant(problem.eps)
    lowest = np.full_like(w.radius, problem.eps * (1 - 3 * stored.unit_roundoff))
    root = w.inverse_root(lowest=lowest)
    return Statistics(mean, variance, root, Ball.of(problem.gamma, stored), Ball.of(problem.beta, stored))


def centred(x: Ball, s: Statistics) -> Ball:
    """gamma ((x - mean) r) + beta."""
    return (s.gamma * ((x - s.mean) * s.r)).plus(s.beta).nearest()


def by_rest(old: Ball, statistic: Ball, weight: float) -> Ball:
    """(1 - w) old + w stat."""
    w = statistic.constant(weight)
    return ((statistic.constant(1.0) - w) * old).plus(w * statistic).nearest()


def by_step(old: Ball, statistic: Ball, weight: float) -> Ball:
    """old + w (stat - old)."""
    return old.plus(statistic.constant(weight) * (statistic - old)).nearest()


def closed_form(dy: Ball, x: Ball, s: Statistics) -> dict[str, Ball]:
    """gamma r (dy - mean(dy) - (x - mean) r^2 mean(dy (x - mean))), and the two sums."""
    m, distance = x.constant(x.middle.hi.shape[-1]), x - s.mean
    dot, dbeta = (dy * distance).total(), dy.total()
    slope = dot / m * s.r * s.r
    dx = (dy - dbeta / m - distance * slope) * (s.r * s.gamma)
    return {"dx": dx, "dgamma": dot * s.r, "dbeta": dbeta}


def differentiated(dy: Ball, x: Ball, s: Statistics) -> dict[str, Ball]:
    """Reverse mode through gamma ((x - mean) r) + beta and mean((x - mean)^2): x - mean is summed again."""
    m, distance = x.constant(x.middle.hi.shape[-1]), x - s.mean
    dxhat = dy * s.gamma
    slope = -((dxhat * distance).total() * (s.r * s.r * s.r)) / m
    from_variance, from_output = distance * slope, dxhat * s.r
    dmean = -from_output.total() - from_variance.total()
    dx = from_output + from_variance + dmean / m
    return {"dx": dx, "dgamma": (dy * (distance * s.r)).total(), "dbeta": dy.total()}


CLASSES: dict[Variance, tuple[Moments, ...]] = {
    "two_pass": (two_pass, by_reciprocal),
    "stable": (two_pass, by_reciprocal, welford),
    "one_pass": (two_pass, by_reciprocal, welford, one_pass),
}


def ball_bounds(problem: Problem, stored: Format, moments: Moments) -> dict[str, Array]:
    """Quantity name to the largest radius that any form gives it, (C, m) or (C, 1), in training."""
    assert problem.running_mean is not None
    assert problem.running_var is not None
    assert problem.dy is not None
    s, weight = statistics(problem, moments, stored), float(problem.weights[0])
    x, dy = Ball.of(problem.x, stored), Ball.of(problem.dy, stored)
    old = Ball.of(problem.running_mean, stored), Ball.of(problem.running_var, stored)
    unbiased = s.variance if problem.biased else s.variance * s.variance.constant(float(problem.bessel))
    forms = [{"y": centred(x, s)}] + [
        {"running_mean": update(old[0], s.mean, weight), "running_var": update(old[1], unbiased, weight)}
        for update in (by_rest, by_step)
    ]
    return _largest([*forms, *(backward(dy, x, s) for backward in (closed_form, differentiated))])


def class_bounds(problem: Problem, stored: Format, variance: Variance) -> dict[str, Array]:
    """The largest radii over the algorithms of a class, the affine form being the centred one."""
    found: dict[str, Array] = {}
    for radii in (ball_bounds(problem, stored, moments) for moments in CLASSES[variance]):
        found = {name: np.maximum(radius, found.get(name, 0.0)) for name, radius in radii.items()}
    return found


def _largest(forms: Sequence[dict[str, Ball]]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for form in forms:
        found |= {name: np.maximum(ball.radius, found.get(name, 0.0)) for name, ball in form.items()}
    return found
