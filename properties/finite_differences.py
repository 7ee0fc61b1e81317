"""Finite differences of the output against the gradient that the implementation claims, in float64.

Truncation: with z = (x - mu) / sqrt(m) and w = |z|^2 + eps, xhat = sqrt(m) F(z), F(z) = z w^(-1/2).  Along a
direction h, with c the cosine-like (z.h) / (|h| sqrt(w)) and s = c^2,
|F'''[h, h, h]|^2 <= (9 - 27 s + 63 s^2 - 45 s^3) |h|^6 / w^3 <= 9 |h|^6 / w^3 on 0 <= s <= 1, so the constant 3 is
proven, and sharp at s = 0.  On the way from x - d to x + d, sqrt(w) falls by |d| / sqrt(m) at most.
Rounding: the two outputs are wrong by their bounds, the claimed gradient by its own; nothing else is added.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case, Native, from_channel_major
from bncheck.comparison import Comparison
from bncheck.law import law
from bncheck.properties.relation import all_judged, channel_bound, equal, exact_inner
from bncheck.reference.bounds import Bound
from bncheck.reference.domain import Mask
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import FLOAT64, Array
from bncheck.regions import DIFFERENCES
from bncheck.trial import Trial, as_rows

NEEDS = ("train", "gradient", "train_bounds", "double")


@law(
    "gradient.differences",
    region=DIFFERENCES,
    source="central differences; truncation derived here",
    needs=NEEDS,
)
def central_differences_agree_with_the_claimed_gradient(case: Case, trial: Trial) -> Iterator[Comparison]:
    """sum dy (y(x + d) - y(x - d)) = 2 sum dx d, and the same for gamma or, by turns, beta, in which y is linear.

    |difference| <= sum |dy| (E+ + E-) + 2 sum |d| E_dx + |gamma| |dy| |d|^3 / (m (sqrt(var + eps) - |d|/sqrt(m))^3).
    The step is (3 u)^(1/3) sqrt(var + eps) a channel, on a grid on which x, x + d and x - d are exact.
    """
    moved, step = on_grid(case)
    base = trial.derive(case, "on a grid", lambda _: moved)
    rows, still = as_rows(base.x), trial.without_gradients(base)
    ahead = trial.derive(still, "a step ahead", lambda case: _with_rows(case, rows + step))
    behind = trial.derive(still, "a step behind", lambda case: _with_rows(case, rows - step))
    bound, truth = trial.bounds(base)["dx"], trial.truth(base)
    difference, allowed, judged = _difference(trial, base, ahead, behind)
    scale = 1.0 if base.gamma is None else np.abs(as_rows(base.gamma))
    assert base.dy is not None
    root, length = 1 / truth.inverse_std, _norm(step)
    truncation = (
        scale * _norm(as_rows(base.dy)) * length**3 / (base.count * (root - length / base.count**0.5) ** 3)
    )
    claimed = exact_inner(2 * trial.rows(base, "dx"), step)
    largest = allowed + 2 * np.sum(np.abs(step) * bound.largest, axis=-1, keepdims=True) + truncation
    signal = 2 * np.sum(np.abs(step) * bound.scale, axis=-1, keepdims=True)
    yield equal("dx d", claimed, difference, channel_bound(largest, signal, judged & all_judged(bound)))
    if base.gamma is not None and base.beta is not None:
        if (base.count + base.channels) % 2:
            yield _parameter(trial, base, "gamma", base.gamma)
        else:
            yield _parameter(trial, base, "beta", base.beta)


def _with_rows(case: Case, values: Array) -> Case:
    return case.changed(x=from_channel_major(values, case.x.shape, case.x.dtype))


def on_grid(case: Case) -> tuple[Case, Array]:
    """The case moved onto a grid, and the step d, (C, m), on the same grid: x, x + d and x - d are then exact.

    The grid of x is 2^-52 of the power of two above the largest |x| + |d|, that of gamma and beta 2^-40 of the step
    that they are moved by.  The direction falls from 1 to 1/2 by turns of sign, of root mean square below 1, and is
    not constant along the batch, where BN does not see it.
    """
    rows = as_rows(case.x)
    root = np.sqrt(rows.var(axis=-1, keepdims=True) + case.eps)
    positions = np.arange(case.count)
    direction = np.where(positions % 2 == 0, 1.0, -1.0) / (1 + positions / case.count)
    step = direction * np.cbrt(3 * FLOAT64.unit_roundoff) * root
    reach = np.max(np.abs(rows), axis=-1, keepdims=True) + np.max(np.abs(step), axis=-1, keepdims=True)
    grid = np.ldexp(1.0, np.frexp(2 * reach)[1] - 52)
    moved = case.changed(
        x=from_channel_major(np.round(rows / grid) * grid, case.x.shape, case.x.dtype),
        gamma=None if case.gamma is None else _snapped(case.gamma),
        beta=None if case.beta is None else _snapped(case.beta),
    )
    return moved, np.round(step / grid) * grid


def _difference(trial: Trial, base: Case, ahead: Case, behind: Case) -> tuple[DoubleDouble, Array, Mask]:
    """sum dy (y+ - y-) a channel, what rounding may make of it, and where it is judged."""
    assert base.dy is not None
    dy = as_rows(base.dy)
    bounds: list[Bound] = [trial.bounds(side)["y"] for side in (ahead, behind)]
    change = DoubleDouble.of(trial.rows(ahead, "y")) - DoubleDouble.of(trial.rows(behind, "y"))
    difference = (change * DoubleDouble.of(dy)).total()
    allowed = np.sum(np.abs(dy) * (bounds[0].largest + bounds[1].largest), axis=-1, keepdims=True)
    return difference, allowed, all_judged(bounds[0]) & all_judged(bounds[1])


def _parameter(trial: Trial, base: Case, name: str, vector: Native) -> Comparison:
    """The same for gamma or beta, moved by a power of two: linear, so that nothing is truncated."""
    still = trial.without_gradients(base)
    step = parameter_step(vector)
    ahead = trial.derive(still, f"{name} ahead", lambda case: case.changed(**{name: vector + step}))
    behind = trial.derive(still, f"{name} behind", lambda case: case.changed(**{name: vector - step}))
    difference, allowed, judged = _difference(trial, base, ahead, behind)
    bound = trial.bounds(base)[f"d{name}"]
    moved = 2 * as_rows(step)
    claimed = DoubleDouble.of(moved * trial.rows(base, f"d{name}"))
    largest, signal = allowed + moved * bound.largest, moved * bound.scale
    return equal(f"d{name}", claimed, difference, channel_bound(largest, signal, judged & all_judged(bound)))


def parameter_step(vector: Native) -> Native:
    """A power of two for each number, at least 1 and as large as the number."""
    return np.asarray(np.ldexp(1.0, np.frexp(np.maximum(np.abs(vector), 0.5))[1]))


def _snapped(vector: Native) -> Native:
    """On a grid of 2^-40 of the step: the number moved by the step is exact."""
    grid = parameter_step(vector) * 2.0**-40
    return np.asarray(np.round(vector / grid) * grid)


def _norm(values: Array) -> Array:
    return np.asarray(np.sqrt(np.sum(values * values, axis=-1, keepdims=True)))
