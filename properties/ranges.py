"""The law of ranges: what is certain of the outcome without knowing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import exactly
from bncheck.regions import TRAINING
from bncheck.trial import Trial, as_rows, shape_of

# What float64 rounds in a limit itself, relative to it: at most four times.
ROUNDED = 4 * 2.0**-53


@law(
    "range.normalised",
    region=TRAINING,
    source="Samuelson 1968: no value of m lies further than sqrt(m - 1) deviations from their mean",
    needs=("train", "train_bounds"),
)
def normalised_values_and_variances_stay_in_range(case: Case, trial: Trial) -> Iterator[Comparison]:
    """|y - beta| <= |gamma| sqrt(m - 1), and running_var >= (1 - w) old, up to the bound; both are finite where x is.

    (x_i - mu)^2 <= (m - 1) var: the other m - 1 deviations sum to -(x_i - mu), so the sum of their squares is at least
    (x_i - mu)^2 / (m - 1), and m var is at least m / (m - 1) (x_i - mu)^2.  What is added to the old variance is one.
    The range is the signal.
    """
    bound, y = trial.bounds(case)["y"], trial.rows(case, "y")
    beta = np.zeros((case.channels, 1)) if case.beta is None else as_rows(case.beta)
    gamma = np.ones((case.channels, 1)) if case.gamma is None else as_rows(case.gamma)
    reach = np.abs(gamma) * np.sqrt(case.count - 1)
    nearest = beta + np.clip(y - beta, -reach, reach)
    largest = bound.largest + ROUNDED * (reach + np.abs(beta))
    limit = replace(bound, largest=largest, scale=np.broadcast_to(reach, y.shape))
    yield compare(
        "y", y, exactly(np.where(np.abs(y - beta) <= reach, y, nearest)), limit, shape_of("y", case)
    )
    if trial.capabilities.statistics and case.running_var is not None:
        yield _variance(case, trial)


def _variance(case: Case, trial: Trial) -> Comparison:
    assert case.running_var is not None
    bound, actual = trial.bounds(case)["running_var"], trial.rows(case, "running_var")
    problem, _ = trial.answers.truth(case, biased=False)
    least = float(problem.decay) * as_rows(case.running_var)
    limit = replace(bound, largest=bound.largest + ROUNDED * least)
    return compare(
        "running_var", actual, exactly(np.fmax(actual, least)), limit, shape_of("running_var", case)
    )


RANGES = (normalised_values_and_variances_stay_in_range,)
