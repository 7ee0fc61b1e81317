"""Laws between two devices that run the same target on identical bits."""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import exactly, sum_of
from bncheck.regions import TRAINING
from bncheck.trial import Trial, shape_of


@law(
    "devices.agreement",
    region=TRAINING,
    source="two sound evaluations of one problem",
    needs=("train", "second_device", "some_train_bounds"),
)
def outcomes_agree_between_devices(case: Case, trial: Trial) -> Iterator[Comparison]:
    """|device - CPU| <= E_device + E_CPU for y, the running statistics and the gradients, each E of its own profile."""
    other = trial.companion
    here, there = trial.bounds(case), other.bounds(case)
    for name in QUANTITIES:
        if name in here and trial.outcome(case).quantity(name) is not None:
            expected, limit = exactly(other.rows(case, name)), sum_of(here[name], there[name])
            yield compare(name, trial.rows(case, name), expected, limit, shape_of(name, case))
