"""Causes in the variance and the mean of a batch."""

from __future__ import annotations

import numpy as np

from bncheck.case import Native
from bncheck.causes.made import cause
from bncheck.causes.parts import unbiased
from bncheck.planted.numpy_layer import Layer, Made, Rows, average, squares, total


def _unbiased(rows: Rows, mean: Rows) -> Rows:
    return unbiased(squares(rows, mean), rows.shape[1])


def _by_samples(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    mean = average(rows)
    return mean, np.asarray(total((rows - mean) ** 2) / rows.dtype.type(x.shape[0]))


VARIANCE_CAUSES = (
    cause(
        "variance.unbiased_and_tracked_twice",
        "The output is normalised with the unbiased variance, which is made unbiased once more before it is tracked.",
        2,
        variance=_unbiased,
    ),
    cause(
        "variance.in_place_of_the_deviation",
        "The output is divided by the variance plus eps instead of its root.",
        inverse=lambda variance, eps: 1 / (variance + eps),
    ),
    cause(
        "variance.deviation_in_its_place",
        "The standard deviation stands for the variance under the root.",
        inverse=lambda variance, eps: 1 / np.sqrt(np.sqrt(variance) + eps),
    ),
    cause(
        "variance.multiplied",
        "The output is multiplied by the deviation instead of divided.",
        inverse=lambda variance, eps: np.sqrt(variance + eps),
    ),
    cause(
        "variance.ignored",
        "The output is not divided by any deviation.",
        inverse=lambda variance, _eps: np.ones_like(variance),
    ),
    cause(
        "variance.sum_of_squares",
        "The sum of squares is not divided by the number of values.",
        variance=lambda rows, mean: total((rows - mean) ** 2),
    ),
    cause(
        "variance.divided_by_the_samples",
        "The sum of squares is divided by the number of samples, without the positions.",
        moments=_by_samples,
    ),
    cause(
        "variance.of_absolute_deviations",
        "The mean absolute deviation stands for the variance.",
        2,
        variance=lambda rows, mean: average(np.abs(rows - mean)),
    ),
    cause(
        "variance.about_the_running_mean",
        "The variance is taken about the running mean.",
        moments=lambda layer, rows, x, made: (
            average(rows),
            squares(rows, layer.statistic(made.running_mean, rows.dtype, x)),
        ),
    ),
    cause(
        "variance.about_the_median",
        "The variance is taken about the median.",
        2,
        variance=lambda rows, _mean: squares(rows, np.median(rows, axis=1, keepdims=True)),
    ),
    cause(
        "variance.divided_by_one_more",
        "The sum of squares is divided by n + 1.",
        variance=lambda rows, mean: total((rows - mean) ** 2) / rows.dtype.type(rows.shape[1] + 1),
    ),
    cause(
        "variance.unbiased_in_evaluation",
        "The running variance is made unbiased once more before it normalises in evaluation.",
        2,
        eval_moments=lambda rows, mean, var, _made: (mean, unbiased(var, rows.shape[1])),
    ),
)


MEAN_CAUSES = (
    cause(
        "mean.not_subtracted",
        "The mean is not subtracted.",
        affine=lambda s: s.gamma * (s.rows * s.r) + s.beta,
        eval_affine=lambda s: s.gamma * (s.rows * s.r) + s.beta,
    ),
    cause(
        "mean.not_subtracted_in_training",
        "The mean is not subtracted in training.",
        2,
        affine=lambda s: s.gamma * (s.rows * s.r) + s.beta,
    ),
    cause(
        "mean.not_subtracted_in_evaluation",
        "The mean is not subtracted in evaluation.",
        2,
        eval_affine=lambda s: s.gamma * (s.rows * s.r) + s.beta,
    ),
    cause(
        "mean.added",
        "The mean is added instead of subtracted.",
        both=lambda s: s.gamma * ((s.rows + s.mean) * s.r) + s.beta,
    ),
    cause(
        "mean.median",
        "The median stands for the mean.",
        mean=lambda rows: np.median(rows, axis=1, keepdims=True),
    ),
    cause(
        "mean.divided_by_one_less",
        "The mean is the sum divided by n - 1.",
        mean=lambda rows: total(rows) / rows.dtype.type(max(rows.shape[1] - 1, 1)),
    ),
    cause(
        "mean.divided_by_the_samples",
        "The mean is the sum divided by the number of samples, without the positions.",
        moments=lambda _layer, rows, x, _made: (
            mean := np.asarray(total(rows) / rows.dtype.type(x.shape[0])),
            squares(rows, mean),
        ),
    ),
    cause(
        "mean.without_the_last_value",
        "The mean leaves out the last value of each channel.",
        mean=lambda rows: average(rows[:, :-1]) if rows.shape[1] > 1 else average(rows),
    ),
    cause(
        "mean.without_the_first_value",
        "The mean leaves out the first value of each channel.",
        mean=lambda rows: average(rows[:, 1:]) if rows.shape[1] > 1 else average(rows),
    ),
    cause(
        "mean.of_magnitudes", "The mean is that of the magnitudes.", mean=lambda rows: average(np.abs(rows))
    ),
    cause(
        "mean.of_the_largest",
        "The largest value stands for the mean.",
        mean=lambda rows: rows.max(axis=1, keepdims=True),
    ),
)
