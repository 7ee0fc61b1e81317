"""Laws of what stands where in a batch: the order of its values and channels, copies of it, and other channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from bncheck.case import Case, Native, channel_major, from_channel_major
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import (
    arranged,
    equal,
    exactly,
    follows,
    offered,
    scaled,
    sum_of,
)
from bncheck.reference.double_double import DoubleDouble
from bncheck.regions import TRAINING
from bncheck.shapes import LADDER, fitted_shape
from bncheck.trial import Trial, shape_of

PAPER = "Ioffe and Szegedy 2015, Algorithm 1: mu and var are sums over the batch, of one channel each"
PER_CHANNEL = ("gamma", "beta", "running_mean", "running_var")
ALL = slice(None)


@law("symmetry.batch_order", region=TRAINING, source=PAPER, needs=("train", "some_train_bounds"))
def order_within_a_batch_does_not_matter(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With the values of each channel in another order, along N and in space, y and dx are in that order too; the
    statistics, dgamma and dbeta are the same.

    A bound holds for every order of summation, so both evaluations have the same one.
    """
    order = shuffled(case.count)
    other = trial.derive(case, "in another order", lambda case: with_columns(case, order, case.x.shape))
    limits = trial.bounds(case)
    for name in offered(case, trial):
        columns = order if name in {"y", "dx"} else ALL
        limit = arranged(limits[name], ALL, columns)
        expected = exactly(trial.rows(case, name)[:, columns])
        yield compare(name, trial.rows(other, name), expected, sum_of(limit, limit), shape_of(name, other))


def shuffled(count: int) -> Native:
    """A fixed order of that many positions, never the one they have."""
    order = np.argsort(np.random.PCG64(count).random_raw(count))
    return order[::-1] if np.array_equal(order, np.arange(count)) else order


def with_columns(case: Case, columns: Any, shape: tuple[int, ...]) -> Case:
    """The chosen values of every channel, x and dy alike, in the order in which they are named."""
    x = from_channel_major(channel_major(case.x)[:, columns], shape, case.x.dtype)
    if case.dy is None:
        return case.changed(x=x)
    return case.changed(x=x, dy=from_channel_major(channel_major(case.dy)[:, columns], shape, case.dy.dtype))


@law(
    "symmetry.channel_order",
    region=TRAINING,
    source=PAPER,
    needs=("train", "other_channels", "some_train_bounds"),
)
def order_of_the_channels_does_not_matter(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With the channels of x, dy, gamma, beta and the statistics moved on by one, every quantity is moved on by one.

    A bound is that of its channel alone, so it moves with it.  One channel has one order, and decides nothing.
    """
    if case.channels < 2:
        return
    order = np.roll(np.arange(case.channels), 1)
    other = trial.derive(case, "channels moved on by one", lambda case: with_channels(case, order))
    limits = trial.bounds(case)
    for name in offered(case, trial):
        limit, expected = arranged(limits[name], order), exactly(trial.rows(case, name)[order])
        yield compare(name, trial.rows(other, name), expected, sum_of(limit, limit), shape_of(name, other))


def with_channels(case: Case, order: Native) -> Case:
    """The channels in another order, with their gamma, beta and statistics."""
    vectors = {name: getattr(case, name) for name in PER_CHANNEL}
    return case.changed(
        x=np.ascontiguousarray(case.x[:, order]),
        dy=None if case.dy is None else np.ascontiguousarray(case.dy[:, order]),
        **{name: None if vector is None else vector[order] for name, vector in vectors.items()},
    )


@law("symmetry.duplication", region=TRAINING, source=PAPER, needs=("train", "some_train_bounds"))
def a_batch_beside_its_copies_is_the_same_batch(case: Case, trial: Trial) -> Iterator[Comparison]:
    """BN of k copies of a batch is k copies of BN of the batch, and so is dx; dgamma and dbeta are k times as large.

    The mean is the same, and so is running_mean; running_var tracks k m / (k m - 1) var in place of m / (m - 1) var,
    in a biased dialect the same.  k is 2, or what the shapes of a target that compiles allow.
    """
    found = _copies(case, trial)
    if found is None:
        return
    part, whole, times = found
    here, there = trial.bounds(part), trial.bounds(whole)
    for name in offered(part, trial):
        shape, rows = shape_of(name, whole), trial.rows(part, name)
        if name == "running_var":
            yield follows(part, whole, trial, name)
            continue
        columns = np.tile(np.arange(part.count), times) if name in {"y", "dx"} else ALL
        factor = float(times) if name in {"dgamma", "dbeta"} else 1.0
        expected = DoubleDouble.of(rows[:, columns]) * DoubleDouble.of(factor * np.ones((1, 1)))
        limit = sum_of(scaled(arranged(here[name], ALL, columns), factor), there[name])
        yield equal(name, DoubleDouble.of(trial.rows(whole, name)), expected, limit, shape)


def _copies(case: Case, trial: Trial) -> tuple[Case, Case, int] | None:
    """A batch, the same batch several times over, and how many times; None where the shapes do not allow it."""
    if not trial.capabilities.compiles:
        shape = (2 * case.x.shape[0], *case.x.shape[1:])
        columns = np.tile(np.arange(case.count), 2)
        return case, trial.derive(case, "twice", lambda case: with_columns(case, columns, shape)), 2
    for shape in _compiled_shapes(case, trial):
        count = prod(shape) // case.channels
        if count > case.count and count % case.count == 0:
            return case, _filled(case, trial, case.count, shape), count // case.count
        if count < case.count and case.count % count == 0:
            whole = _filled(case, trial, count, case.x.shape)
            return _filled(case, trial, count, shape), whole, case.count // count
    return None


def _filled(case: Case, trial: Trial, count: int, shape: tuple[int, ...]) -> Case:
    """The first `count` values of each channel, again and again until a shape is full."""
    columns = np.arange(prod(shape) // case.channels) % count
    name = f"{count} values again in {shape}"
    return trial.derive(case, name, lambda case: with_columns(case, columns, shape))


def _compiled_shapes(case: Case, trial: Trial) -> list[tuple[int, ...]]:
    """The shapes that are compiled for such a case anyway, as they stand in the ladder."""
    ranks = trial.capabilities.ranks
    plans = [(fitted_shape(plan.shape, ranks), plan) for plan in LADDER if plan.shape[1] == case.channels]
    kinds = {(plan.affine, plan.mixed) for shape, plan in plans if shape == case.x.shape}
    return [shape for shape, plan in plans if (plan.affine, plan.mixed) in kinds]


@law(
    "symmetry.independence",
    region=TRAINING,
    source=PAPER,
    needs=("train", "other_channels", "some_train_bounds"),
)
def a_channel_does_not_depend_on_the_others(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With all channels but c replaced, x, dy, gamma, beta and statistics alike, every quantity of channel c is the same.

    Its bound is that of the channel alone, and the same.  c is the number of values modulo that of channels.
    """
    if case.channels < 2:
        return
    kept, given = case.count % case.channels, trial.capabilities.set_statistics
    name = f"all channels but {kept} replaced" + (", their statistics too" if given else "")
    other = trial.derive(case, name, lambda case: _among_strangers(case, kept, statistics=given))
    limits, rows = trial.bounds(case), slice(kept, kept + 1)
    for quantity in offered(case, trial):
        limit, expected = arranged(limits[quantity], rows), exactly(trial.rows(case, quantity)[rows])
        actual, shape = trial.rows(other, quantity)[rows], shape_of(quantity, other)
        yield _of_channel(kept, compare(quantity, actual, expected, sum_of(limit, limit), shape))


def _among_strangers(case: Case, kept: int, *, statistics: bool) -> Case:
    """3 - v / 4 in place of every value v of the other channels, 3 + v / 4 in place of a variance."""
    names = ("x", "dy", "gamma", "beta", *(("running_mean",) if statistics else ()))
    changed = {name: _replaced(getattr(case, name), kept, -0.25) for name in names}
    if statistics:
        changed["running_var"] = _replaced(case.running_var, kept, 0.25)
    return case.changed(**changed)


def _replaced(array: Native | None, kept: int, factor: float) -> Native | None:
    if array is None:
        return None
    channels = np.arange(array.shape[1] if array.ndim > 1 else len(array))
    own = (channels == kept).reshape(-1, *(1,) * max(array.ndim - 2, 0))
    other = (3.0 + factor * array.astype(np.float64)).astype(array.dtype)
    return np.where(own, array, other)


def _of_channel(channel: int, found: Comparison) -> Comparison:
    """A comparison of that channel alone, whose worst element is told by its place among all channels."""
    if found.worst is None:
        return found
    index = found.worst.index
    place = (channel,) if len(index) == 1 else (index[0], channel, *index[2:])
    return replace(found, worst=replace(found.worst, index=place))


ARRANGEMENTS = (
    order_within_a_batch_does_not_matter,
    order_of_the_channels_does_not_matter,
    a_batch_beside_its_copies_is_the_same_batch,
    a_channel_does_not_depend_on_the_others,
)
