"""Running statistics of uniform images after one step, and normalisation by a given mean and deviation."""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
import pytest
from notebooks.printed import Printed, printed
from notebooks.trials import REFERENCES, TORCH_LAYER, findings, trial_of

from bncheck.case import Case
from bncheck.reference.formats import dtype_of
from bncheck.trial import Trial

MOMENTUM, COUNT = 0.1, 100 * 784
# U(0, 1) has mean 1/2, variance 1/12 and fourth central moment 1/80.  The mean of m draws deviates by sqrt(1/12 / m),
# their variance by sqrt((1/80 - 1/144) / m) (its term of order 1/m^2 is a 1e-5th of that), a step by a tenth of both.
EXPECTED = {"running_mean": MOMENTUM / 2, "running_var": 1 - MOMENTUM + MOMENTUM / 12}
FIVE_SIGMA = {
    "running_mean": 5 * MOMENTUM * sqrt(1 / 12 / COUNT),
    "running_var": 5 * MOMENTUM * sqrt((1 / 80 - 1 / 144) / COUNT),
}
PRINTED = {
    "running_mean": printed(
        """
        0.0498 0.0500 0.0498 0.0500 0.0501 0.0498 0.0500 0.0501
        0.0499 0.0500 0.0501 0.0499 0.0500 0.0500 0.0499 0.0500
        """
    ),
    "running_var": printed(
        """
        0.9083 0.9084 0.9083 0.9084 0.9084 0.9083 0.9083 0.9084
        0.9083 0.9083 0.9083 0.9084 0.9084 0.9083 0.9083 0.9084
        """
    ),
}

MEAN, DEVIATION = (0.45, 0.52, 0.48), (0.23, 0.236, 0.24)
NORMALISED = (
    printed(
        """
         0.6010 -0.0446  1.5668  0.4178    0.8321  0.2740 -1.9274  1.1882   -1.9613  2.0621  0.5819  0.1401
         1.8352  0.1644 -1.5332 -0.4747    1.9882 -1.1932  1.7495 -0.4430    1.6050  1.6737  0.3339 -0.8236
        """,
        shape=(2, 3, 2, 2),
    ),
    printed(
        """
         0.8679  1.5408  0.8657 -0.6081   -0.2586 -0.6329  1.2518 -0.3239    0.0646  1.5763  1.4138  1.9536
        -1.8601 -1.4089  0.7828  0.1823    1.3136  1.1332  1.8170 -1.8920   -0.7052 -1.6217  1.0318  1.0576
        """,
        shape=(2, 3, 2, 2),
    ),
)


@cache
def uniform_case() -> Case:
    """A hundred images of 784 points in 16 channels, before a fresh layer."""
    zeros = np.zeros(16, np.float32)
    return Case(
        x=np.random.default_rng(12).random((100, 16, 784), dtype=np.float32),
        dy=None,
        gamma=zeros + np.float32(1),
        beta=zeros,
        running_mean=zeros,
        running_var=zeros + np.float32(1),
        eps=1e-5,
        momentum=MOMENTUM,
        mode="train",
    )


@pytest.mark.parametrize("quantity", EXPECTED)
def test_the_printed_statistics_are_a_sample_of_uniform_data(quantity: str) -> None:
    expected = np.full(16, EXPECTED[quantity])
    assert PRINTED[quantity].misses(expected, allowed=FIVE_SIGMA[quantity]) == []


@pytest.mark.parametrize("target", [*REFERENCES, TORCH_LAYER])
def test_one_step_on_uniform_data_gives_these_statistics_within_sampling_error(target: str) -> None:
    trial, case = trial_of(target), uniform_case()
    for quantity, expected in EXPECTED.items():
        allowed = FIVE_SIGMA[quantity] + trial.bounds(case)[quantity].largest
        assert (np.abs(trial.rows(case, quantity) - expected) <= allowed).all()


def images(outcome: Printed, dtype: str) -> Case:
    """The images that were normalised, as x = mean + deviation y; in evaluation, without eps."""
    mean, deviation = np.array(MEAN), np.array(DEVIATION)
    kind, shape = dtype_of(dtype), (1, 3, 1, 1)
    return Case(
        x=(mean.reshape(shape) + deviation.reshape(shape) * outcome.values).astype(kind),
        dy=None,
        gamma=None,
        beta=None,
        running_mean=mean.astype(kind),
        running_var=(deviation**2).astype(kind),
        eps=0.0,
        momentum=MOMENTUM,
        mode="eval",
    )


@pytest.mark.parametrize("outcome", NORMALISED, ids=("first", "second"))
def test_the_printed_images_come_from_the_unit_interval(outcome: Printed) -> None:
    x, slack = images(outcome, "float64").x, outcome.half_units * max(DEVIATION)
    assert (x >= -slack).all()
    assert (x < 1 + slack).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outcome", NORMALISED, ids=("first", "second"))
@pytest.mark.parametrize("target", REFERENCES)
def test_evaluation_without_eps_gives_the_printed_images(target: str, outcome: Printed, dtype: str) -> None:
    trial, case = trial_of(target), images(outcome, dtype)
    allowed = trial.bounds(case)["y"].largest
    assert outcome.misses(trial.outcome(case).y, allowed=allowed) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outcome", NORMALISED, ids=("first", "second"))
@pytest.mark.parametrize("target", REFERENCES)
def test_the_law_of_evaluation_without_eps_holds_on_these_images(
    target: str, outcome: Printed, dtype: str
) -> None:
    trial: Trial = trial_of(target)
    assert findings("evaluation.zero_eps", images(outcome, dtype), trial) == []
