"""The oracle checked against itself: its two evaluations on fixed problems, before anything else is judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from .bounds import Bound, bounds
from .derivative_bounds import second_order_bounds
from .exact import second_order_exactly, solve_exactly
from .formats import FLOAT32, FLOAT64, Array, Format
from .oracle import Exact, Truth, solve
from .problem import Debias, Problem
from .profile import host_profile
from .second_order import second_order

# Of the bound that is judged by: both evaluations of the oracle are far more exact than that.
SHARE = 2.0**-20


class OracleDisagreement(Exception):
    """The two evaluations of the oracle differ by more than `SHARE` of the bound; the message says where."""


def check_oracle_against_itself() -> int:
    """How many numbers were compared; raises OracleDisagreement."""
    compared = 0
    for stored in (FLOAT64, FLOAT32):
        for problem in problems(stored):
            truth = solve(problem, double_double=stored == FLOAT64)
            compared += _compare(problem, truth, stored)
            compared += _compare_second_order(problem, truth, stored)
    return compared


def problems(stored: Format) -> Iterator[Problem]:
    """Fixed problems whose numbers fit the format: m from 2 to 17, offsets to 1e4 deviations, both modes, and averages
    that are corrected for a start at zero after batches from the first to the sixth.
    """
    average = Debias(Fraction(0.1), 0)
    for problem in _plain(stored):
        yield problem
        if problem.training and problem.count in (2, 3):
            debias = replace(average, seen=0 if problem.count == 2 else 4)
            yield replace(problem, weights=debias.weights(2), debias=debias)


def _plain(stored: Format) -> Iterator[Problem]:
    for count in (2, 3, 8, 17):
        for training in (True, False):
            column = np.arange(1.0, 6.0)[:, None]
            walk = np.cos(column * np.arange(1, count + 1) ** 2)
            yield Problem(
                x=_fit(walk * 4.0 ** (column - 3) + 10.0**column * (column > 2), stored),
                dy=_fit(np.sin(3 * walk + column), stored),
                gamma=_fit(column - 2.5, stored),
                beta=_fit(1 / column, stored),
                running_mean=_fit(10.0**column * (column > 2), stored),
                running_var=_fit(4.0**column / 64, stored),
                eps=1e-3,
                training=training,
                weights=(Fraction(1, 3), Fraction(0.1)) if training else (),
            )


def _fit(values: Array, stored: Format) -> Array:
    """Numbers with at most the significand of a format, whatever the last bits of cos and sin on this machine."""
    step = np.ldexp(1.0, np.frexp(values)[1] - min(stored.significand, 40))
    return np.asarray(np.round(values / step) * step)


def _compare(problem: Problem, truth: Truth, stored: Format) -> int:
    limits = bounds(problem, truth, host_profile(stored, stored, stored))
    compared = 0
    for name, exact in solve_exactly(problem).items():
        if name in limits:
            compared += _hold(name, getattr(truth, name), exact, limits[name])
    return compared


def _compare_second_order(problem: Problem, truth: Truth, stored: Format) -> int:
    """Along dy backwards, squared: a direction unlike x and dy."""
    assert problem.dy is not None
    direction = _fit(problem.dy[:, ::-1] * problem.dy[:, ::-1], stored)
    found = second_order(problem, direction, double_double=stored == FLOAT64)
    profile = host_profile(stored, stored, stored)
    limits = second_order_bounds(problem, truth, profile, direction, found)
    exact = second_order_exactly(problem, direction)
    return sum(_hold(name, getattr(found, name), exact[name], limits[f"second_{name}"]) for name in exact)


def _hold(name: str, found: Exact, exact: Exact, limit: Bound) -> int:
    """How many numbers were compared; raises OracleDisagreement."""
    difference = np.abs((found.hi - exact.hi) + (found.lo - exact.lo))
    worst = float(np.max(difference / np.maximum(limit.largest, np.finfo(np.float64).tiny)))
    if not worst <= SHARE:
        raise OracleDisagreement(
            f"the oracle disagrees with itself on {name}: its evaluations differ by {worst:.3g} of the bound"
        )
    return difference.size
