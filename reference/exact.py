"""The exact evaluation: decimal arithmetic of 80 digits on the very numbers of a problem, written a second time.

Slow (a few microseconds an element) and without overflow; it shares no arithmetic with `oracle.py`.
Source: Ioffe and Szegedy 2015, Algorithms 1 and 2 and section 3, the backward pass staged node by node there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np

from .formats import Array
from .oracle import Exact
from .problem import Debias, Problem

DIGITS = 80
_CONTEXT = Context(prec=DIGITS, Emax=999999, Emin=-999999)


def solve_exactly(problem: Problem) -> dict[str, Exact]:
    """Quantity name to exact value, for every quantity that `problem` has; names as in `oracle.Truth`."""
    with localcontext(_CONTEXT):
        rows = [_channel(problem, index) for index in range(problem.x.shape[0])]
        return {name: _pairs([row[name] for row in rows]) for name in rows[0]}


def _channel(problem: Problem, index: int) -> dict[str, list[Decimal]]:
    x = [Decimal(float(value)) for value in problem.x[index]]
    gamma, beta = _number(problem.gamma, index), _number(problem.beta, index)
    old_mean, old_var = _number(problem.running_mean, index), _number(problem.running_var, index)
    if problem.training:
        mean = sum(x, Decimal(0)) / len(x)
        variance = sum(((value - mean) ** 2 for value in x), Decimal(0)) / len(x)
    else:
        assert old_mean is not None and old_var is not None
        mean, variance = old_mean, old_var
    deviation = (variance + Decimal(problem.eps)).sqrt()
    xhat = [(value - mean) / deviation for value in x]
    scale, shift = Decimal(1) if gamma is None else gamma, Decimal(0) if beta is None else beta
    found = {"y": [scale * value + shift for value in xhat]}
    if old_mean is not None and old_var is not None:
        found["running_mean"] = [_average(problem, old_mean, mean)]
        found["running_var"] = [_average(problem, old_var, variance * _decimal(problem.bessel))]
    if problem.dy is not None:
        dy = [Decimal(float(value)) for value in problem.dy[index]]
        found |= _backward(dy, x=x, mean=mean, deviation=deviation, scale=scale, training=problem.training)
        for name, parameter in (("dgamma", gamma), ("dbeta", beta)):
            if parameter is None:
                del found[name]
    return found


def _average(problem: Problem, old: Decimal, statistic: Decimal) -> Decimal:
    """One running update after another, as the definition says."""
    if not problem.training:
        return old
    if problem.debias is not None:
        return _corrected(problem.debias, old, statistic, steps=len(problem.weights))
    for weight in problem.weights:
        new = _decimal(weight)
        old = (1 - new) * old + new * statistic
    return old


def _corrected(debias: Debias, old: Decimal, statistic: Decimal, *, steps: int) -> Decimal:
    """By the average that starts at zero: back to it, the steps, and corrected again (Kingma and Ba 2015, section 3)."""
    weight = _decimal(debias.weight)
    hidden = old * (1 - (1 - weight) ** debias.seen) if debias.seen else Decimal(0)
    for _ in range(steps):
        hidden = (1 - weight) * hidden + weight * statistic
    return hidden / (1 - (1 - weight) ** (debias.seen + steps))


def _backward(
    dy: Sequence[Decimal],
    *,
    x: Sequence[Decimal],
    mean: Decimal,
    deviation: Decimal,
    scale: Decimal,
    training: bool,
) -> dict[str, list[Decimal]]:
    """The chain rule through xhat, variance and mean in turn (Ioffe and Szegedy 2015, section 3)."""
    m = len(x)
    dxhat = [scale * value for value in dy]
    dx = [value / deviation for value in dxhat]
    if training:
        dvar = (
            sum((g * (a - mean) for g, a in zip(dxhat, x, strict=True)), Decimal(0)) * (-(deviation**-3)) / 2
        )
        dmean = -sum(dxhat, Decimal(0)) / deviation + dvar * sum((-2 * (a - mean) for a in x), Decimal(0)) / m
        dx = [value + dvar * 2 * (a - mean) / m + dmean / m for value, a in zip(dx, x, strict=True)]
    xhat = [(value - mean) / deviation for value in x]
    dgamma = sum((g * h for g, h in zip(dy, xhat, strict=True)), Decimal(0))
    return {"dx": dx, "dgamma": [dgamma], "dbeta": [sum(dy, Decimal(0))]}


def _number(column: Array | None, index: int) -> Decimal | None:
    return None if column is None else Decimal(float(column[index, 0]))


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _pairs(rows: list[list[Decimal]]) -> Exact:
    high = np.array([[float(value) for value in row] for row in rows])
    low = np.array(
        [
            [
                float(value - Decimal(h)) if np.isfinite(h) else 0.0
                for value, h in zip(row, highs, strict=True)
            ]
            for row, highs in zip(rows, high.tolist(), strict=True)
        ]
    )
    return Exact(high, low)


def second_order_exactly(problem: Problem, direction: Array) -> dict[str, Exact]:
    """The derivatives of sum(v dx) to x and gamma, name by name as in `second_order.SecondOrder`.

    From the second derivatives of y itself: with w = var + eps, y_j depends on x_k and x_i by
    - ((delta_jk - 1/m) xc_i + (delta_ji - 1/m) xc_k + (delta_ik - 1/m) xc_j) / (m w^(3/2)) + 3 xc_i xc_j xc_k / (m^2 w^(5/2)).
    """
    with localcontext(_CONTEXT):
        rows = [_second_channel(problem, direction, index) for index in range(problem.x.shape[0])]
        return {name: _pairs([row[name] for row in rows]) for name in rows[0]}


def _second_channel(problem: Problem, direction: Array, index: int) -> dict[str, list[Decimal]]:
    assert problem.dy is not None
    x, dy, v = (
        [Decimal(float(value)) for value in array[index]] for array in (problem.x, problem.dy, direction)
    )
    gamma, m = _number(problem.gamma, index), len(x)
    dx = _direct_dx(problem, index, x, dy)
    along = {"gamma": [sum((a * b for a, b in zip(v, dx, strict=True)), Decimal(0))]}
    if not problem.training:
        return {"x": [Decimal(0)] * m, **along}
    mean = sum(x, Decimal(0)) / m
    xc = [value - mean for value in x]
    w = sum((value * value for value in xc), Decimal(0)) / m + Decimal(problem.eps)
    root, places = w.sqrt(), range(m)
    apart = [[Decimal(int(i == j)) - Decimal(1) / m for j in places] for i in places]
    straight, cubic = Decimal(1) / (m * w * root), Decimal(3) / (m * m * w * w * root)

    def bent(j: int, k: int, i: int) -> Decimal:
        first = apart[j][k] * xc[i] + apart[j][i] * xc[k] + apart[i][k] * xc[j]
        return cubic * xc[i] * xc[j] * xc[k] - straight * first

    scale = Decimal(1) if gamma is None else gamma
    found = [scale * sum(dy[j] * v[k] * bent(j, k, i) for j in places for k in places) for i in places]
    return {"x": found, **along}


def _direct_dx(problem: Problem, index: int, x: list[Decimal], dy: list[Decimal]) -> list[Decimal]:
    """dx for gamma 1."""
    given_mean, given_var = _number(problem.running_mean, index), _number(problem.running_var, index)
    mean, variance = sum(x, Decimal(0)) / len(x), Decimal(0)
    if problem.training:
        variance = sum(((value - mean) ** 2 for value in x), Decimal(0)) / len(x)
    else:
        assert given_mean is not None and given_var is not None
        mean, variance = given_mean, given_var
    deviation = (variance + Decimal(problem.eps)).sqrt()
    found = _backward(dy, x=x, mean=mean, deviation=deviation, scale=Decimal(1), training=problem.training)
    return found["dx"]
