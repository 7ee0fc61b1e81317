"""Laws of the running statistics in training."""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.law import law
from bncheck.regions import REPEATED, TRAINING
from bncheck.trial import Trial

NEEDS = ("train", "statistics")
PAPER = "Ioffe and Szegedy 2015, Algorithm 2 (unbiased estimate) and section 3.1 (moving averages)"


@law("statistics.mean", region=TRAINING, source=PAPER, needs=NEEDS)
def running_mean_moves_towards_the_batch_mean(case: Case, trial: Trial) -> Iterator[Comparison]:
    """running_mean <- (1 - w) running_mean + w mu, w = momentum, or 1 / (batches seen) for a cumulative average.

    The increment is the signal: an element is conclusive where its bound is below |new - old|.
    """
    yield from trial.agreement(case, "running_mean")


@law("statistics.variance", region=TRAINING, source=PAPER, needs=NEEDS)
def running_variance_moves_towards_the_unbiased_batch_variance(
    case: Case, trial: Trial
) -> Iterator[Comparison]:
    """running_var <- (1 - w) running_var + w m / (m - 1) var, m values a channel; without the factor where the
    dialect declares a biased running variance, for all ranks or for that of x.  The increment is the signal.
    """
    yield from trial.agreement(case, "running_var")


@law(
    "statistics.convergence",
    region=REPEATED,
    source="the geometric series of the moving average",
    needs=NEEDS,
)
def statistics_converge_geometrically(case: Case, trial: Trial) -> Iterator[Comparison]:
    """After k steps on one batch the distance to its statistics has shrunk by (1 - w)^k: r_k - s = (1 - w)^k (r_0 - s).

    For the cumulative average after b batches it has shrunk by b / (b + k).
    """
    yield from trial.agreement(case, "running_mean", "running_var")


STATISTICS = (
    running_mean_moves_towards_the_batch_mean,
    running_variance_moves_towards_the_unbiased_batch_variance,
    statistics_converge_geometrically,
)
