"""Causes in the axes that statistics are taken over, and in how x is read."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.causes.made import cause
from bncheck.planted.numpy_layer import Rows, Saved, average, squares, to_rows


def _cube(rows: Rows, x: Native) -> Any:
    """(C, N, positions)."""
    return rows.reshape(len(rows), x.shape[0], -1)


def _normalised_over(axes: tuple[int, ...], s: Saved) -> Rows:
    """gamma xhat + beta with mean and variance over some axes of (C, N, positions)."""
    cube = _cube(s.rows, s.x)
    mean = cube.mean(axis=axes, keepdims=True, dtype=s.rows.dtype)
    variance = ((cube - mean) ** 2).mean(axis=axes, keepdims=True, dtype=s.rows.dtype)
    xhat = (cube - mean) / np.sqrt(variance + s.rows.dtype.type(s.made.config.eps))
    return np.asarray(s.gamma * xhat.reshape(s.rows.shape) + s.beta)


def _per_sample(s: Saved) -> Rows:
    """As an instance norm, where a sample has several positions."""
    if s.rows.shape[1] == s.x.shape[0]:
        return np.asarray(s.gamma * s.xhat + s.beta)
    return _normalised_over((2,), s)


def _groups(s: Saved) -> Rows:
    """Two groups of channels, each sample by its own statistics."""
    halves = np.array_split(np.arange(len(s.rows)), 2)
    y = np.array(s.rows)
    for half in halves:
        cube = _cube(s.rows[half], s.x)
        mean = cube.mean(axis=(0, 2), keepdims=True)
        variance = ((cube - mean) ** 2).mean(axis=(0, 2), keepdims=True)
        y[half] = ((cube - mean) / np.sqrt(variance + s.made.config.eps)).reshape(len(half), -1)
    return np.asarray(s.gamma * y + s.beta)


def _moments_of(chosen: slice, rows: Rows, x: Native) -> tuple[Rows, Rows]:
    kept = _cube(rows, x)[:, chosen].reshape(len(rows), -1)
    return average(kept), squares(kept, average(kept))


def _half(x: Native) -> slice:
    return slice(0, (x.shape[0] + 1) // 2)


def _first_position(rows: Rows, x: Native) -> tuple[Rows, Rows]:
    kept = np.ascontiguousarray(_cube(rows, x)[:, :, 0])
    return average(kept), squares(kept, average(kept))


def _along_last(x: Native, _axis: int) -> Rows:
    return x.reshape(x.shape[1], -1)


def _samples_averaged(rows: Rows, x: Native) -> tuple[Rows, Rows]:
    """Mean and variance of the samples' means."""
    kept = _cube(rows, x).mean(axis=2, dtype=rows.dtype)
    return average(kept), squares(kept, average(kept))


AXES_CAUSES = (
    cause(
        "axes.each_sample",
        "Each sample of several positions is normalised by its own statistics.",
        affine=_per_sample,
    ),
    cause(
        "axes.each_sample_in_both_modes",
        "Each sample of several positions is normalised by its own statistics, in evaluation too.",
        2,
        both=_per_sample,
    ),
    cause(
        "axes.each_position",
        "Each position is normalised by its own statistics over the samples.",
        affine=lambda s: _normalised_over((1,), s),
    ),
    cause(
        "axes.layer_norm",
        "Each sample is normalised by its own statistics over channels and positions.",
        affine=lambda s: _normalised_over((0, 2), s),
    ),
    cause(
        "axes.layer_norm_in_both_modes",
        "Each sample is normalised by its own statistics over channels and positions, in evaluation too.",
        2,
        both=lambda s: _normalised_over((0, 2), s),
    ),
    cause(
        "axes.over_the_channels",
        "The statistics are taken over the channels, for each sample and position.",
        affine=lambda s: _normalised_over((0,), s),
    ),
    cause(
        "axes.over_channels_and_samples",
        "The statistics are taken over channels and samples, for each position.",
        affine=lambda s: _normalised_over((0, 1), s),
    ),
    cause(
        "axes.all_values",
        "The output is normalised by the statistics of all channels together, which are not tracked.",
        affine=lambda s: _normalised_over((0, 1, 2), s),
    ),
    cause(
        "axes.groups_of_channels", "Each sample is normalised in two groups of channels.", 2, affine=_groups
    ),
    cause(
        "axes.one_sample",
        "The statistics are those of the first sample, the only one where there are no positions.",
        2,
        moments=lambda _layer, rows, x, _made: _moments_of(slice(0, 1), rows, x),
    ),
    cause(
        "axes.last_sample",
        "The statistics are those of the last sample.",
        moments=lambda _layer, rows, x, _made: _moments_of(slice(-1, None), rows, x),
    ),
    cause(
        "axes.without_the_last_sample",
        "The statistics leave out the last sample.",
        moments=lambda _layer, rows, x, _made: _moments_of(slice(0, max(x.shape[0] - 1, 1)), rows, x),
    ),
    cause(
        "axes.without_the_first_sample",
        "The statistics leave out the first sample.",
        moments=lambda _layer, rows, x, _made: _moments_of(slice(min(1, x.shape[0] - 1), None), rows, x),
    ),
    cause(
        "axes.half_of_the_samples",
        "The statistics are those of the first half of the samples.",
        moments=lambda _layer, rows, x, _made: _moments_of(_half(x), rows, x),
    ),
    cause(
        "axes.first_position",
        "The statistics are those of the first position of each sample.",
        moments=lambda _layer, rows, x, _made: _first_position(rows, x),
    ),
    cause(
        "axes.means_of_samples",
        "The statistics are those of the means of the samples.",
        moments=lambda _layer, rows, x, _made: _samples_averaged(rows, x),
    ),
    cause(
        "axes.first_where_as_long",
        "The batch axis is taken for the channels where it is as long as they are many.",
        2,
        axis=lambda x: 0 if x.shape[0] == x.shape[1] else 1,
    ),
    cause(
        "axes.second_to_last_where_as_long",
        "The axis before the last is taken for the channels where it is as long.",
        3,
        axis=lambda x: x.ndim - 2 if x.ndim > 2 and x.shape[-2] == x.shape[1] else 1,
    ),
    cause(
        "axes.variance_of_all_channels",
        "The variance is that of all channels together.",
        moments=lambda _layer, rows, _x, _made: (
            average(rows),
            np.full((len(rows), 1), ((rows - rows.mean(dtype=rows.dtype)) ** 2).mean(dtype=rows.dtype)),
        ),
    ),
    cause(
        "axes.mean_of_all_channels",
        "The mean is that of all channels together.",
        moments=lambda _layer, rows, _x, _made: (
            mean := np.full((len(rows), 1), rows.mean(dtype=rows.dtype)),
            squares(rows, mean),
        ),
    ),
    cause(
        "axes.variances_averaged_over_channels",
        "All channels have the mean of their variances.",
        moments=lambda _layer, rows, _x, _made: (
            mean := average(rows),
            np.full((len(rows), 1), squares(rows, mean).mean(dtype=rows.dtype)),
        ),
    ),
    cause(
        "layout.reshaped_without_transposing",
        "x is reshaped to (C, -1) without moving the channels to the front.",
        read=_along_last,
        read_dy=lambda dy, _x, axis: _along_last(dy, axis),
        output=lambda y, x, _made: to_rows(y, 1).reshape(x.shape).astype(x.dtype),
        dx_output=lambda dx, x: to_rows(dx, 1).reshape(x.shape).astype(x.dtype),
    ),
    cause(
        "axes.reshaped_statistics",
        "The statistics are those of x reshaped to (C, -1), its axes left in their order.",
        moments=lambda _layer, rows, x, _made: _reshaped(rows, x),
    ),
    cause(
        "axes.positions_alone_in_evaluation",
        "Evaluation normalises each sample by its own statistics.",
        2,
        eval_affine=_per_sample,
    ),
)


def _reshaped(rows: Rows, x: Native) -> tuple[Rows, Rows]:
    read = np.ascontiguousarray(x).reshape(x.shape[1], -1).astype(rows.dtype)
    return average(read), squares(read, average(read))
