"""Laws of evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import as_given, sum_of
from bncheck.regions import EVALUATION, TRAINING, ZERO_EPS
from bncheck.trial import Trial, shape_of

NEEDS = ("eval", "set_statistics")
PAPER = "Ioffe and Szegedy 2015, Algorithm 2, line 11"


@law("evaluation.output", region=EVALUATION, source=PAPER, needs=(*NEEDS, "eval_bounds"))
def evaluation_output_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y = gamma (x - running_mean) / sqrt(running_var + eps) + beta."""
    yield from trial.agreement(case, "y")


@law("evaluation.statistics", region=EVALUATION, source=PAPER, needs=(*NEEDS, "statistics"))
def evaluation_leaves_the_statistics_bitwise_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """running_mean and running_var after the call are, bit for bit, those given.

    Where the dialect corrects them for a start at zero they are what is left of those given on the way there and back.
    """
    if case.running_mean is not None and case.running_var is not None:
        yield as_given(case, trial, "running_mean")
        yield as_given(case, trial, "running_var")


@law(
    "evaluation.consistency",
    region=TRAINING,
    source=PAPER,
    needs=(*NEEDS, "train", "train_bounds", "eval_bounds"),
)
def evaluation_with_the_statistics_of_the_batch_is_training(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y in evaluation, given the batch's own mean and biased variance, is y in training.

    The statistics given are rounded to their dtype; what that alone changes is known exactly and taken off.
    """
    if case.running_mean is None:
        return
    truth, dtype = trial.truth(case), case.running_mean.dtype
    with np.errstate(over="ignore"):
        mean, variance = truth.mean[:, 0].astype(dtype), truth.variance[:, 0].astype(dtype)
    if not (np.isfinite(mean.astype(np.float64)).all() and np.isfinite(variance.astype(np.float64)).all()):
        return
    given = trial.derive(
        trial.without_gradients(case),
        "evaluation with the statistics of the batch",
        lambda case: case.changed(mode="eval", running_mean=mean, running_var=variance),
    )
    moved = trial.exact(given, "y").minus(trial.exact(case, "y"))
    expected = moved.plus(trial.rows(case, "y"))
    limit = sum_of(trial.bounds(case)["y"], trial.bounds(given)["y"])
    yield compare("y", trial.rows(given, "y"), expected, limit, shape_of("y", case))


@law(
    "evaluation.zero_eps",
    region=ZERO_EPS,
    source="standardisation by a given mean and deviation",
    needs=(*NEEDS, "zero_eps"),
)
def evaluation_without_eps_standardises(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With eps = 0, y = gamma (x - running_mean) / sqrt(running_var) + beta, for positive variances."""
    yield from trial.agreement(case, "y")


EVALUATION_LAWS = (
    evaluation_output_agrees_with_the_oracle,
    evaluation_leaves_the_statistics_bitwise_alone,
    evaluation_with_the_statistics_of_the_batch_is_training,
    evaluation_without_eps_standardises,
)
