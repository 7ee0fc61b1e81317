"""Laws of the range and the digits of half precision: sound code computes and keeps statistics in float32 at least."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.law import law
from bncheck.properties.selection import agreement_where
from bncheck.reference.domain import Mask
from bncheck.reference.formats import BFLOAT16, FLOAT16
from bncheck.regions import HALF_RANGE, INCREMENTS
from bncheck.trial import Trial, as_rows

SOURCE = "Micikevicius et al. 2018, Mixed Precision Training, section 3: statistics in float32"
TRAINED = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
EVALUATED = ("y", "dx", "dgamma", "dbeta")


@law("precision.range", region=HALF_RANGE, source=SOURCE, needs=("train", "some_train_bounds"))
def training_stays_in_the_range_of_its_arithmetic(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y, the running statistics and the gradients agree with the oracle where x^2 and the variance are beyond the largest
    number of half precision, or below its smallest, but not of float32; in wider formats as far out in their range.
    """
    yield from _agreement(case, trial, TRAINED)


@law(
    "precision.evaluation", region=HALF_RANGE, source=SOURCE, needs=("eval", "set_statistics", "eval_bounds")
)
def evaluation_stays_in_the_range_of_its_statistics(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The same in evaluation, with a running variance above 65504 or below the smallest number of half precision."""
    given = trial.derive(case, "evaluation", lambda case: case.changed(mode="eval"))
    yield from _agreement(given, trial, EVALUATED)


@law(
    "precision.increments",
    region=INCREMENTS,
    source=SOURCE,
    needs=("train", "statistics", "set_statistics", "momentum", "mixed", "small_weights"),
)
def small_increments_of_the_statistics_are_not_lost(case: Case, trial: Trial) -> Iterator[Comparison]:
    """running <- running + w (statistic - running) moves, where w (statistic - running) is below half an ulp of running
    in half precision; the statistics are of float32 or float64.
    """
    for name in ("running_mean", "running_var"):
        where = _below_half_an_ulp(case, trial, name)
        if where.any():
            yield agreement_where(where, trial, case, case, name)


def _below_half_an_ulp(case: Case, trial: Trial, name: str) -> Mask:
    """Per channel, (C, 1): in bfloat16 for such an x, in float16 for any other."""
    half, before = BFLOAT16 if case.formats[0] == BFLOAT16 else FLOAT16, as_rows(getattr(case, name))
    return np.asarray(np.abs(trial.exact(case, name).hi - before) < half.half_ulp(before))


def _agreement(case: Case, trial: Trial, quantities: tuple[str, ...]) -> Iterator[Comparison]:
    """What the implementation returns, where at least one element of it is inside the domain."""
    outcome, limits = trial.outcome(case), trial.bounds(case)
    for name in quantities:
        if name in limits and outcome.quantity(name) is not None and limits[name].judged.any():
            yield from trial.agreement(case, name)


PRECISION = (
    training_stays_in_the_range_of_its_arithmetic,
    evaluation_stays_in_the_range_of_its_statistics,
    small_increments_of_the_statistics_are_not_lost,
)
