"""The law of entry points: the forward pass is one, whether or not gradients are asked of it."""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import exactly, offered, sum_of
from bncheck.regions import TRAINING
from bncheck.trial import Trial, shape_of


@law(
    "forward.entry_points",
    region=TRAINING,
    source="Ioffe and Szegedy 2015, Algorithm 1: what is computed depends on x, gamma, beta and eps alone",
    needs=("train", "gradient", "some_train_bounds"),
)
def forward_pass_is_the_same_without_gradients(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y and the running statistics of a forward pass without gradients are those of one with gradients.

    They are the same problem, so both have the bound E and may differ by 2 E.  A target that compiles is asked on
    batches of two values a channel: each shape is one more function to compile.
    """
    if case.dy is None or (trial.capabilities.compiles and case.count > 2):
        return
    alone = trial.derive(case, "without dy", lambda case: case.changed(dy=None))
    limits = trial.bounds(case)
    for name in offered(case, trial):
        if name in {"y", "running_mean", "running_var"}:
            expected, limit = exactly(trial.rows(case, name)), sum_of(limits[name], limits[name])
            yield compare(name, trial.rows(alone, name), expected, limit, shape_of(name, alone))
