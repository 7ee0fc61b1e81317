"""Planted bugs of dtypes: what is computed or stored in too narrow a format, and outputs of the wrong dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import PRECISION
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Layer, Made, Rows, Saved, average, column, squares, stored, total

HALVES = ("float16", "bfloat16")


def _single(_x: Native) -> np.dtype[Any]:
    return np.dtype(np.float32)


def _own(x: Native) -> np.dtype[Any]:
    return x.dtype


def _own_without_gamma(s: Saved) -> Rows:
    """Without gamma everything but the statistics is in the dtype of x."""
    if s.made.gamma is not None:
        return np.asarray(s.gamma * s.xhat + s.beta)
    narrow = s.x.dtype
    xhat = (s.rows - s.mean).astype(narrow) * s.r.astype(narrow)
    return np.asarray(xhat.astype(s.rows.dtype))


def _saved_in_x_dtype(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    mean, variance = average(rows), squares(rows, average(rows))
    return mean.astype(x.dtype).astype(rows.dtype), variance.astype(x.dtype).astype(rows.dtype)


def _sums_in_x_dtype(rows: Rows, dtype: np.dtype[Any]) -> Rows:
    summed = np.add.accumulate(rows.astype(dtype), axis=1, dtype=dtype)[:, -1:]
    return np.asarray(summed.astype(rows.dtype) / rows.shape[1])


def _moments_of_narrow_sums(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    mean = _sums_in_x_dtype(rows, x.dtype)
    return mean, _sums_in_x_dtype((rows - mean) ** 2, x.dtype)


def _through_half(made: Made, name: str, values: Native) -> None:
    """float16 ends at 65504."""
    stored(made, name, values.astype(np.float16))


def _read_through_half(vector: Native, dtype: np.dtype[Any], x: Native) -> Rows:
    """Statistics and parameters are brought to the dtype of x first."""
    return column(vector.astype(x.dtype), dtype)


def _rounded_increment(old: Rows, new: Rows, w: Any) -> Rows:
    """The increment is rounded to float16, where small ones are lost."""
    step = (w * (new - old)).astype(np.float16)
    return np.asarray(old + step.astype(old.dtype))


def _single_root(variance: Rows, eps: Any) -> Rows:
    return np.asarray((1 / np.sqrt((variance + eps).astype(np.float32))).astype(variance.dtype))


def _single_bessel(s: Saved) -> Rows:
    m = s.rows.shape[1]
    return np.asarray(s.variance * s.variance.dtype.type(np.float32(m) / np.float32(m - 1)))


def _single_dgamma(dy: Rows, s: Saved) -> Rows:
    return np.asarray(total((dy * s.xhat).astype(np.float32)).astype(dy.dtype))


def _large_variances_in_half(made: Made, name: str, values: Native) -> None:
    if name == "running_var":
        values = np.where(values > 65504, values.astype(np.float16), values)
    stored(made, name, values)


PRECISION_BUGS = (
    Bug(
        "dtype.float64_in_float32",
        "float64 inputs are computed in float32.",
        PRECISION,
        "Oneflow-Inc/oneflow#9381",
        layer(arithmetic=_single),
        dtypes=("float64",),
    ),
    Bug(
        "dtype.half_in_half",
        "Half-precision inputs are computed in their own dtype throughout.",
        PRECISION,
        "PaddlePaddle/Paddle#36691",
        layer(arithmetic=_own),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.sums_in_half",
        "The sums of half-precision inputs are taken in their own dtype.",
        PRECISION,
        "tensorflow/tensorflow#55738",
        layer(moments=_moments_of_narrow_sums),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.statistics_of_the_batch_in_half",
        "Mean and variance of the batch are rounded to the dtype of x before they are used.",
        PRECISION,
        "pytorch/pytorch#84013",
        layer(moments=_saved_in_x_dtype),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.output_float32",
        "The output of half-precision inputs is float32.",
        PRECISION,
        "pytorch/xla#8496",
        layer(output=lambda y, _x, _made: y.astype(np.float32)),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.output_of_the_parameters",
        "The output has the dtype of gamma.",
        PRECISION,
        "pytorch/pytorch#154887",
        layer(output=lambda y, x, made: y.astype(x.dtype if made.gamma is None else made.gamma.dtype)),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.output_through_half",
        "The output passes through float16.",
        PRECISION,
        "pytorch/pytorch#62594",
        layer(output=lambda y, x, _made: y.astype(np.float16).astype(x.dtype)),
        dtypes=("float32", "bfloat16"),
    ),
    Bug(
        "dtype.dx_float32",
        "dx of half-precision inputs is float32.",
        PRECISION,
        "pytorch/pytorch#179306",
        layer(dx_output=lambda dx, _x: dx.astype(np.float32)),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.running_statistics_in_half",
        "float32 running statistics pass through float16 in each update, where variances above 65504 are infinite.",
        PRECISION,
        "apple/coreai-torch#54",
        layer(stored=_through_half),
        dtypes=("float32", "float16"),
    ),
    Bug(
        "dtype.running_statistics_read_in_half",
        "The running statistics are rounded to the dtype of x before they are used.",
        PRECISION,
        "pytorch/pytorch#167750",
        layer(statistic=_read_through_half),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.parameters_read_in_half",
        "gamma and beta are rounded to the dtype of x before they are used.",
        PRECISION,
        "PaddlePaddle/Paddle#36691",
        layer(parameter=_read_through_half),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.half_without_gamma",
        "Without gamma half-precision inputs are normalised in their own dtype.",
        PRECISION,
        "pytorch/pytorch#61962",
        layer(both=_own_without_gamma),
        dtypes=HALVES,
    ),
    Bug(
        "dtype.increments_in_half",
        "The increments of the running statistics are rounded to float16.",
        PRECISION,
        "pytorch/pytorch#194024",
        layer(blend=_rounded_increment),
    ),
    Bug(
        "dtype.large_variances_in_half",
        "Running variances above 65504 are stored as infinity.",
        PRECISION,
        "apple/coreai-torch#54",
        layer(stored=_large_variances_in_half),
    ),
    Bug(
        "dtype.inverse_root_in_float32",
        "The inverse root of float64 inputs is computed in float32.",
        PRECISION,
        "pytorch/pytorch#147303",
        layer(inverse=_single_root),
        dtypes=("float64",),
    ),
    Bug(
        "dtype.bessel_in_float32",
        "The factor n / (n - 1) of float64 inputs is rounded to float32.",
        PRECISION,
        "pytorch/pytorch#194024",
        layer(tracked=_single_bessel),
        dtypes=("float64",),
    ),
    Bug(
        "dtype.dgamma_in_float32",
        "dgamma of float64 inputs is summed in float32.",
        PRECISION,
        "pytorch/pytorch#156513",
        layer(dgamma=_single_dgamma),
        dtypes=("float64",),
    ),
    Bug(
        "dtype.running_statistics_in_float32",
        "The running statistics of float64 inputs pass through float32 in each update.",
        PRECISION,
        "pytorch/pytorch#194024",
        layer(blend=lambda old, new, w: ((1 - w) * old + w * new).astype(np.float32).astype(old.dtype)),
        dtypes=("float64",),
    ),
)
