"""Laws of the training output."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case, Native
from bncheck.comparison import Comparison, Elements
from bncheck.law import law
from bncheck.properties.relation import all_judged, channel_bound, equal, follows, with_unit_affine
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import format_of
from bncheck.regions import TRAINING
from bncheck.shapes import other_shape
from bncheck.trial import Trial, shape_of

PAPER = "Ioffe and Szegedy 2015, Algorithm 1"


@law("forward.output", region=TRAINING, source=PAPER, needs=("train", "train_bounds"))
def training_output_agrees_with_the_oracle(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y = gamma (x - mu) / sqrt(var + eps) + beta, mu and var the mean and the biased variance of each channel."""
    yield from trial.agreement(case, "y")


@law("forward.moments", region=TRAINING, source=PAPER, needs=("train", "train_bounds"))
def normalised_output_has_mean_zero_and_variance_below_one(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With gamma 1 and beta 0: mean(y) = 0 and var(y) = var / (var + eps), per channel.

    |mean(y)| <= mean(E), and | sqrt(var(y)) - sqrt(var / (var + eps)) | <= rms(E), E the bound on y.
    """
    plain = trial.without_gradients(trial.derive(case, "unit affine", with_unit_affine))
    y, bound, truth = DoubleDouble.of(trial.rows(plain, "y")), trial.bounds(plain)["y"], trial.truth(plain)
    ones = np.ones((plain.channels, 1))
    mean = y.total() / DoubleDouble.of(ones * plain.count)
    centred = y - mean
    variance = (centred * centred).total() / DoubleDouble.of(ones * plain.count)
    expected = truth.variance * truth.inverse_std**2
    spread, judged = np.sqrt(expected), all_judged(bound)
    deviation = np.sqrt(np.mean(bound.largest**2, axis=-1, keepdims=True))
    # Six roundings of float64 made `expected` itself.
    allowed = deviation * (2 * spread + deviation) + 6 * 2.0**-53 * expected
    average = np.mean(bound.largest, axis=-1, keepdims=True)
    yield equal("mean(y)", mean, DoubleDouble.of(0 * ones), channel_bound(average, spread, judged))
    yield equal("var(y)", variance, DoubleDouble.of(expected), channel_bound(allowed, expected, judged))


@law(
    "forward.shapes",
    region=TRAINING,
    source="Ioffe and Szegedy 2015, section 3.2",
    needs=("train", "other_shapes", "some_train_bounds"),
)
def ranks_are_equivalent(case: Case, trial: Trial) -> Iterator[Comparison]:
    """BN of (N, C, H, W) is BN of (N, C, H W) and of (N H W, C): statistics run over all but the channel axis."""
    offered = trial.capabilities
    shape = other_shape(case.x.shape, offered.ranks, ladder=offered.compiles)
    if shape is None:
        return
    other = trial.derive(trial.without_gradients(case), f"shape {shape}", lambda case: case.reshaped(shape))
    here = trial.bounds(case)
    for name in ("y", "running_mean", "running_var"):
        if name in here and (name == "y" or offered.statistics):
            # Where the dialect's estimator goes by rank, the exact answers differ by Bessel's factor.
            yield follows(case, other, trial, name)


@law(
    "forward.dtypes",
    region=TRAINING,
    source="the array API standard's rule for elementwise results",
    needs=("train", "affine"),
)
def outputs_have_the_shape_and_dtype_of_their_inputs(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y and dx are like x, dgamma like gamma, dbeta like beta, the running statistics like those given; y is of the
    wider of the dtypes of x and gamma where the dialect declares a promoted output.

    Where gamma and beta cannot be given, hidden ones of another dtype may rightly promote y.
    """
    outcome = trial.outcome(case)
    pairs = {
        "y": _like_y(case, trial),
        "running_mean": case.running_mean,
        "running_var": case.running_var,
        "dx": case.x,
        "dgamma": case.gamma,
        "dbeta": case.beta,
    }
    for name, given in pairs.items():
        actual = outcome.quantity(name)
        if given is None or actual is None:
            continue
        defect = None
        if actual.shape != shape_of(name, case):
            defect = f"{name} has shape {actual.shape}, but should have {shape_of(name, case)}"
        elif actual.dtype != given.dtype:
            defect = f"{name} has dtype {actual.dtype}, but should have {given.dtype}"
        yield Comparison(name, Elements(judged=1), defect=defect)


def _like_y(case: Case, trial: Trial) -> Native:
    """An array of the dtype of y."""
    if trial.implementation.dialect.output == "input" or case.gamma is None:
        return case.x
    return max(case.x, case.gamma, key=lambda array: format_of(array.dtype).significand)


FORWARD = (
    training_output_agrees_with_the_oracle,
    normalised_output_has_mean_zero_and_variance_below_one,
    ranks_are_equivalent,
    outputs_have_the_shape_and_dtype_of_their_inputs,
)
