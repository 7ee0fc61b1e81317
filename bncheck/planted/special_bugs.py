"""Planted bugs of one value a channel, of empty batches, and of NaN and infinities."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import EMPTY, SINGLE, SPECIAL
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Layer, Made, Rows, Saved, bessel, checked, stored, total


def _any_count(made: Made, x: Native, _training: bool) -> None:
    """One value a channel is let pass."""
    checked(made, x, False)  # noqa: FBT003 - as in evaluation


def _strict(made: Made, x: Native, _training: bool) -> None:
    """One value a channel is refused in evaluation too."""
    checked(made, x, True)  # noqa: FBT003 - as in training


def _refused_after_the_update(made: Made, x: Native, training: bool) -> None:
    """One value a channel is refused when the running mean has moved already."""
    if training and x.size == len(made.running_mean) == x.shape[1]:
        made.running_mean[...] = x.reshape(-1).astype(made.running_mean.dtype)
    checked(made, x, training)


def _bessel_of_one(s: Saved) -> Rows:
    m = s.rows.shape[1]
    return np.asarray(s.variance * (s.variance.dtype.type(m) / s.variance.dtype.type(m - 1)))


def _bessel_unless_one(s: Saved) -> Rows:
    return s.variance if s.rows.shape[1] == 1 else bessel(s.variance, s.rows.shape[1])


def _identity_of_one(s: Saved) -> Rows:
    return s.rows if s.rows.shape[1] == 1 else np.asarray(s.gamma * s.xhat + s.beta)


def _goes_on(_made: Made, _x: Native) -> None:
    """An empty batch is computed like any other."""


def _fades(made: Made, x: Native) -> Native:
    """An empty batch is one whose mean and variance are 0."""
    keep = 1 - (made.config.momentum or 0.1)
    made.running_mean[...] = made.running_mean * made.running_mean.dtype.type(keep)
    made.running_var[...] = made.running_var * made.running_var.dtype.type(keep)
    return x.copy()


def _divides(made: Made, x: Native) -> Native:
    per_channel = x.size // x.shape[1]
    made.extra["share"] = 1 // per_channel
    return x.copy()


def _nan_of_nothing(made: Made, x: Native) -> Native:
    made.running_mean[...] = np.nan
    return x.copy()


def _without_nan(rows: Rows) -> Rows:
    return np.asarray(np.nan_to_num(rows, nan=0.0, posinf=np.inf, neginf=-np.inf))


def _swallowed(y: Native, x: Native, _made: Made) -> Native:
    """fmax(0, NaN) is 0: min and max of a fused activation take the number."""
    return np.asarray(np.where(np.isnan(y), 0, y).astype(x.dtype))


def _clipped(x: Native, axis: int) -> Rows:
    largest = np.finfo(np.float16).max if x.dtype == np.float16 else np.float32(3e38)
    rows = Layer().read(x, axis)
    return np.asarray(np.where(np.isinf(rows), np.sign(rows) * largest.astype(rows.dtype), rows))


def _mean_of_numbers(_layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    """NaN is left out of mean and variance."""
    mean = np.nanmean(rows, axis=1, keepdims=True, dtype=rows.dtype)
    return mean, np.nanmean((rows - mean) ** 2, axis=1, keepdims=True, dtype=rows.dtype)


def _trace_of(rows: Rows) -> Any:
    """0, or NaN where any channel holds one: all channels share a sum."""
    return rows.dtype.type(np.nan if np.isnan(rows).any() else 0)


def _spread(s: Saved) -> Rows:
    return np.asarray(s.gamma * s.xhat + s.beta + _trace_of(s.xhat))


def _spread_backward(dy: Rows, s: Saved) -> Rows:
    return np.asarray(total(dy * s.xhat) + _trace_of(dy * s.xhat))


def _zero_variance(s: Saved) -> Rows:
    """xhat of a constant channel is 0 / 0."""
    return np.asarray(s.gamma * s.xhat * (s.variance / s.variance) + s.beta)


def _skips_nan(made: Made, name: str, values: Native) -> None:
    """A statistic that is not finite leaves the one before it."""
    old: Native = getattr(made, name)
    stored(made, name, np.where(np.isfinite(values), values, old.astype(values.dtype)))


SPECIAL_BUGS = (
    Bug(
        "special_values.one_value_makes_nan",
        "One value a channel is taken, and the running variance becomes NaN.",
        SINGLE,
        "pytorch/pytorch#1381",
        layer(checked=_any_count, tracked=_bessel_of_one),
    ),
    Bug(
        "special_values.one_value_has_variance_zero",
        "One value a channel is taken, and the running variance moves towards 0.",
        SINGLE,
        "ROCm/rocm-libraries#3030",
        layer(checked=_any_count, tracked=_bessel_unless_one),
    ),
    Bug(
        "special_values.one_value_passes",
        "One value a channel passes as it is, without gamma and beta.",
        SINGLE,
        "PaddlePaddle/Paddle#14630",
        layer(checked=_any_count, tracked=_bessel_unless_one, affine=_identity_of_one),
    ),
    Bug(
        "validation.one_value_in_evaluation",
        "One value a channel is refused in evaluation too.",
        SINGLE,
        "pytorch/pytorch#156051",
        layer(checked=_strict),
        expected="crashed",
    ),
    Bug(
        "validation.refused_after_the_update",
        "One value a channel is refused when the running mean has moved already.",
        SINGLE,
        "FluxML/Flux.jl#2716",
        layer(checked=_refused_after_the_update),
    ),
    Bug(
        "special_values.empty_batch_makes_nan",
        "An empty batch is computed like any other, which makes the running statistics NaN.",
        EMPTY,
        "pytorch/pytorch#12013",
        layer(empty=_goes_on),
    ),
    Bug(
        "special_values.empty_batch_makes_the_mean_nan",
        "An empty batch makes the running mean NaN.",
        EMPTY,
        "google-deepmind/sonnet#125",
        layer(empty=_nan_of_nothing),
    ),
    Bug(
        "special_values.empty_batch_fades",
        "An empty batch counts as one of zeros, so that the running statistics fade.",
        EMPTY,
        "pytorch/pytorch#8933",
        layer(empty=_fades),
    ),
    Bug(
        "crash.empty_batch",
        "An empty batch divides an integer by zero.",
        EMPTY,
        "pytorch/pytorch#120882",
        layer(empty=_divides),
    ),
    Bug(
        "special_values.nan_is_zero",
        "NaN in the input is taken for 0.",
        SPECIAL,
        "pytorch/pytorch#154708",
        layer(read=lambda x, axis: _without_nan(Layer().read(x, axis))),
    ),
    Bug(
        "special_values.nan_is_swallowed",
        "NaN in the output becomes 0.",
        SPECIAL,
        "FluxML/Flux.jl#2071",
        layer(output=_swallowed),
    ),
    Bug(
        "special_values.infinity_is_clipped",
        "Infinities in the input are the largest number.",
        SPECIAL,
        "pytorch/pytorch#115500",
        layer(read=_clipped),
    ),
    Bug(
        "special_values.nan_is_left_out",
        "NaN is left out of mean and variance.",
        SPECIAL,
        "FluxML/NNlib.jl#509",
        layer(moments=_mean_of_numbers),
    ),
    Bug(
        "special_values.nan_spreads",
        "NaN in one channel makes all channels NaN.",
        SPECIAL,
        "pytorch/pytorch#90342",
        layer(affine=_spread),
    ),
    Bug(
        "special_values.nan_spreads_backward",
        "NaN in one channel makes dgamma of all channels NaN.",
        SPECIAL,
        "pytorch/pytorch#90342",
        layer(dgamma=_spread_backward),
    ),
    Bug(
        "special_values.constant_channel_is_nan",
        "The output of a constant channel is NaN.",
        SPECIAL,
        "ROCm/pytorch#657",
        layer(affine=_zero_variance),
    ),
    Bug(
        "special_values.nan_batch_is_skipped",
        "A batch statistic that is not finite leaves the running one as it was.",
        SPECIAL,
        "pytorch/pytorch#115500",
        layer(stored=_skips_nan),
    ),
)
