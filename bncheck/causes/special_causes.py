"""Causes in the algorithm, and in what becomes of numbers that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    Saved,
    average,
    checked,
    squares,
    stored,
    total,
)


def _one_pass(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(np.maximum(average(rows * rows) - mean * mean, 0))


def _as_sums(rows: Rows, _mean: Rows) -> Rows:
    m = rows.dtype.type(rows.shape[1])
    return np.asarray(np.maximum((total(rows * rows) - total(rows) ** 2 / m) / m, 0))


def _magnitude(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(np.abs(average(rows * rows) - mean * mean))


def _folded(s: Saved) -> Rows:
    scale = s.gamma * s.r
    return np.asarray(scale * s.rows + (s.beta - s.mean * scale))


NUMERICS_CAUSES = (
    cause(
        "numerics.one_pass_of_sums",
        "The variance is (sum(x^2) - sum(x)^2 / n) / n, which cancels far from zero.",
        2,
        variance=_as_sums,
    ),
    cause(
        "numerics.one_pass_absolute",
        "The variance is |mean(x^2) - mean(x)^2|, which cancels far from zero.",
        2,
        variance=_magnitude,
    ),
    cause(
        "numerics.one_pass_folded",
        "The variance is mean(x^2) - mean(x)^2 and the output is folded.",
        2,
        variance=_one_pass,
        both=_folded,
    ),
    cause(
        "numerics.one_pass_unbiased",
        "The variance is (sum(x^2) - n mean^2) / (n - 1), which cancels far from zero.",
        2,
        tracked=lambda s: (
            (total(s.rows * s.rows) - s.rows.shape[1] * s.mean * s.mean)
            / s.rows.dtype.type(max(s.rows.shape[1] - 1, 1))
        ),
    ),
    cause(
        "numerics.decimals",
        "The output is rounded to six decimals.",
        2,
        output=lambda y, x, _made: np.round(y, 6).astype(x.dtype),
    ),
    cause(
        "numerics.four_decimals",
        "The output is rounded to four decimals.",
        2,
        output=lambda y, x, _made: np.round(y, 4).astype(x.dtype),
    ),
    cause(
        "numerics.two_decimals",
        "The output is rounded to two decimals.",
        2,
        output=lambda y, x, _made: np.round(y, 2).astype(x.dtype),
    ),
)


def _where_finite(values: Any, instead: float = 0.0) -> Any:
    return np.where(np.isfinite(values), values, instead)


def _special(detail: str, text: str, complexity: int = 1, **parts: Any) -> Cause:
    return cause(f"special_values.{detail}", text, complexity, **parts)


def _finite_moments(rows: Rows) -> tuple[Rows, Rows]:
    kept = np.where(np.isfinite(rows), rows, np.nan)
    mean = np.nanmean(kept, axis=1, keepdims=True)
    return np.asarray(mean), np.asarray(np.nanmean((kept - mean) ** 2, axis=1, keepdims=True))


def _zero_moments(rows: Rows) -> tuple[Rows, Rows]:
    mean = average(rows)
    return _where_finite(mean), _where_finite(squares(rows, mean), 1.0)


def _is_single(rows: Rows) -> bool:
    return int(rows.shape[1]) == 1


def _counted(made: Made, x: Native, training: bool) -> Native:
    made.extra["single"] = training and x.size == x.shape[1]
    return x


SPECIAL_CAUSES = (
    _special(
        "single_value_passes",
        "In training one value a channel passes as it is, and is not tracked.",
        2,
        checked=lambda made, x, training: checked(made, x, training and x.size != x.shape[1]),
        began=_counted,
        affine=lambda s: s.rows if _is_single(s.rows) else Layer().affine(s),
        updates=lambda made, training, _differentiated: int(training and not made.extra["single"]),
        dx=lambda dy, s: dy if _is_single(s.rows) else Layer().dx(dy, s),
        dgamma=lambda dy, s: 0 * total(dy) if _is_single(s.rows) else Layer().dgamma(dy, s),
        dbeta=lambda dy, s: 0 * total(dy) if _is_single(s.rows) else Layer().dbeta(dy, s),
    ),
    _special(
        "not_finite_is_zero",
        "What is not finite in the input is taken for 0.",
        read=lambda x, axis: _where_finite(Layer().read(x, axis)).astype(x.dtype),
    ),
    _special(
        "numbers_in_place_of_nan",
        "NaN in the input becomes 0 and infinities the largest number.",
        2,
        read=lambda x, axis: np.nan_to_num(Layer().read(x, axis).astype(Layer().arithmetic(x))),
    ),
    _special(
        "output_not_finite_is_zero",
        "What is not finite in the output becomes 0.",
        output=lambda y, x, _made: _where_finite(y).astype(x.dtype),
    ),
    _special(
        "output_numbers_in_place_of_nan",
        "NaN in the output becomes 0 and infinities the largest number.",
        2,
        output=lambda y, x, _made: np.nan_to_num(y).astype(x.dtype),
    ),
    _special(
        "nan_replaced_in_outputs",
        "NaN in the output and in dx becomes 0.",
        2,
        output=lambda y, x, _made: np.nan_to_num(y).astype(x.dtype),
        dx_output=lambda dx, x: np.nan_to_num(dx).astype(x.dtype),
    ),
    _special(
        "nan_replaced_in_dx",
        "NaN in dx becomes 0.",
        2,
        dx_output=lambda dx, x: np.nan_to_num(dx).astype(x.dtype),
    ),
    _special(
        "not_finite_is_left_out",
        "What is not finite is left out of mean and variance.",
        moments=lambda _layer, rows, _x, _made: _finite_moments(rows),
    ),
    _special(
        "statistics_replaced",
        "A mean that is not finite becomes 0, a variance 1.",
        2,
        moments=lambda _layer, rows, _x, _made: _zero_moments(rows),
    ),
    _special(
        "statistics_become_zero",
        "Statistics that are not finite become 0.",
        2,
        moments=lambda _layer, rows, _x, _made: (
            _where_finite(average(rows)),
            _where_finite(squares(rows, average(rows))),
        ),
    ),
    _special(
        "running_replaced",
        "Running statistics that are not finite become 0.",
        2,
        stored=lambda made, name, values: stored(made, name, np.nan_to_num(values)),
    ),
    _special(
        "nan_batch_is_passed",
        "A batch with a number that is not finite passes as it is and is not tracked.",
        2,
        affine=lambda s: s.rows if not np.isfinite(s.rows).all() else s.gamma * s.xhat + s.beta,
        stored=lambda made, name, values: stored(made, name, values) if np.isfinite(values).all() else None,
    ),
    _special(
        "nan_batch_is_not_tracked",
        "A batch with a number that is not finite is not tracked in any channel.",
        2,
        stored=lambda made, name, values: stored(made, name, values) if np.isfinite(values).all() else None,
    ),
    _special(
        "nan_channel_is_zero",
        "The output of a channel with NaN is beta.",
        2,
        affine=lambda s: np.where(np.isnan(s.xhat), 0, s.xhat) * s.gamma + s.beta,
    ),
    _special(
        "constant_channel_is_zero",
        "The output of a constant channel is 0.",
        both=lambda s: np.where(s.variance == 0, 0, s.gamma * s.xhat + s.beta),
    ),
    _special(
        "constant_channel_passes",
        "A constant channel passes as it is.",
        both=lambda s: np.where(s.variance == 0, s.rows, s.gamma * s.xhat + s.beta),
    ),
    _special(
        "constant_channel_has_variance_one",
        "The variance of a constant channel is taken for 1.",
        variance=lambda rows, mean: np.where(squares(rows, mean) == 0, 1, squares(rows, mean)),
    ),
    _special(
        "input_clipped",
        "The input is clipped to 1e4.",
        2,
        read=lambda x, axis: np.clip(Layer().read(x, axis), -1e4, 1e4).astype(x.dtype),
    ),
    _special(
        "nan_spreads_over_the_batch",
        "NaN in one channel makes the statistics of all channels NaN.",
        2,
        moments=lambda _layer, rows, _x, _made: (mean := average(rows) + 0 * rows.sum(), squares(rows, mean)),
    ),
)
