"""Batch normalisation of images: what the statistics run over, how it is undone, and two ways back through it."""

from __future__ import annotations

import statistics
from dataclasses import replace

import numpy as np
import pytest
from mutants.layers import LayerAdapter, Rows, sound, total
from notebooks.trials import REFERENCES, findings, trial_of

from bncheck.case import Case
from bncheck.comparison import compare
from bncheck.implementation import Implementation
from bncheck.properties.relation import exactly, sum_of
from bncheck.reference.formats import FLOAT64, Array, dtype_of, format_of
from bncheck.trial import Trial, as_rows, shape_of

SHAPE = (4, 3, 5, 6)
DTYPES = ("float32", "float64")


def images(dtype: str) -> Case:
    """Three channels of unlike mean and deviation; momentum 1, so that the running statistics are the batch's."""
    rng, kind = np.random.default_rng(2015), dtype_of(dtype)
    scale, offset = np.array([0.1, 1, 30]).reshape(1, 3, 1, 1), np.array([-2, 0.5, 70]).reshape(1, 3, 1, 1)
    return Case(
        x=(offset + scale * rng.standard_normal(SHAPE)).astype(kind),
        dy=rng.standard_normal(SHAPE).astype(kind),
        gamma=np.array([0.5, -1.5, 2], kind),
        beta=np.array([1, 0, -3], kind),
        running_mean=np.zeros(3, kind),
        running_var=np.ones(3, kind),
        eps=1e-5,
        momentum=1.0,
        mode="train",
    )


def moments(case: Case) -> dict[str, Array]:
    """Mean and unbiased variance over (N, H, W), correctly rounded: Python adds the exact fractions; (C, 1)."""
    channels = [case.x[:, channel, :, :].astype(float).ravel().tolist() for channel in range(case.channels)]
    return {
        "running_mean": np.array([[statistics.mean(values)] for values in channels]),
        "running_var": np.array([[statistics.variance(values)] for values in channels]),
    }


@pytest.mark.parametrize("quantity", ["running_mean", "running_var"])
def test_the_oracle_takes_its_statistics_over_batch_height_and_width(quantity: str) -> None:
    case = images("float64")
    expected = moments(case)[quantity]
    error = trial_of("reference.numpy").exact(case, quantity).error_of(expected)
    assert (error <= FLOAT64.half_ulp(expected)).all()


@pytest.mark.parametrize("quantity", ["running_mean", "running_var"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", REFERENCES)
def test_an_implementation_takes_its_statistics_over_batch_height_and_width(
    target: str, dtype: str, quantity: str
) -> None:
    case, trial = images(dtype), trial_of(target)
    expected = moments(case)[quantity]
    allowed = trial.bounds(case)[quantity].largest + FLOAT64.half_ulp(expected)
    assert (np.abs(trial.rows(case, quantity) - expected) <= allowed).all()


def undoing(case: Case) -> Case:
    """The case with gamma = sqrt(var + eps) and beta = mean, rounded to its dtype."""
    truth = trial_of("reference.numpy").truth(case)
    gamma, beta = np.sqrt(truth.variance + case.eps), truth.mean
    return case.changed(gamma=gamma[:, 0].astype(case.x.dtype), beta=beta[:, 0].astype(case.x.dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("target", REFERENCES)
def test_gamma_the_deviation_and_beta_the_mean_restore_x(target: str, dtype: str) -> None:
    case, trial = undoing(images(dtype)), trial_of(target)
    truth, kind = trial.truth(case), format_of(case.x.dtype)
    assert case.gamma is not None
    assert case.beta is not None
    # gamma and beta were rounded twice at most: from exact to float64, from float64 to the dtype.
    off_gamma, off_beta = (
        kind.half_ulp(rows) + FLOAT64.half_ulp(rows) for rows in (as_rows(case.gamma), as_rows(case.beta))
    )
    rounded = off_gamma * np.abs(truth.centred) * truth.inverse_std + off_beta
    error = np.abs(trial.rows(case, "y") - as_rows(case.x))
    assert (error <= trial.bounds(case)["y"].largest + rounded).all()


def node_by_node(dy: Rows, centred: Rows, inverse: Rows, gamma: Rows) -> Rows:
    """dx through one node of the graph after another: scale, product, reciprocal, root, mean, square, difference.

    Forward: d = x - mean(x), q = d^2, v = mean(q), s = sqrt(v + eps), i = 1 / s, xhat = d i, y = gamma xhat + beta.
    """
    count = dy.dtype.type(dy.shape[1])
    to_xhat = dy * gamma
    to_inverse = total(to_xhat * centred)
    to_root = -to_inverse * (inverse * inverse)
    to_variance = to_root * (inverse / 2)
    to_square = np.broadcast_to(to_variance / count, centred.shape)
    to_difference = to_xhat * inverse + 2 * centred * to_square
    dx: Rows = to_difference - total(to_difference) / count
    return dx


def staged() -> Trial:
    """A layer whose way back is `node_by_node`."""
    return Trial(Implementation("staged", LayerAdapter(replace(sound(), train_dx=node_by_node))))


@pytest.mark.parametrize("dtype", DTYPES)
def test_backpropagation_node_by_node_agrees_with_the_oracle(dtype: str) -> None:
    for law in ("gradient.dx", "gradient.dgamma", "gradient.dbeta"):
        assert findings(law, images(dtype), staged()) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_backpropagation_in_closed_form_agrees_with_the_oracle(dtype: str) -> None:
    for law in ("gradient.dx", "gradient.dgamma", "gradient.dbeta"):
        assert findings(law, images(dtype), trial_of("reference.numpy")) == []


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_two_ways_back_agree_within_the_sum_of_their_bounds(dtype: str) -> None:
    case, left, right = images(dtype), staged(), trial_of("reference.numpy")
    limit = sum_of(left.bounds(case)["dx"], right.bounds(case)["dx"])
    expected = exactly(right.rows(case, "dx"))
    comparison = compare("dx", left.rows(case, "dx"), expected, limit, shape_of("dx", case))
    assert comparison.decides
    assert not comparison.fails, comparison.message()
