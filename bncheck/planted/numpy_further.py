"""Derivatives beyond the gradients of the NumPy layers, in closed form; every rule can be replaced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from bncheck.adapter import Second
from bncheck.case import Native
from bncheck.direction import Direction
from bncheck.planted.numpy_layer import Layer, Rows, Saved, average, from_rows, total


def moved(t: Rows, s: Saved) -> Rows:
    """gamma ((t - mean(t)) r - xc r^3 mean((t - mean(t)) xc)): y along t in x, and dx along it in dy."""
    apart = t - average(t)
    return np.asarray(s.gamma * (apart * s.r - s.xc * (s.r * s.r * s.r * average(apart * s.xc))))


def bent(dy: Rows, v: Rows, s: Saved) -> Rows:
    """gamma r^3 (xc (3 r^2 q c - h) - c (v - mean(v)) - q (dy - mean(dy))): how sum(v dx) depends on x."""
    c, q = average(dy * s.xc), average(v * s.xc)
    h = average(dy * v) - average(dy) * average(v)
    slope = 3 * (s.r * s.r) * q * c - h
    inner = s.xc * slope - c * (v - average(v)) - q * (dy - average(dy))
    return np.asarray(s.gamma * (s.r * s.r * s.r) * inner)


def stretched(dy: Rows, v: Rows, s: Saved) -> Rows:
    """sum(v dx / gamma): how sum(v dx) depends on gamma."""
    apart = dy - average(dy) - s.xc * (s.r * s.r * average(dy * s.xc))
    return total(v * (s.r * apart))


def image(gamma: Rows, beta: Rows, s: Saved) -> Rows:
    """gamma xhat + beta: y along a direction of gamma and beta, and how dgamma and dbeta depend on dy."""
    return np.asarray(gamma * s.xhat + beta)


@dataclass(frozen=True, slots=True)
class Rules:
    """Of rows (C, m): `tangent`, `eval_tangent` and `image` in forward mode; the others are derivatives of gradients:
    `second_dy`, `second_x` and `second_gamma` of dx, `image_dy` and `image_x` of dgamma and dbeta, and of dx where the
    statistics are constants.
    """

    tangent: Callable[[Rows, Saved], Rows] = moved
    eval_tangent: Callable[[Rows, Saved], Rows] = lambda t, s: s.gamma * s.r * t
    image: Callable[[Rows, Rows, Saved], Rows] = image
    second_dy: Callable[[Rows, Saved], Rows] = moved
    second_x: Callable[[Rows, Rows, Saved], Rows] = bent
    second_gamma: Callable[[Rows, Rows, Saved], Rows] = stretched
    image_dy: Callable[[Rows, Rows, Saved], Rows] = image
    image_x: Callable[[Rows, Saved], Rows] = moved
    eval_dy: Callable[[Rows, Saved], Rows] = lambda v, s: s.gamma * s.r * v
    eval_x: Callable[[Rows, Rows, Saved], Rows] = lambda dy, _v, _s: np.zeros_like(dy)
    eval_gamma: Callable[[Rows, Rows, Saved], Rows] = lambda dy, v, s: total(dy * v) * s.r


RULES = Rules()


def tangent_of(rules: Rules, layer: Layer, s: Saved, direction: Direction) -> Native:
    """The derivative of y along a direction, in the dtype of x."""
    t = _rows(layer, s, direction.x)
    found = (rules.tangent if s.training else rules.eval_tangent)(t, s)
    if direction.gamma is not None:
        found = found + rules.image(*_columns(s, direction), s)
    return _back(layer, s, found)


def second_of(rules: Rules, layer: Layer, s: Saved, dy: Native, direction: Direction) -> Second:
    """The derivatives of the inner product of the gradients with a direction."""
    d, v = _rows(layer, s, dy), _rows(layer, s, direction.x)
    if s.training:
        of_dy, of_x, of_gamma = rules.second_dy(v, s), rules.second_x(d, v, s), rules.second_gamma(d, v, s)
    else:
        of_dy, of_x, of_gamma = rules.eval_dy(v, s), rules.eval_x(d, v, s), rules.eval_gamma(d, v, s)
    if direction.gamma is not None:
        gamma, beta = _columns(s, direction)
        instead = replace(s, gamma=gamma)
        of_dy = of_dy + rules.image_dy(gamma, beta, s)
        of_x = of_x + (rules.image_x if s.training else rules.eval_dy)(d, instead)
    held = s.made.gamma
    return Second(
        _back(layer, s, of_dy),
        _back(layer, s, of_x),
        None if held is None else of_gamma[:, 0].astype(held.dtype),
    )


def _rows(layer: Layer, s: Saved, array: Native) -> Rows:
    return np.asarray(layer.read_dy(array, s.x, layer.axis(s.x)).astype(s.rows.dtype))


def _back(layer: Layer, s: Saved, rows: Rows) -> Native:
    return from_rows(rows, s.x.shape, layer.axis(s.x)).astype(s.x.dtype)


def _columns(s: Saved, direction: Direction) -> tuple[Rows, Rows]:
    gamma, beta = (
        np.zeros_like(s.gamma) if each is None else each.astype(s.rows.dtype).reshape(-1, 1)
        for each in (direction.gamma, direction.beta)
    )
    return gamma, beta
