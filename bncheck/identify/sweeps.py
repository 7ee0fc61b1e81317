"""The numeric profile: the error of y over its bound as offset, length, eps and scale go over their ranges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from bncheck.case import Case, from_channel_major
from bncheck.fitting import fit
from bncheck.identify.measurement import Point, Sweep
from bncheck.identify.questions import Questions, Unanswered
from bncheck.recipes import ChannelRecipe, Distribution, rows
from bncheck.reference.bounds import Bound, bounds
from bncheck.reference.formats import FLOAT64, FORMATS, Array, dtype_of
from bncheck.reference.oracle import Exact, solve
from bncheck.trial import as_rows

COUNT = 64
_SEED = 7
# Where each new shape is compiled, a few lengths must do.
_FEW = (8, 256, 4096, 65536)
_LENGTHS = tuple(2**power for power in range(3, 17))
_EPS = tuple(10.0**power for power in range(-12, 1))
_SCALES = tuple(10.0**power for power in range(-18, 19))
# A variance that the eps of the sweep are larger and smaller than.
_DEVIATION = 1e-3
Recipes = Sequence[tuple[float, float]]


def profile(questions: Questions, dtype: str) -> Iterator[Sweep]:
    """The sweeps of one dtype in training; one that the target fails to answer is left out."""
    offered = questions.implementation.capabilities
    if not (offered.train and offered.train_bounds):
        return
    asked = Questions(questions.implementation, dtype, questions.restarts)
    offered = asked.implementation.capabilities
    lengths = _FEW if offered.compiles else _LENGTHS
    own = FORMATS[dtype]
    offsets = [2.0**power for power in range(min(own.significand, 24 if own != FLOAT64 else 53) + 1)]
    scales = [scale for scale in _SCALES if 8 * scale < own.largest and scale > 8 * own.smallest_normal]
    yield from _sweep(asked, "offset", 2, offsets, [cases(asked, [(each, 1.0) for each in offsets])])
    yield from _sweep(
        asked, "length", 2, lengths, [cases(asked, [(0.0, 1.0)], count=count) for count in lengths]
    )
    if offered.free_eps:
        yield from _sweep(
            asked, "eps", 10, _EPS, [cases(asked, [(0.0, _DEVIATION)], eps=eps) for eps in _EPS]
        )
    yield from _sweep(asked, "scale", 10, scales, [cases(asked, [(0.0, each) for each in scales])])
    questions.restarts = asked.restarts


def cases(questions: Questions, recipes: Recipes, *, count: int = COUNT, eps: float = 1e-5) -> list[Case]:
    """One case with a channel for each (offset, scale); one case for each where the number of channels is fixed."""
    offered = questions.implementation.capabilities
    fixed = offered.channels
    groups = [recipes] if fixed is None else [[recipe] * fixed for recipe in recipes]
    distribution: Distribution = "normal"
    found = []
    for group in groups:
        chosen = tuple(ChannelRecipe(distribution, offset, scale, _SEED) for offset, scale in group)
        x = rows(chosen, count, dtype_of(questions.dtype))
        ones = np.ones(len(group)).astype(x.dtype)
        shape = (count, len(group), *(1,) * (offered.ranks[0] - 2))
        case = Case(
            x=from_channel_major(x, shape, x.dtype),
            dy=None,
            gamma=ones,
            beta=(0 * ones).astype(x.dtype),
            running_mean=(0 * ones).astype(x.dtype),
            running_var=ones.copy(),
            eps=eps,
            momentum=0.5,
            mode="train",
        )
        found.append(fit(case, questions.implementation))
    return found


def _sweep(
    questions: Questions, name: str, base: int, values: Sequence[float], groups: Sequence[Sequence[Case]]
) -> Iterator[Sweep]:
    """The points of all cases, a channel or a case for each value; none where the target does not answer."""
    flat = [case for group in groups for case in group]
    try:
        points = [point for case in flat for point in _points(questions, case, single=len(flat) > 1)]
    except Unanswered:
        return
    yield Sweep(
        name,
        questions.dtype,
        base,
        tuple(replace(point, at=float(at)) for at, point in zip(values, points, strict=True)),
    )


def _points(questions: Questions, case: Case, *, single: bool) -> Iterator[Point]:
    """One point a channel; one for the first channel where a case is a point."""
    y = questions.outcome(case).y
    problem = case.problem()
    truth = solve(problem, double_double=case.formats[0] == FLOAT64)
    profile = replace(questions.implementation.profile(case), variance="stable", affine="any")
    bound = bounds(problem, truth, profile)["y"]
    actual = as_rows(y)
    for row in range(1 if single else len(actual)):
        yield _point(actual[row : row + 1], _row(truth.y, row), bound, row)


def _point(actual: Array, exact: Exact, bound: Bound, row: int) -> Point:
    largest, judged = bound.largest[row : row + 1], bound.judged[row : row + 1]
    error = exact.error_of(actual)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.isfinite(error), error / largest, np.inf)[judged & (largest > 0)]
    lost = bool(judged.any() and not (error < 0.5).all())
    return Point(0.0, float(ratio.max()) if ratio.size else None, lost)


def _row(exact: Exact, row: int) -> Exact:
    return Exact(exact.hi[row : row + 1], exact.lo[row : row + 1])
