"""Planted bugs of layout and axes: strides, storage offsets, and which values a channel is made of."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import COMPILED, LAYOUT, TUTORIALS
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Layer, Made, Rows, Saved, average, column, squares, to_rows


def _buffer_of(array: Native) -> Native:
    """The whole memory that an array is a view of, as one row."""
    whole: NDArray[Any] = array
    while isinstance(whole.base, np.ndarray):
        whole = whole.base
    return whole.ravel(order="K")


def from_pointer(array: Native) -> Native:
    """As many elements in a row as the array has, from its first element on: its strides are not looked at."""
    whole = _buffer_of(array)
    start = (array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // array.itemsize
    return np.resize(whole[start:], array.size).reshape(array.shape)


def _without_offset(array: Native) -> Native:
    """The strides are right, but the first element is taken for that of the buffer."""
    whole = _buffer_of(array)
    if array.size == whole.size or not array.flags.c_contiguous:
        return array
    return whole[: array.size].reshape(array.shape)


def _in_order_of(dy: Native, x: Native, axis: int) -> Rows:
    """dy read as if its axes lay in memory in the order in which those of x do."""
    order = np.argsort([-stride for stride in x.strides], kind="stable")
    if list(order) == list(range(x.ndim)):
        return to_rows(dy, axis)
    permuted = np.ascontiguousarray(dy).reshape([x.shape[each] for each in order])
    return to_rows(np.transpose(permuted, np.argsort(order)), axis)


def _contiguous_copy(made: Made, name: str, values: Native) -> None:
    """Updates a contiguous array: the statistic itself, or a copy of it that nobody looks at again."""
    held = np.ascontiguousarray(getattr(made, name))
    held[...] = values.astype(held.dtype)


def _statistic_from_pointer(vector: Native, dtype: np.dtype[Any], _x: Native) -> Rows:
    return column(from_pointer(vector), dtype)


def _channels_last_dgamma(dy: Rows, s: Saved) -> Rows:
    """Channels-last input: xhat in the order of its memory meets dy in the order of its axes."""
    if s.x.ndim < 4 or s.x.flags.c_contiguous:
        return np.asarray((dy * s.xhat).sum(axis=1, keepdims=True))
    return np.asarray((dy * s.xhat[:, ::-1]).sum(axis=1, keepdims=True))


def _last_where_as_long(x: Native) -> int:
    return x.ndim - 1 if x.shape[-1] == x.shape[1] else 1


def _last_of_short_ranks(x: Native) -> int:
    return 2 if x.ndim == 3 and x.shape[2] == x.shape[1] else 1


def _batch_where_as_long(x: Native) -> int:
    return 0 if x.ndim == 2 and x.shape[0] == x.shape[1] else 1


def _third_where_as_long(x: Native) -> int:
    return 2 if x.ndim == 5 and x.shape[2] == x.shape[1] else 1


def _of_first_sample(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    kept = rows[:, : prod(x.shape[2:])] if x.ndim > 2 else rows
    mean = average(kept)
    return mean, squares(kept, mean)


def _of_samples(rows: Rows, x: Native) -> NDArray[Any]:
    """(C, N, positions)."""
    return rows.reshape(len(rows), x.shape[0], -1)


def _mean_of_positions(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    """Every sample by its own mean: the variance is that within samples."""
    if x.ndim == 2:
        return average(rows), squares(rows, average(rows))
    samples = _of_samples(rows, x)
    within = samples.var(axis=2, dtype=rows.dtype).mean(axis=1, dtype=rows.dtype)
    return average(rows), within.reshape(-1, 1)


def _variance_of_samples(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    """The variance over the batch axis alone, averaged over positions."""
    samples = _of_samples(rows, x)
    between = samples.var(axis=1, dtype=rows.dtype).mean(axis=1, dtype=rows.dtype)
    return average(rows), between.reshape(-1, 1)


def _of_all_channels(_layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    mean = np.full((len(rows), 1), rows.mean(dtype=rows.dtype))
    return mean, np.full((len(rows), 1), ((rows - mean) ** 2).mean(dtype=rows.dtype))


def _gamma_on_last_axis(s: Saved) -> Rows:
    """gamma of shape (C,) meets the last axis of x, which is as long."""
    if s.x.ndim == 2 or s.x.shape[-1] != s.x.shape[1]:
        return np.asarray(s.gamma * s.xhat + s.beta)
    return np.asarray(np.resize(s.gamma[:, 0], s.rows.shape[1]) * s.xhat + s.beta)


def _gamma_on_batch(s: Saved) -> Rows:
    """gamma of shape (C, 1, 1, 1) meets the batch axis of x, which is as long."""
    if s.x.ndim != 4 or s.x.shape[0] != s.x.shape[1]:
        return np.asarray(s.gamma * s.xhat + s.beta)
    scale = np.repeat(s.gamma[:, 0], prod(s.x.shape[2:]))
    return np.asarray(scale * s.xhat + s.beta)


LAYOUT_BUGS = (
    Bug(
        "layout.x_read_as_if_contiguous",
        "x is read from its first element on as if it were contiguous.",
        LAYOUT,
        "pytorch/pytorch#63392",
        layer(read=lambda x, axis: to_rows(from_pointer(x), axis)),
    ),
    Bug(
        "layout.offset_ignored",
        "The storage offset of x is not looked at.",
        LAYOUT,
        "pytorch/pytorch#133520",
        layer(read=lambda x, axis: to_rows(_without_offset(x), axis)),
    ),
    Bug(
        "layout.dy_read_as_if_contiguous",
        "dy is read from its first element on as if it were contiguous.",
        LAYOUT,
        "pytorch/pytorch#2000",
        layer(read_dy=lambda dy, _x, axis: to_rows(from_pointer(dy), axis)),
    ),
    Bug(
        "layout.dy_read_in_the_order_of_x",
        "dy is read in the order in which the axes of x lie in memory.",
        LAYOUT,
        "pytorch/pytorch#64039",
        layer(read_dy=_in_order_of),
    ),
    Bug(
        "layout.statistics_updated_in_a_copy",
        "The update of running statistics that are not contiguous goes into a copy.",
        LAYOUT,
        "pytorch/pytorch#33867",
        layer(stored=_contiguous_copy),
    ),
    Bug(
        "layout.statistics_read_as_if_contiguous",
        "The running statistics are read as if they were contiguous.",
        LAYOUT,
        "intel/torch-xpu-ops#2887",
        layer(statistic=_statistic_from_pointer),
    ),
    Bug(
        "layout.parameters_read_as_if_contiguous",
        "gamma and beta are read as if they were contiguous.",
        LAYOUT,
        "pytorch/pytorch#62967",
        layer(parameter=_statistic_from_pointer),
    ),
    Bug(
        "layout.dgamma_of_channels_last",
        "dgamma of an input that is not contiguous pairs dy with the wrong xhat.",
        LAYOUT,
        "pytorch/pytorch#175189",
        layer(dgamma=_channels_last_dgamma),
    ),
    Bug(
        "axes.last_where_as_long",
        "The last axis is taken for the channels where it is as long as they are many.",
        LAYOUT,
        "DCASE-REPO/dcase2018_baseline#18",
        layer(axis=_last_where_as_long),
    ),
    Bug(
        "axes.last_of_rank_three",
        "The last axis of rank 3 is taken for the channels where it is as long as they are many.",
        LAYOUT,
        "Oneflow-Inc/oneflow#7454",
        layer(axis=_last_of_short_ranks),
    ),
    Bug(
        "axes.batch_where_as_long",
        "The batch axis of rank 2 is taken for the channels where it is as long as they are many.",
        LAYOUT,
        "keras-team/keras#10648",
        layer(axis=_batch_where_as_long),
    ),
    Bug(
        "axes.depth_where_as_long",
        "The third axis of rank 5 is taken for the channels where it is as long as they are many.",
        LAYOUT,
        "tensorlayer/TensorLayer#1103",
        layer(axis=_third_where_as_long),
    ),
    Bug(
        "axes.first_sample",
        "The statistics are those of the first sample.",
        TUTORIALS,
        "PABannier/nanograd#2",
        layer(moments=_of_first_sample),
    ),
    Bug(
        "axes.variance_within_samples",
        "The variance is averaged over samples, each about its own mean.",
        LAYOUT,
        "jax-ml/jax#509",
        layer(moments=_mean_of_positions),
    ),
    Bug(
        "axes.variance_over_the_batch_alone",
        "The variance is taken over the batch axis and averaged over positions.",
        LAYOUT,
        "microsoft/onnxruntime#2175",
        layer(moments=_variance_of_samples),
    ),
    Bug(
        "axes.all_channels",
        "Mean and variance are those of all channels together.",
        LAYOUT,
        "tensorflow/swift-apis#1",
        layer(moments=_of_all_channels),
    ),
    Bug(
        "axes.gamma_on_the_last_axis",
        "gamma meets the last axis of x where it is as long as the channels are many.",
        LAYOUT,
        "sony/nnabla#1169",
        layer(both=_gamma_on_last_axis),
    ),
    Bug(
        "axes.gamma_on_the_batch_axis",
        "gamma with trailing axes of length 1 meets the batch axis of x where it is as long.",
        COMPILED,
        "pytorch/pytorch#100970",
        layer(both=_gamma_on_batch),
    ),
)
