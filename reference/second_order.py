"""The oracle of second derivatives: what the inner product of dx and a direction v depends on.

With s = mean(dy), p = mean(v), c = mean(dy xc), q = mean(v xc) and h = mean(dy v) - p s, in training

    sum(v dx) = gamma m (r h - r^3 q c)

Its derivative to dy is the dx of v, for the Jacobian of x to y is symmetric; that to gamma is m (r h - r^3 q c), that
to x is gamma r^3 (xc (3 r^2 q c - h) - c (v - p) - q (dy - s)).  In evaluation sum(v dx) = gamma r sum(dy v).
Derived by hand from the dx of Ioffe and Szegedy 2015, section 3; `exact.py` has it a second time, from the Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .double import Double
from .double_double import DoubleDouble
from .formats import Array
from .oracle import Exact, N, Solver, exponent, pair
from .problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class SecondOrder:
    """The derivatives of sum(v dx) to x, (C, m), and to gamma, (C, 1)."""

    x: Exact
    gamma: Exact


def second_order(problem: Problem, direction: Array, *, double_double: bool) -> SecondOrder:
    """The exact derivatives of a problem that has dy; `direction`: v, (C, m)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        if double_double:
            return _second_order(Solver(problem, DoubleDouble), direction)
        return _second_order(Solver(problem, Double), direction)


def _second_order(solver: Solver[N], direction: Array) -> SecondOrder:
    problem, number = solver.problem, solver.number
    assert problem.dy is not None
    powers = exponent(problem.dy), exponent(direction)
    d, v = number.of(problem.dy).scaled(-powers[0]), number.of(direction).scaled(-powers[1])
    _, _, centred, root = solver.moments()
    power = powers[0] + powers[1] - solver.power
    if not problem.training:
        zero = np.zeros_like(problem.x)
        return SecondOrder(Exact(zero, zero), pair(((d * v).total() * root).scaled(power)))
    count = number.of(solver.ones * problem.count)
    s, p = d.total() / count, v.total() / count
    c, q = (d * centred).total() / count, (v * centred).total() / count
    h = ((d - s) * (v - p)).total() / count
    square = root * root
    bend = square * q * c
    slope = number.of(solver.ones * 3.0) * bend - h
    found = (centred * slope - c * (v - p) - q * (d - s)) * (square * root)
    power_of_x = power - solver.power
    if problem.gamma is not None:
        gamma_power = exponent(problem.gamma)
        found = found * number.of(problem.gamma).scaled(-gamma_power)
        power_of_x = power_of_x + gamma_power
    return SecondOrder(pair(found.scaled(power_of_x)), pair((count * root * (h - bend)).scaled(power)))
