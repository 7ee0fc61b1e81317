"""dx, (C, m), and dgamma and dbeta, (C, 1), in the forms that real code uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from .forward import Statistics
from .machine import Number
from .sums import Sum

Gradients: TypeAlias = tuple[Number, Number, Number]
Backward: TypeAlias = Callable[[Number, Number, Statistics, Sum], Gradients]


def closed_form(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """gamma r (dy - mean(dy) - (x - mean) r^2 mean(dy (x - mean)))."""
    m, centred = x.constant(x.count), x - s.mean
    dot, dbeta = total(dy * centred), total(dy)
    slope = dot / m * s.r * s.r
    dx = (dy - dbeta / m - centred * slope) * (s.r * s.gamma)
    return dx, dot * s.r, dbeta


def projected(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """(gamma r / m)(m dy - sum(dy) - xhat sum(dy xhat))."""
    m, xhat = x.constant(x.count), (x - s.mean) * s.r
    dbeta, dgamma = total(dy), total(dy * xhat)
    return s.gamma * s.r / m * (m * dy - dbeta - xhat * dgamma), dgamma, dbeta


def staged(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """Node by node through xhat, deviation, variance and mean (Ioffe and Szegedy 2015, section 3)."""
    m, centred, dxhat = x.constant(x.count), x - s.mean, dy * s.gamma
    dscale = total(dxhat * centred)
    droot = -(dscale * s.r * s.r)
    dvariance = x.constant(0.5) * s.r * droot
    dcentred = dxhat * s.r + x.constant(2.0) * centred * (dvariance / m)
    dx = dcentred - total(dcentred) / m
    return dx, total(dy * (centred * s.r)), total(dy)


def differentiated(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """Reverse mode through gamma ((x - mean) r) + beta and mean((x - mean)^2): x - mean is summed again."""
    m, centred = x.constant(x.count), x - s.mean
    dxhat = dy * s.gamma
    dr = total(dxhat * centred)
    dvariance = dr * x.constant(-0.5) * (s.r / s.w)
    from_variance = x.constant(2.0) * centred * (dvariance / m)
    from_output = dxhat * s.r
    dmean = -total(from_output) - total(from_variance)
    return from_output + from_variance + dmean / m, total(dy * (centred * s.r)), total(dy)


def differentiated_folded(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """Reverse mode through a x + b and mean((x - mean)^2): da = sum(dy x) - mean sum(dy)."""
    m, a, dbeta = x.constant(x.count), s.gamma * s.r, total(dy)
    da = total(dy * x) - s.mean * dbeta
    dvariance = da * s.gamma * x.constant(-0.5) * (s.r * s.r * s.r)
    from_variance = (x - s.mean) * (x.constant(2.0) * dvariance / m)
    dmean = -(a * dbeta) - total(from_variance)
    return dy * a + from_variance + dmean / m, da * s.r, dbeta


def differentiated_one_pass(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """Reverse mode through (x - mean)(gamma r) + beta and max(0, mean(x^2) - mean^2), whose clip cuts the gradient."""
    m, centred, a = x.constant(x.count), x - s.mean, s.gamma * s.r
    da = total(dy * centred)
    cut = da * s.gamma * x.constant(-0.5) * (s.r / s.w)
    dvariance = replace(cut, values=np.where(s.variance.values > 0, cut.values, np.zeros_like(cut.values)))
    dmean = -total(dy * a) - x.constant(2.0) * s.mean * dvariance
    return dy * a + x * (x.constant(2.0) * dvariance / m) + dmean / m, da * s.r, total(dy)


def evaluated(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """gamma r dy: the statistics are constants."""
    return dy * (s.gamma * s.r), total(dy * ((x - s.mean) * s.r)), total(dy)


def evaluated_late(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """(gamma dy) r, and dgamma scaled after the sum."""
    return s.gamma * dy * s.r, total(dy * (x - s.mean)) * s.r, total(dy)


def evaluated_folded(dy: Number, x: Number, s: Statistics, total: Sum) -> Gradients:
    """dy a, and dgamma = (sum(dy x) - mean sum(dy)) r."""
    dbeta = total(dy)
    return dy * (s.gamma * s.r), (total(dy * x) - s.mean * dbeta) * s.r, dbeta
