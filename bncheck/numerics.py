"""The numeric class that an implementation shows, and the offset at which its digits run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bncheck.case import Case, from_channel_major
from bncheck.comparison import against_truth, defect_of
from bncheck.errors import BncheckError
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.recipes import ChannelRecipe, rows
from bncheck.reference.bounds import bounds
from bncheck.reference.formats import FLOAT64, dtype_of
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.profile import Affine, Variance
from bncheck.trial import as_rows, shape_of

# From the strongest claim to the weakest.
CLASSES: tuple[tuple[Variance, Affine], ...] = (
    ("two_pass", "centred"),
    ("two_pass", "any"),
    ("stable", "centred"),
    ("stable", "any"),
    ("one_pass", "any"),
)
OFFSETS = tuple(2.0**exponent for exponent in range(25))
COUNT = 64


@dataclass(frozen=True, slots=True)
class Numerics:
    """`variance`, `affine`: the strongest class whose bounds y meets, None where none is met.

    `breakdown_offset`: the smallest |mean| / deviation, a power of two, from which y is off by half a deviation or
    more; None where that does not happen up to 2^24.  `dtype`: what was measured.
    """

    variance: Variance | None
    affine: Affine | None
    breakdown_offset: float | None
    dtype: str


def measured(implementation: Implementation, dtype: str) -> Numerics | None:
    """One sweep of offsets in training; None where the target does not train, fails to evaluate it, or has no bound."""
    offered = implementation.capabilities
    if not (offered.train and offered.train_bounds):
        return None
    try:
        sweep = [(case, implementation.evaluate(case)) for case in _cases(implementation, dtype)]
        fitting = list(CLASSES)
        lost: list[float] = []
        if any(defect_of("y", outcome.y, shape_of("y", case)) is not None for case, outcome in sweep):
            return None
        for case, outcome in sweep:
            problem = case.problem(biased=implementation.dialect.biased(case.x.ndim))
            truth = solve(problem, double_double=case.formats[0] == FLOAT64)
            profile = implementation.profile(case)
            for claim in tuple(fitting):
                limits = bounds(problem, truth, replace(profile, variance=claim[0], affine=claim[1]))
                if against_truth("y", outcome.y, truth.y, limits["y"], shape_of("y", case)).fails:
                    fitting.remove(claim)
            error = truth.y.error_of(as_rows(outcome.y)).max(axis=1)
            lost += [offset for offset, off in zip(_offsets(truth), error, strict=True) if not off < 0.5]
    except (BncheckError, ValueError):
        return None
    variance, affine = fitting[0] if fitting else (None, None)
    return Numerics(variance, affine, min(lost, default=None), dtype)


def _cases(implementation: Implementation, dtype: str) -> Iterator[Case]:
    """All offsets in one case, a channel each; one case an offset where the number of channels is fixed."""
    fixed = implementation.capabilities.channels
    groups = [OFFSETS] if fixed is None else [(offset,) * fixed for offset in OFFSETS]
    for group in groups:
        recipes = tuple(ChannelRecipe("normal", offset, 1.0, 7) for offset in group)
        x = rows(recipes, COUNT, dtype_of(dtype))
        statistics = np.zeros(len(group)).astype(x.dtype), np.ones(len(group)).astype(x.dtype)
        case = Case(
            x=from_channel_major(x, (COUNT, len(group)), x.dtype),
            dy=None,
            gamma=np.ones(len(group)).astype(x.dtype),
            beta=np.zeros(len(group)).astype(x.dtype),
            running_mean=statistics[0],
            running_var=statistics[1],
            eps=1e-5,
            momentum=0.5,
            mode="train",
        )
        yield fit(case, implementation)


def _offsets(truth: Truth) -> list[float]:
    """The nominal offset of each channel; the deviation is about 1."""
    return [float(2.0 ** round(np.log2(abs(mean)))) for mean in truth.mean[:, 0]]
