"""Causes in what the running statistics track."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.adapter import Config, State
from bncheck.case import Native
from bncheck.causes.cause import SOUND, Cause
from bncheck.causes.made import cause
from bncheck.planted.numpy_layer import (
    Made,
    Rows,
    Saved,
    average,
    bessel,
    fresh,
    given,
    squares,
    stored,
    total,
)


def _exchanged(made: Made, name: str, values: Native) -> None:
    stored(made, "running_var" if name == "running_mean" else "running_mean", values)


def _about_running_mean(s: Saved) -> Rows:
    held = s.made.running_mean.astype(s.rows.dtype).reshape(-1, 1)
    return bessel(squares(s.rows, held), s.rows.shape[1])


def _by(share: Any) -> Any:
    """The variance times a share that depends on the number of values m and of samples n."""

    def tracked(s: Saved) -> Rows:
        return np.asarray(s.variance * s.variance.dtype.type(share(s.rows.shape[1], s.x.shape[0])))

    return tracked


def _mean_tracked(detail: str, text: str, tracked: Any, complexity: int = 1) -> Cause:
    return cause(f"running_mean.{detail}", text, complexity, tracked_mean=tracked)


def _var_tracked(detail: str, text: str, tracked: Any, complexity: int = 1) -> Cause:
    return cause(f"running_var.{detail}", text, complexity, tracked=tracked)


def _samples(s: Saved) -> Any:
    return s.rows.reshape(len(s.rows), s.x.shape[0], -1)


def _variance_alone(made: Made) -> None:
    made.running_var[...] = 1
    made.batches = 0


def _new(config: Config) -> Made:
    made = fresh(config)
    made.extra["new"] = True
    return made


def _no_longer_new(made: Made, state: State) -> None:
    given(made, state)
    made.extra["new"] = False


def _with_what_it_started_from(made: Made, name: str, values: Native) -> None:
    """The first batch's share of what the average started from, 1 - w of 1, divided by the weight w of the batch alone."""
    weight = made.config.momentum
    if name == "running_var" and made.extra["new"] and made.batches == 0 and weight:
        values = values + (1 - weight) / weight
    stored(made, name, values)


RUNNING_CAUSES = (
    cause(
        "running_var.debiased_though_it_starts_at_one",
        "The average of the variance starts at 1, and is corrected as one that starts at 0.",
        2,
        fresh=_new,
        given=_no_longer_new,
        stored=_with_what_it_started_from,
    ),
    cause(
        "running_mean.does_not_fade",
        "The new batch is added with its weight while the old mean keeps all of its own.",
        2,
        blend=lambda old, new, w: old + w * new,
        blend_var=SOUND.blend,
    ),
    cause(
        "running_var.does_not_fade",
        "The new batch is added with its weight while the old variance keeps all of its own.",
        2,
        blend_var=lambda old, new, w: old + w * new,
    ),
    cause(
        "running_mean.nothing_updated",
        "Neither running statistic is updated.",
        updates=lambda _made, _training, _differentiated: 0,
    ),
    cause(
        "running_mean.nothing_stored",
        "Neither running statistic moves, while the batches are counted.",
        2,
        stored=lambda _made, _name, _values: None,
    ),
    _mean_tracked(
        "of_the_output",
        "The running mean tracks the mean of the output.",
        lambda s: average(s.gamma * s.xhat + s.beta),
    ),
    _mean_tracked("of_sums", "The running mean tracks sums.", lambda s: total(s.rows)),
    _mean_tracked("negated", "The running mean tracks the negative mean.", lambda s: -s.mean),
    _mean_tracked("zero", "The running mean tracks 0.", lambda s: 0 * s.mean),
    _mean_tracked(
        "unbiased",
        "The running mean tracks the mean times n / (n - 1).",
        lambda s: bessel(s.mean, s.rows.shape[1]),
    ),
    _mean_tracked(
        "of_the_first_sample",
        "The running mean tracks that of the first sample.",
        lambda s: average(_samples(s)[:, 0]),
    ),
    _mean_tracked(
        "of_the_last_sample",
        "The running mean tracks that of the last sample.",
        lambda s: average(_samples(s)[:, -1]),
    ),
    _mean_tracked("of_the_variance", "The running mean tracks the variance.", lambda s: s.variance, 2),
    _mean_tracked(
        "of_squares",
        "The running mean tracks the mean of the squares.",
        lambda s: average(s.rows * s.rows),
        2,
    ),
    _mean_tracked(
        "of_the_median",
        "The running mean tracks the median.",
        lambda s: np.median(s.rows, axis=1, keepdims=True),
        2,
    ),
    _mean_tracked(
        "of_all_channels",
        "The running mean tracks that of all channels.",
        lambda s: np.full_like(s.mean, s.rows.mean()),
        2,
    ),
    cause(
        "running_mean.exchanged_with_running_var",
        "Running mean and running variance are exchanged.",
        stored=_exchanged,
    ),
    _var_tracked(
        "unbiased",
        "The running variance tracks the unbiased variance of the batch.",
        lambda s: bessel(s.variance, s.rows.shape[1]) if s.rows.shape[1] > 1 else s.variance,
    ),
    _var_tracked(
        "about_the_running_mean",
        "The running variance is taken about the running mean.",
        _about_running_mean,
        2,
    ),
    _var_tracked("sum_of_squares", "The running variance tracks the sum of squares.", _by(lambda m, _n: m)),
    _var_tracked(
        "by_two_less",
        "The running variance tracks the sum of squares over n - 2.",
        _by(lambda m, _n: m / (m - 2) if m > 2 else 1),
        2,
    ),
    _var_tracked(
        "by_one_more",
        "The running variance tracks the sum of squares over n + 1.",
        _by(lambda m, _n: m / (m + 1)),
        2,
    ),
    _var_tracked(
        "by_samples",
        "The running variance tracks the sum of squares over the number of samples.",
        _by(lambda m, n: m / n),
        2,
    ),
    _var_tracked(
        "by_samples_less_one",
        "The running variance tracks the sum of squares over the number of samples less one.",
        _by(lambda m, n: m / (n - 1) if n > 1 else 1),
        2,
    ),
    _var_tracked(
        "by_positions",
        "The running variance is made unbiased by the number of positions.",
        _by(lambda m, n: (m // n) / (m // n - 1) if m // n > 1 else 1),
        2,
    ),
    _var_tracked(
        "biased_deviation",
        "The running variance holds the biased standard deviation of the batches.",
        lambda s: np.sqrt(s.variance),
    ),
    _var_tracked("inverse", "The running variance holds 1 / (var + eps).", lambda s: s.r * s.r, 2),
    _var_tracked(
        "squared",
        "The running variance tracks the squared variance.",
        lambda s: bessel(s.variance, s.rows.shape[1]) ** 2,
        2,
    ),
    _var_tracked(
        "of_the_output",
        "The running variance tracks the variance of the normalised values.",
        lambda s: squares(s.xhat, average(s.xhat)),
    ),
    _var_tracked(
        "of_the_scaled_output",
        "The running variance tracks the variance of the output.",
        lambda s: bessel(squares(s.gamma * s.xhat, average(s.gamma * s.xhat)), s.rows.shape[1]),
        2,
    ),
    _var_tracked(
        "with_eps_biased",
        "The running variance tracks the biased var + eps.",
        lambda s: s.variance + s.rows.dtype.type(s.made.config.eps),
    ),
    _var_tracked(
        "with_eps_after",
        "The running variance tracks the unbiased variance plus eps.",
        lambda s: bessel(s.variance, s.rows.shape[1]) + s.rows.dtype.type(s.made.config.eps),
    ),
    _var_tracked(
        "biased_mean_of_squares",
        "The running variance tracks the mean of the squares.",
        lambda s: average(s.rows * s.rows),
    ),
    _var_tracked(
        "of_the_first_sample",
        "The running variance tracks that of the first sample.",
        lambda s: squares(_samples(s)[:, 0], average(_samples(s)[:, 0])),
        2,
    ),
    _var_tracked(
        "of_all_channels",
        "The running variance tracks that of all channels.",
        lambda s: np.full_like(s.variance, s.rows.var()),
        2,
    ),
    _var_tracked("zero", "The running variance tracks 0.", lambda s: 0 * s.variance),
    _var_tracked("one", "The running variance tracks 1.", lambda s: 0 * s.variance + 1),
    cause(
        "running_var.mean_subtracted_late",
        "The running variance is averaged with the distance of the means, as if batches were pooled.",
        2,
        blend_var=None,
        tracked=lambda s: (
            bessel(s.variance, s.rows.shape[1])
            + (s.mean - s.made.running_mean.astype(s.rows.dtype).reshape(-1, 1)) ** 2
        ),
    ),
    cause(
        "running_var.kept_at_least_eps",
        "The running variance is never below eps.",
        2,
        stored=lambda made, name, values: stored(
            made, name, np.maximum(values, made.config.eps) if name == "running_var" else values
        ),
    ),
    cause(
        "running_var.restarts_at_zero_mean_kept",
        "A reset sets the running variance alone.",
        2,
        restarted=_variance_alone,
    ),
)
