"""Regions: the sets of cases that laws draw their examples from; laws of one region share cases and evaluations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from bncheck.case import Case
from bncheck.programs import programs
from bncheck.shapes import Plan, free_plans
from bncheck.strategies import cases

Plans = st.SearchStrategy[Plan]
_STEPS = st.sampled_from((2, 3, 5, 10))


@dataclass(frozen=True, slots=True)
class Region:
    """`inputs` says in words what is drawn; `strategy` makes it for a dtype of x, with shapes from plans.

    `dtypes`: the only ones that the region is for, all where None.  `largest`: values in a channel at most.
    """

    name: str
    inputs: str
    strategy: Callable[[str, Plans], st.SearchStrategy[Case]]
    dtypes: tuple[str, ...] | None = None
    largest: int | None = None

    def cases(self, dtype: str, *, plans: Plans | None, largest: int) -> st.SearchStrategy[Case]:
        """The cases of this region; shapes are free, up to `largest` values in a channel, where `plans` is None."""
        most = largest if self.largest is None else min(largest, self.largest)
        return self.strategy(dtype, free_plans(largest=most) if plans is None else plans)


def _training(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return cases(mode="train", dtype=dtype, plans=plans)


def _evaluation(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return cases(mode="eval", dtype=dtype, plans=plans)


def _repeated(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return cases(mode="train", dtype=dtype, plans=plans, steps=_STEPS)


def _zero_eps(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return cases(mode="eval", dtype=dtype, plans=plans, eps=st.just(0.0)).map(_with_positive_variance)


def _with_positive_variance(case: Case) -> Case:
    """Without eps a variance of 0, which rounding to half precision can make, has no inverse root."""
    if case.running_var is None:
        return case
    variance = case.running_var.copy()
    variance[variance == 0] = 1
    return case.changed(running_var=variance)


def _programs(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    several = plans.filter(lambda plan: plan.shape[1] > 1)
    return cases(mode="train", dtype=dtype, plans=several, programs=programs())


TRAINING = Region(
    "training",
    "training batches of rank 2 to 5, two values a channel and more, variance near eps, offsets to 1e6 deviations, "
    "constant channels, random gamma, beta, statistics, momentum and dy",
    _training,
)
EVALUATION = Region(
    "evaluation",
    "the same batches in evaluation, with running statistics near the batch's, fresh, or of another scale",
    _evaluation,
)
REPEATED = Region(
    "repeated", "the same training batch shown 2, 3, 5 or 10 times in a row", _repeated, largest=1024
)
ZERO_EPS = Region("zero_eps", "evaluation with given positive variances and eps 0", _zero_eps, largest=1024)
DIFFERENCES = Region(
    "differences",
    "training batches in float64 of up to 1024 values a channel",
    _training,
    dtypes=("float64",),
    largest=1024,
)
PROGRAMS = Region(
    "programs",
    "ten to twenty steps of one layer: training batches with and without gradients, evaluation, two forward passes and "
    "then one backward, the backward of an older one, momentum changed, reset, copied, saved and loaded, moved to "
    "another dtype, a second layer beside it, batches that are empty, too small or of too many channels",
    _programs,
    largest=64,
)
