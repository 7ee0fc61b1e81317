"""Laws of NaN and infinity: they stay in their channel, and they are not swallowed.

A sum with a NaN or an infinity in it is a NaN or an infinity in every order, and so is the mean.  Then x - mean holds a
NaN, and with it the variance in two passes or Welford's, as does inf - inf in mean(x^2) - mean(x)^2; a variance clipped
at 0 by a maximum that prefers numbers to NaN is 0, and r is finite.  Even so y = gamma (x - mean) r + beta, or
a x + (beta - a mean), holds the mean as a factor and is not finite; nor is dgamma, the sum of dy xhat.  The running
variance alone may come out of such a clip as a number, and dx where the gradient through the variance is cut off there:
those of a variance that is 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case, Native, channel_major, from_channel_major
from bncheck.comparison import Comparison
from bncheck.law import law
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import as_given
from bncheck.properties.selection import agreement_where, never_finite
from bncheck.reference.domain import Mask
from bncheck.regions import SPECIAL
from bncheck.trial import Trial, shape_of

SOURCE = "IEEE 754: a sum with a NaN is a NaN, with an infinity no number; channels are independent"
IN_X = "its channel of x holds a NaN or an infinity"
IN_DY = "its channel of dy holds a NaN or an infinity"
# A smaller weight of the new batch may be rounded to 0 on its way, and what it is 0 of is skipped.
SMALLEST_WEIGHT = 2.0**-20


@law(
    "special_values.containment",
    region=SPECIAL,
    source=SOURCE,
    needs=("train", "other_channels", "some_train_bounds"),
)
def special_values_stay_in_their_channel(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Where a channel of x holds a NaN or an infinity, y, the running statistics and the gradients of every other
    channel are what they are without it.
    """
    like, clean = trial.derive(case, "spoiled channels 0", _without_spoiled_channels), ~spoiled(case.x)
    for name in _offered(trial, case, like):
        if clean.any():
            yield agreement_where(clean, trial, case, like, name)


@law("special_values.propagation", region=SPECIAL, source=SOURCE, needs=("train", "some_train_bounds"))
def special_values_are_not_swallowed(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Where a channel of x holds a NaN or an infinity, none of its y is finite, nor running_mean, nor dgamma;
    running_var and dx are not finite or those of a variance 0.  The statistics for weights of 2^-20 and more.
    """
    like, where = trial.derive(case, "spoiled channels 0", _without_spoiled_channels), spoiled(case.x)
    still = float(case.weights()[-1]) < SMALLEST_WEIGHT
    for name in _offered(trial, case, like):
        if name == "dbeta" or (still and name.startswith("running")):
            continue
        rows, wrong = trial.rows(case, name), where
        if name in ("running_var", "dx"):
            limit = trial.bounds(like)[name]
            wrong = where & ~(trial.exact(like, name).error_of(rows) <= limit.largest) & limit.judged
        yield never_finite(wrong, name, rows, shape_of(name, case), because=IN_X)


@law(
    "special_values.evaluation",
    region=SPECIAL,
    source="IEEE 754; in evaluation no element sees another",
    needs=("eval", "set_statistics"),
)
def special_values_in_evaluation_stay_where_they_are(case: Case, trial: Trial) -> Iterator[Comparison]:
    """In evaluation y is a NaN where x is, a NaN or an infinity where x is infinite, and elsewhere, in the same channel
    too, what it is without them.  The running statistics keep their bits, the gradients of other channels their values.
    """
    given = trial.derive(case, "special values in evaluation", lambda case: case.changed(mode="eval"))
    like = trial.derive(given, "special values 0", lambda case: case.changed(x=_finite(case.x)))
    where = ~np.isfinite(channel_major(case.x))
    yield never_finite(where, "y", trial.rows(given, "y"), case.x.shape, because="x is a NaN or an infinity")
    if "y" in trial.bounds(like):
        yield agreement_where(~where, trial, given, like, "y")
    for name in _offered(trial, given, like):
        if name != "y" and not spoiled(case.x).all():
            yield agreement_where(~spoiled(case.x), trial, given, like, name)
    if trial.capabilities.statistics and case.running_mean is not None and case.running_var is not None:
        yield as_given(given, trial, "running_mean")
        yield as_given(given, trial, "running_var")


@law(
    "special_values.cotangent",
    region=SPECIAL,
    source="IEEE 754; the forward pass does not see dy",
    needs=("train", "gradient", "some_train_bounds"),
)
def special_values_of_the_cotangent_stay_in_their_channel(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Where a channel of dy holds a NaN or an infinity, none of its dx is finite, nor dgamma, nor dbeta: each holds the
    sum of dy.  The gradients of every other channel, and y and the running statistics of all, do not see it.
    """
    where = spoiled(case.x)
    given = trial.derive(case, "special values in dy", _moved_to_dy)
    like = trial.derive(given, "spoiled channels of dy 0", _without_spoiled_channels)
    for name in _offered(trial, given, like):
        if name not in ("dx", "dgamma", "dbeta"):
            yield agreement_where(np.ones_like(where), trial, given, like, name)
            continue
        yield never_finite(where, name, trial.rows(given, name), shape_of(name, case), because=IN_DY)
        if not where.all():
            yield agreement_where(~where, trial, given, like, name)


def spoiled(array: Native) -> Mask:
    """Per channel, (C, 1): whether it holds a NaN or an infinity."""
    return np.asarray(~np.isfinite(channel_major(array)).all(axis=-1, keepdims=True))


def _offered(trial: Trial, case: Case, like: Case) -> tuple[str, ...]:
    """The quantities that have a bound and that the implementation returns; what is missing is told by other laws."""
    limits, outcome = trial.bounds(like), trial.outcome(case)
    return tuple(name for name in QUANTITIES if name in limits and outcome.quantity(name) is not None)


def _finite(array: Native) -> Native:
    """0 in the place of every special value."""
    return np.asarray(np.where(np.isfinite(array), array, array.dtype.type(0)))


def _without(array: Native, where: Mask) -> Native:
    """0 in the place of whole channels."""
    return from_channel_major(np.where(where, 0.0, channel_major(array)), array.shape, array.dtype)


def _without_spoiled_channels(case: Case) -> Case:
    dy = case.dy if case.dy is None else _without(case.dy, spoiled(case.dy))
    return case.changed(x=_without(case.x, spoiled(case.x)), dy=dy)


def _moved_to_dy(case: Case) -> Case:
    """The special values of x in dy instead."""
    if case.dy is None:
        return case
    return case.changed(
        x=_finite(case.x), dy=np.where(np.isfinite(case.x), case.dy, case.x).astype(case.dy.dtype)
    )


SPECIAL_VALUES = (
    special_values_stay_in_their_channel,
    special_values_are_not_swallowed,
    special_values_in_evaluation_stay_where_they_are,
    special_values_of_the_cotangent_stay_in_their_channel,
)
