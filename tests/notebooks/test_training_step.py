"""One step on a batch of 4 x 5 with deviations around 100, one evaluation after it, and how many steps it takes."""

from __future__ import annotations

from math import ceil, log, log1p

import numpy as np
import pytest
from notebooks.printed import Printed, printed
from notebooks.trials import REFERENCES, TORCH_LAYER, findings, trial_of

from bncheck.case import Case
from bncheck.reference.formats import Array
from bncheck.reference.oracle import Exact
from bncheck.trial import Trial

MOMENTUM = 0.1
IMPLEMENTATIONS = (*REFERENCES, TORCH_LAYER)

# torch's generator at seed 1234: gamma uniform, then x = 100 N(0, 1).  Nine digits tell a float32.
GAMMA = (0.0289792418, 0.401898563, 0.259844184, 0.366641343, 0.0583007336)
X = (
    (66.8373718, -5.96576071, -46.749794, -31.4352398, -71.4080124),
    (-108.312439, -55.4724197, 97.1685028, -51.5009155, 142.552658),
    (79.8685455, -149.487579, 147.778427, -16.9623623, -99.1857376),
    (-145.690842, 25.6291752, -40.3046951, 41.9527397, 93.8027344),
)

TRAINING_OUTPUT = printed(
    """
     0.0268  0.2450 -0.2638 -0.1785 -0.0494
    -0.0233 -0.0555  0.1765 -0.3898  0.0709
     0.0306 -0.6263  0.3313 -0.0261 -0.0650
    -0.0341  0.4368 -0.2441  0.5943  0.0435
    """,
    shape=(4, 5),
)
EVALUATION_OUTPUT = printed(
    """
     0.0545 -0.0221 -0.4245 -0.8624 -0.1125
    -0.0829 -0.8446  0.7806 -1.4395  0.2170
     0.0647 -2.4063  1.2045 -0.4462 -0.1553
    -0.1122  0.5027 -0.3706  1.2482  0.1419
    """,
    shape=(4, 5),
)
BATCH_MEAN = printed("-26.82 -46.32 39.47 -14.49 16.44", decimals=2)
BATCH_VARIANCE = printed("10231.36 4383.12 7214.42 1212.21 10743.99", decimals=2)
STATISTICS = {
    "running_mean": printed("-2.68 -4.63 3.95 -1.45 1.64", decimals=2),
    "running_var": printed("1365.08 585.32 962.82 162.53 1433.43", decimals=2),
}


def training_case(*, steps: int = 1) -> Case:
    """The batch before a fresh layer: beta 0, running mean 0, running variance 1."""
    zeros = np.zeros(5, np.float32)
    return Case(
        x=np.array(X, np.float32),
        dy=None,
        gamma=np.array(GAMMA, np.float32),
        beta=zeros,
        running_mean=zeros,
        running_var=zeros + np.float32(1),
        eps=1e-5,
        momentum=MOMENTUM,
        mode="train",
        steps=steps,
    )


def evaluation_case(trial: Trial) -> Case:
    """The same batch in evaluation, by the exact statistics after the step, rounded to float32."""
    case = training_case()
    mean, variance = (trial.exact(case, name).hi[:, 0].astype(np.float32) for name in STATISTICS)
    return case.changed(mode="eval", running_mean=mean, running_var=variance)


def vector(exact: Exact) -> Array:
    return exact.hi[:, 0]


def missed(trial: Trial, case: Case, quantity: str, expected: Printed) -> list[str]:
    """Where an implementation misses what was printed by more than its own bound."""
    actual = trial.outcome(case).quantity(quantity)
    assert actual is not None
    return expected.misses(actual, allowed=trial.bounds(case)[quantity].largest)


@pytest.fixture
def oracle() -> Trial:
    return trial_of("reference.numpy")


def test_torch_draws_this_very_batch() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(1234)
    gamma, x = torch.rand(5), torch.randn(4, 5) * 100

    assert np.array_equal(gamma.numpy(), np.array(GAMMA, np.float32))
    assert np.array_equal(x.numpy(), np.array(X, np.float32))


def test_the_oracle_gives_the_printed_training_output(oracle: Trial) -> None:
    assert TRAINING_OUTPUT.misses(oracle.exact(training_case(), "y").hi.T) == []


def test_the_oracle_gives_the_printed_batch_mean_and_biased_variance(oracle: Trial) -> None:
    truth = oracle.truth(training_case())
    assert BATCH_MEAN.misses(truth.mean[:, 0]) == []
    assert BATCH_VARIANCE.misses(truth.variance[:, 0]) == []


@pytest.mark.parametrize("quantity", STATISTICS)
def test_the_oracle_gives_the_printed_running_statistics(oracle: Trial, quantity: str) -> None:
    assert STATISTICS[quantity].misses(vector(oracle.exact(training_case(), quantity))) == []


def test_the_oracle_gives_the_printed_evaluation_output(oracle: Trial) -> None:
    assert EVALUATION_OUTPUT.misses(oracle.exact(evaluation_case(oracle), "y").hi.T) == []


@pytest.mark.parametrize("target", IMPLEMENTATIONS)
def test_an_implementation_gives_the_printed_training_output(target: str) -> None:
    assert missed(trial_of(target), training_case(), "y", TRAINING_OUTPUT) == []


@pytest.mark.parametrize("quantity", STATISTICS)
@pytest.mark.parametrize("target", IMPLEMENTATIONS)
def test_an_implementation_gives_the_printed_running_statistics(target: str, quantity: str) -> None:
    assert missed(trial_of(target), training_case(), quantity, STATISTICS[quantity]) == []


@pytest.mark.parametrize("target", IMPLEMENTATIONS)
def test_a_step_of_momentum_one_shows_the_printed_batch_mean(target: str) -> None:
    trial, case = trial_of(target), training_case().changed(momentum=1.0)
    assert missed(trial, case, "running_mean", BATCH_MEAN) == []


@pytest.mark.parametrize("target", IMPLEMENTATIONS)
def test_an_implementation_gives_the_printed_evaluation_output(target: str) -> None:
    trial = trial_of(target)
    assert missed(trial, evaluation_case(trial), "y", EVALUATION_OUTPUT) == []


def steps_until(fraction: float) -> int:
    """The smallest k with (1 - momentum)^k <= fraction."""
    return ceil(log(fraction) / log1p(-MOMENTUM))


def distances(trial: Trial, *, steps: int) -> dict[str, Array]:
    """How far the running statistics of an implementation are from the batch's after so many steps, (C, 1)."""
    case = training_case(steps=steps)
    truth = trial.truth(case)
    goals = {"running_mean": truth.mean, "running_var": truth.variance * case.count / (case.count - 1)}
    return {name: np.abs(trial.rows(case, name) - goal) for name, goal in goals.items()}


def initial_distances(trial: Trial) -> dict[str, Array]:
    """The same before the first step, where the statistics are 0 and 1."""
    truth = trial.truth(training_case())
    return {"running_mean": np.abs(truth.mean), "running_var": np.abs(truth.variance * 4 / 3 - 1)}


@pytest.mark.parametrize(("fraction", "steps"), [(0.1, 22), (0.01, 44), (0.001, 66)])
def test_the_law_says_how_many_steps_bring_the_statistics_so_near(fraction: float, steps: int) -> None:
    assert steps_until(fraction) == steps


@pytest.mark.parametrize("fraction", [0.1, 0.01, 0.001])
def test_torch_comes_so_near_in_just_that_many_steps(fraction: float) -> None:
    trial, steps = trial_of(TORCH_LAYER), steps_until(fraction)
    limits = {count: trial.bounds(training_case(steps=count)) for count in (steps - 1, steps)}
    after, before = distances(trial, steps=steps), distances(trial, steps=steps - 1)
    for name, start in initial_distances(trial).items():
        assert (after[name] <= fraction * start + limits[steps][name].largest).all()
        assert (before[name] > fraction * start - limits[steps - 1][name].largest).all()
        # The bounds are smaller than what one step changes, or the two lines above would say nothing of its number.
        assert (limits[steps][name].largest < MOMENTUM / 2 * fraction * start).all()


def test_the_running_means_agree_with_the_batch_in_two_decimals_after_87_steps() -> None:
    trial = trial_of(TORCH_LAYER)
    farthest = float(initial_distances(trial)["running_mean"].max())
    assert steps_until(0.005 / farthest) == 87
    assert distances(trial, steps=87)["running_mean"].max() <= 0.005
    assert distances(trial, steps=86)["running_mean"].max() > 0.005


@pytest.mark.parametrize("steps", [22, 44, 66, 87])
@pytest.mark.parametrize("target", IMPLEMENTATIONS)
def test_the_law_of_convergence_holds_on_this_batch(target: str, steps: int) -> None:
    assert findings("statistics.convergence", training_case(steps=steps), trial_of(target)) == []
