"""The law of populations: the statistics of small batches are, on average, those of what the batches are drawn from."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from bncheck.case import Case, Native, channel_major, from_channel_major
from bncheck.comparison import Comparison
from bncheck.law import law
from bncheck.properties.relation import channel_bound, equal, exact_sum
from bncheck.properties.symmetries import is_finite
from bncheck.reference.bounds import Bound
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import Array
from bncheck.reference.problem import as_pair
from bncheck.regions import TRAINING
from bncheck.shapes import fitted_shape
from bncheck.trial import Trial

SIZES = (3, 4, 5)
# An evaluation, and how many of its channels count; the rest only make up the number.
Part = tuple[Case, int]


@law(
    "statistics.unbiased",
    region=TRAINING,
    source="Ioffe and Szegedy 2015, Algorithm 2, line 10: Var[x] = m / (m - 1) E[var]",
    needs=("train", "statistics"),
)
def statistics_of_small_batches_are_unbiased(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Over all batches of n = K - 1 of K values, what running_mean and running_var track averages to the mean of the K
    values and to S = sum (v - mean)^2 / (K - 1); in a biased dialect to (n - 1) / n S.

    The variance of n values is the sum over their pairs of (v_j - v_k)^2 / (n (n - 1)), and each pair is in K - 2 = n - 1
    of the K batches; so the K variances sum to the sum over all pairs over n, which is K S.  K is 3 to 5, and each batch
    is a channel, so that one evaluation holds them all.  Their sum may be off by the sum of their bounds.
    """
    if case.running_mean is None or case.running_var is None:
        return
    values = _population(case, trial)
    parts = list(_parts(case, trial, values))
    if not parts:
        return
    (weight,) = case.weights()
    for name, statistic in _moments(
        values, biased=trial.implementation.dialect.biased(parts[0][0].x.ndim)
    ).items():
        limits = [_counted(trial.bounds(part)[name], counted) for part, counted in parts]
        if not all(limit.judged.all() for limit in limits):
            continue
        old = Fraction(float(getattr(parts[0][0], name)[0]))
        expected = len(values) * ((1 - weight) * old + weight * statistic)
        signal = len(values) * weight * (statistic if name == "running_var" else statistic - old)
        allowed = sum(float(limit.largest.sum()) for limit in limits)
        found = np.concatenate([trial.rows(part, name)[:counted] for part, counted in parts])
        limit = channel_bound(_one(allowed), _one(abs(float(signal))), np.ones((1, 1), dtype=bool))
        yield equal(f"sum({name})", exact_sum(found.T), _exactly(expected), limit)


def _population(case: Case, trial: Trial) -> Array:
    """The first values of the batch, a channel after the other; the fewest where channels or shapes are not free."""
    offered = trial.capabilities
    free = offered.channels is None and not offered.compiles
    return np.resize(channel_major(case.x), SIZES[case.count % len(SIZES)] if free else SIZES[0])


def _moments(values: Array, *, biased: bool) -> dict[str, Fraction]:
    """Exactly: the mean, and the variance that is tracked on average."""
    numbers = [Fraction(float(value)) for value in values]
    mean = sum(numbers, Fraction(0)) / len(numbers)
    squares = sum(((number - mean) ** 2 for number in numbers), Fraction(0))
    count = len(numbers) - 1
    return {
        "running_mean": mean,
        "running_var": squares / count * (Fraction(count - 1, count) if biased else 1),
    }


def _parts(case: Case, trial: Trial, values: Array) -> Iterator[Part]:
    """The values without one of them, a channel for each, in as many evaluations as the number of channels takes."""
    offered, size = trial.capabilities, len(values)
    channels = size if offered.channels is None else offered.channels
    dtype = _parameter_dtype(case, trial)
    if dtype is None:
        return
    shape = fitted_shape((size - 1, channels), offered.ranks)
    batches = np.stack([np.delete(values, left_out) for left_out in range(size)])
    for start in range(0, size, channels):
        rows = np.resize(batches[start : start + channels], (channels, size - 1))
        make = partial(_with_batches, rows=rows, shape=shape, dtype=dtype)
        part = trial.derive(case, f"{size} values from {start} in {shape}, {dtype}", make)
        yield trial.without_gradients(part), min(channels, size - start)


def _parameter_dtype(case: Case, trial: Trial) -> np.dtype[Any] | None:
    """That of gamma, beta and the statistics.

    Where the target compiles, as its ladder has it for 3 channels of 2 values; None where the case cannot be made so.
    """
    assert case.running_mean is not None and case.running_var is not None
    if not trial.capabilities.compiles:
        return case.running_mean.dtype
    dtype = case.x.dtype if trial.capabilities.uniform else case.running_mean.dtype
    whole = case.affine and all(
        is_finite(each.astype(dtype)) for each in (case.running_mean, case.running_var)
    )
    return dtype if whole else None


def _with_batches(case: Case, *, rows: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Case:
    """Rows as the channels of a case, each with the parameters and statistics of the first channel; dy is 1."""
    x = from_channel_major(rows, shape, case.x.dtype)
    vectors: dict[str, Native | None] = {
        name: getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var")
    }
    return case.changed(
        x=x,
        dy=np.ones_like(x),
        **{
            name: None if vector is None else np.resize(vector[:1].astype(dtype), len(rows))
            for name, vector in vectors.items()
        },
    )


def _counted(bound: Bound, channels: int) -> Bound:
    return Bound(bound.largest[:channels], bound.scale[:channels], bound.judged[:channels])


def _one(value: float) -> Array:
    return np.full((1, 1), value)


def _exactly(value: Fraction) -> DoubleDouble:
    high, low = as_pair(value)
    return DoubleDouble(_one(high), _one(low))
