"""Laws of sizes: no tail is dropped, no lane is padded, no channel enters another, whatever the sizes."""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case, Native
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import exactly, sum_of
from bncheck.reference.bounds import Bound
from bncheck.regions import SIZE
from bncheck.trial import Trial, shape_of


@law(
    "sizes.reduction",
    region=SIZE,
    source="the definition holds for every size",
    needs=("train", "some_train_bounds"),
)
def every_value_is_counted_once_at_every_size(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y, the running statistics and the gradients agree with the oracle for sizes around powers of two, with a mean that
    a padded zero would move and last values that a dropped tail would miss.
    """
    outcome = trial.outcome(case)
    yield from trial.agreement(case, *(name for name in QUANTITIES if outcome.quantity(name) is not None))


@law(
    "sizes.channels",
    region=SIZE,
    source="channels are independent",
    needs=("train", "fewer_channels", "some_train_bounds"),
)
def a_channel_does_not_depend_on_their_number(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The last channel alone is the last channel of all: |alone - among all| <= E_alone + E_all for each quantity."""
    if case.channels == 1:
        return
    alone = trial.derive(case, "the last channel", _last_channel)
    here, there, outcome = trial.bounds(case), trial.bounds(alone), trial.outcome(case)
    for name in QUANTITIES:
        if name in here and outcome.quantity(name) is not None:
            limit = sum_of(_last(here[name]), there[name])
            expected = exactly(trial.rows(case, name)[-1:])
            yield compare(name, trial.rows(alone, name), expected, limit, shape_of(name, alone))


def _last(bound: Bound) -> Bound:
    return Bound(bound.largest[-1:], bound.scale[-1:], bound.judged[-1:])


def _last_channel(case: Case) -> Case:
    vectors = {name: getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var")}
    return case.changed(
        x=case.x[:, -1:].copy(),
        dy=None if case.dy is None else case.dy[:, -1:].copy(),
        **{name: _last_number(vector) for name, vector in vectors.items()},
    )


def _last_number(vector: Native | None) -> Native | None:
    return None if vector is None else vector[-1:].copy()


SIZES = (every_value_is_counted_once_at_every_size, a_channel_does_not_depend_on_their_number)
