"""Laws of the gradients, in training and in evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.law import law
from bncheck.properties.relation import all_judged, channel_bound, equal, exact_inner, exact_sum
from bncheck.reference.double_double import DoubleDouble
from bncheck.regions import EVALUATION, TRAINING
from bncheck.trial import Trial

PAPER = "Ioffe and Szegedy 2015, section 3, the chain rule"
TRAIN = ("train", "gradient")
EVAL = ("eval", "set_statistics", "eval_gradient")
TINIEST = 2.0**-1074


@law("gradient.dx", region=TRAINING, source=PAPER, needs=(*TRAIN, "train_bounds"))
def training_dx_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dx = gamma r (dy - mean(dy) - xhat mean(dy xhat)), r = 1 / sqrt(var + eps)."""
    yield from trial.agreement(case, "dx")


@law("gradient.dgamma", region=TRAINING, source=PAPER, needs=(*TRAIN, "affine", "train_bounds"))
def training_dgamma_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dgamma = sum(dy xhat)."""
    yield from trial.agreement(case, "dgamma")


@law("gradient.dbeta", region=TRAINING, source=PAPER, needs=(*TRAIN, "affine"))
def training_dbeta_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dbeta = sum(dy)."""
    yield from trial.agreement(case, "dbeta")


@law(
    "gradient.identities",
    region=TRAINING,
    source="the null space of the projection: dx is orthogonal to 1",
    needs=(*TRAIN, "train_bounds"),
)
def training_dx_is_orthogonal_to_one_and_nearly_to_xhat(case: Case, trial: Trial) -> Iterator[Comparison]:
    """sum(dx) = 0;  sum(dx xhat) = gamma r eps / (var + eps) sum(dy xhat).

    No error of dx beyond its bound E hides in either: the first allows sum(E), the second sum(|xhat| E).
    """
    problem, truth = trial.answers.truth(case, biased=False)
    bound, dx = trial.bounds(case)["dx"], trial.rows(case, "dx")
    xhat = truth.centred * truth.inverse_std
    assert problem.dy is not None
    scale = np.ones_like(truth.mean) if problem.gamma is None else problem.gamma
    factor = scale * truth.inverse_std * problem.eps * truth.inverse_std**2
    terms = np.abs(dx) + np.abs(factor * problem.dy)
    # xhat and the factor are rounded eight times at most; a tiny x - mu, its product with r, and tiny products of the
    # sums themselves lose what is below the smallest number.
    lost = TINIEST * ((1 + truth.inverse_std) * terms + 32 * (1 + np.abs(factor)))
    each = np.abs(xhat) * (bound.largest + 8 * 2.0**-53 * terms) + lost
    allowed = np.sum(each, axis=-1, keepdims=True)
    judged, strength = all_judged(bound), np.sum(bound.scale, axis=-1, keepdims=True)
    whole = channel_bound(np.sum(bound.largest, axis=-1, keepdims=True), strength, judged)
    yield equal("sum(dx)", exact_sum(dx), DoubleDouble.of(0 * truth.mean), whole)
    signal = np.sum(np.abs(xhat) * bound.scale, axis=-1, keepdims=True)
    right = DoubleDouble.of(factor) * exact_inner(problem.dy, xhat)
    limit = channel_bound(allowed, signal, judged)
    yield equal("sum(dx xhat)", exact_inner(dx, xhat), right, limit)


@law("evaluation_gradient.dx", region=EVALUATION, source=PAPER, needs=(*EVAL, "eval_bounds"))
def evaluation_dx_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dx = gamma dy / sqrt(running_var + eps): the statistics are constants."""
    yield from trial.agreement(case, "dx")


@law("evaluation_gradient.dgamma", region=EVALUATION, source=PAPER, needs=(*EVAL, "affine", "eval_bounds"))
def evaluation_dgamma_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dgamma = sum(dy (x - running_mean)) / sqrt(running_var + eps)."""
    yield from trial.agreement(case, "dgamma")


@law("evaluation_gradient.dbeta", region=EVALUATION, source=PAPER, needs=(*EVAL, "affine"))
def evaluation_dbeta_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dbeta = sum(dy)."""
    yield from trial.agreement(case, "dbeta")


GRADIENTS = (
    training_dx_agrees_with_the_oracle,
    training_dgamma_agrees_with_the_oracle,
    training_dbeta_agrees_with_the_oracle,
    training_dx_is_orthogonal_to_one_and_nearly_to_xhat,
    evaluation_dx_agrees_with_the_oracle,
    evaluation_dgamma_agrees_with_the_oracle,
    evaluation_dbeta_agrees_with_the_oracle,
)
