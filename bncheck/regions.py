"""Regions: the sets of cases that laws draw their examples from; laws of one region share cases and evaluations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from bncheck.case import Case, channel_major, from_channel_major
from bncheck.degenerate_cases import emptied, in_evaluation, single_cases
from bncheck.placements import placed_cases
from bncheck.programs import programs
from bncheck.range_cases import increment_cases, range_cases
from bncheck.shapes import (
    LADDER,
    MIXED,
    SINGLES,
    SIZES,
    Plan,
    free_plans,
    mixed_plans,
    single_plans,
    size_plans,
)
from bncheck.size_cases import size_cases
from bncheck.special_cases import poisoned
from bncheck.strategies import cases

Plans = st.SearchStrategy[Plan]
_STEPS = (2, 3, 5, 10)


def _free(largest: int) -> Plans:
    return free_plans(largest=largest)


@dataclass(frozen=True, slots=True)
class Region:
    """`inputs` says in words what is drawn; `strategy` makes it for a dtype of x, with shapes from plans.

    `dtypes`: the only ones that the region is for, all where None.  `largest`: values in a channel at most.
    `free`: the plans up to so many values a channel; `ladder`: those of a target that compiles.
    `base`: the region whose cases these are, each changed by `change`; drawn once for both.  `long`: each case takes
    many evaluations, so that fewer are drawn.
    """

    name: str
    inputs: str
    strategy: Callable[[str, Plans], st.SearchStrategy[Case]]
    dtypes: tuple[str, ...] | None = None
    largest: int | None = None
    base: Region | None = None
    long: bool = False
    change: Callable[[Case], Case] = lambda case: case
    free: Callable[[int], Plans] = _free
    ladder: tuple[Plan, ...] = LADDER

    def cases(self, dtype: str, *, plans: Plans | None, largest: int) -> st.SearchStrategy[Case]:
        """The cases of this region; shapes are free, up to `largest` values in a channel, where `plans` is None."""
        if self.base is not None:
            return self.base.cases(dtype, plans=plans, largest=largest).map(self.of_base)
        most = largest if self.largest is None else min(largest, self.largest)
        if plans is None:
            return self.strategy(dtype, self.free(most))
        return self.strategy(dtype, plans if self.ladder is LADDER else st.sampled_from(self.ladder))

    def of_base(self, case: Case) -> Case:
        """The case of this region that a case of its base is."""
        return self.change(case if self.largest is None else shortened(case, self.largest))

    def from_base(self, name: str, inputs: str, change: Callable[[Case], Case], **others: Any) -> Region:
        """A region of this one's cases, each changed."""
        return Region(name, inputs, self.strategy, base=self, change=change, **others)


def shortened(case: Case, most: int) -> Case:
    """The first values of each channel, about `most` of them where it has more."""
    if case.count <= most:
        return case
    axis = 0 if case.x.ndim == 2 else 2
    kept = max(most // (case.count // case.x.shape[axis]), 1)
    cut = (slice(None),) * axis + (slice(0, kept),)
    return case.changed(x=case.x[cut], dy=None if case.dy is None else case.dy[cut])


def _training(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return cases(mode="train", dtype=dtype, plans=plans)


def _in_evaluation(case: Case) -> Case:
    return case.changed(mode="eval")


def _repeated(case: Case) -> Case:
    """2, 3, 5 or 10 times, by what the case holds."""
    return case.changed(steps=_STEPS[(case.x.size + case.channels) % len(_STEPS)])


def _without_eps(case: Case) -> Case:
    """Without eps a variance of 0, which rounding to half precision can make, has no inverse root."""
    if case.running_var is None:
        return case.changed(mode="eval", eps=0.0)
    variance = case.running_var.copy()
    variance[variance == 0] = 1
    return case.changed(mode="eval", eps=0.0, running_var=variance)


def _as_it_is(case: Case) -> Case:
    return case


def _never_still(case: Case) -> Case:
    """With a dy of 1, -0.5 and 2 in turn in channels where it is 0: there second derivatives would be 0 as well."""
    if case.dy is None:
        return case
    rows = channel_major(case.dy)
    rows[~rows.any(axis=1)] = np.resize((1.0, -0.5, 2.0), case.count)
    return case.changed(dy=from_channel_major(rows, case.dy.shape, case.dy.dtype))


def _never_still_in_evaluation(case: Case) -> Case:
    return _in_evaluation(_never_still(case))


def _programs(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    several = plans.filter(lambda plan: plan.shape[1] > 1)
    return cases(mode="train", dtype=dtype, plans=several, programs=programs())


def _placed(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return placed_cases(mode="train", dtype=dtype, plans=plans)


def _single(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return single_cases(dtype=dtype, plans=plans)


def _range(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return range_cases(dtype=dtype, plans=plans)


def _increments(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return increment_cases(dtype=dtype, plans=plans)


def _sizes(dtype: str, plans: Plans) -> st.SearchStrategy[Case]:
    return size_cases(dtype=dtype, plans=plans)


TRAINING = Region(
    "training",
    "training batches of rank 2 to 5, two values a channel and more, variance near eps, offsets to 1e6 deviations, "
    "constant channels, random gamma, beta, statistics, momentum and dy",
    _training,
)
EVALUATION = TRAINING.from_base(
    "evaluation",
    "the same batches in evaluation, with running statistics near the batch's, fresh, or of another scale",
    _in_evaluation,
)
REPEATED = TRAINING.from_base(
    "repeated", "the same training batch shown 2, 3, 5 or 10 times in a row", _repeated, largest=1024
)
ZERO_EPS = TRAINING.from_base(
    "zero_eps", "evaluation with given positive variances and eps 0", _without_eps, largest=1024
)
DIFFERENCES = TRAINING.from_base(
    "differences",
    "training batches in float64 of up to 1024 values a channel",
    _as_it_is,
    dtypes=("float64",),
    largest=1024,
)
DIRECTIONS = TRAINING.from_base(
    "directions",
    "training batches in float32 and float64 of up to 1024 values a channel, with a dy that is not 0 and a direction "
    "made of it; in half precision, where torch rounds each operation of these derivatives to the dtype of x, no bound "
    "is derived yet",
    _never_still,
    dtypes=("float32", "float64"),
    largest=1024,
    long=True,
)
EVALUATION_DIRECTIONS = TRAINING.from_base(
    "evaluation_directions",
    "the same in evaluation",
    _never_still_in_evaluation,
    dtypes=DIRECTIONS.dtypes,
    largest=1024,
    long=True,
)
LAYOUTS = Region(
    "layouts",
    "training batches, half of them with C = H = W, in which x, dy, gamma, beta and the running statistics each lie in "
    "memory in another way: channels last, axes reversed, at an offset, every other element, rows with room behind "
    "them, one element for many",
    _placed,
    largest=1024,
)
EVALUATION_LAYOUTS = LAYOUTS.from_base("evaluation_layouts", "the same in evaluation", _in_evaluation)
PROGRAMS = Region(
    "programs",
    "ten to twenty steps of one layer: training batches with and without gradients, evaluation, two forward passes and "
    "then one backward, the backward of an older one, momentum changed, reset, copied, saved and loaded, moved to "
    "another dtype, a second layer beside it, batches that are empty, too small or of too many channels",
    _programs,
    largest=64,
    long=True,
)
SPECIAL = TRAINING.from_base(
    "special",
    "training batches with NaN, +infinity or -infinity in one channel or two",
    poisoned,
    largest=64,
)
SINGLE = Region(
    "single",
    "training batches with one value a channel, under every rank",
    _single,
    free=lambda _: single_plans(),
    ladder=SINGLES,
)
EMPTY = SINGLE.from_base(
    "empty", "training batches without a value: no sample, or samples without any position", emptied
)
DEGENERATE_EVALUATION = SINGLE.from_base(
    "degenerate_evaluation", "batches with one value a channel or with none, in evaluation", in_evaluation
)
HALF_RANGE = Region(
    "half_range",
    "values whose squares, and values whose variance, leave the range of half precision, or vanish in it, under float32 "
    "parameters and statistics where x is of half precision; as far out in the range of wider formats",
    _range,
    largest=64,
    free=lambda largest: mixed_plans(largest=largest),
    ladder=MIXED,
)
INCREMENTS = Region(
    "increments",
    "training batches of so small a weight that the running statistics move by less than half precision has digits for",
    _increments,
    largest=64,
    free=lambda largest: mixed_plans(largest=largest),
    ladder=MIXED,
)
SIZE = Region(
    "sizes",
    "sizes one below, at and above the powers of two from 8 to 65536: of the batch, of odd and prime images, of the "
    "channels; values with a mean, the last ones unlike the rest",
    _sizes,
    free=lambda largest: size_plans(largest=largest),
    ladder=SIZES,
)
