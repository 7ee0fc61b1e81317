"""Planted bugs of sizes: tails of blocks, tiles of channels, and counters that overflow."""

from __future__ import annotations

from functools import partial
from math import prod

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import SIZES
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    Saved,
    average,
    squares,
    total,
)
from bncheck.reference.formats import dtype_of


def _without_tail(block: int, rows: Rows) -> Rows:
    """The sums of whole blocks; a channel shorter than one is a block."""
    m = rows.shape[1]
    whole = m // block * block if m > block else m
    return np.asarray(total(rows[:, :whole]) / rows.dtype.type(m))


def _mean_of_chunks(chunk: int, rows: Rows) -> Rows:
    """The mean of the means of chunks, the last of which may be shorter."""
    parts = [average(rows[:, start : start + chunk]) for start in range(0, rows.shape[1], chunk)]
    return average(np.concatenate(parts, axis=1))


def _padded_variance(rows: Rows, mean: Rows) -> Rows:
    """Lanes beyond the last value hold 0, and 0 - mean is squared with the rest."""
    lanes = -rows.shape[1] % 32
    return np.asarray(squares(rows, mean) + mean * mean * rows.dtype.type(lanes / rows.shape[1]))


def _pairwise(rows: Rows) -> tuple[Rows, Rows]:
    """Halves merged as if they were equally long: mean and sum of squares over n."""
    m = rows.shape[1]
    if m <= 8:
        mean = average(rows)
        return mean, squares(rows, mean)
    (left, first), (right, second) = _pairwise(rows[:, : m // 2]), _pairwise(rows[:, m // 2 :])
    return (left + right) / 2, (first + second) / 2 + ((left - right) / 2) ** 2


def _tiled(tile: int, _layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    """Channels beyond the tile get the statistics of the first ones."""
    mean = average(rows)
    variance = squares(rows, mean)
    channel = np.arange(len(rows)) % tile
    return mean[channel], variance[channel]


def _as_ghosts(s: Saved) -> Rows:
    """Samples 128 by 128, each group by its own statistics."""
    size = 128 * prod(s.x.shape[2:])
    if s.rows.shape[1] < 2 * size:
        return np.asarray(s.gamma * s.xhat + s.beta)
    groups = np.array_split(s.rows, s.rows.shape[1] // size, axis=1)
    eps = s.rows.dtype.type(s.made.config.eps)
    parts = [(group - average(group)) / np.sqrt(squares(group, average(group)) + eps) for group in groups]
    return np.asarray(s.gamma * np.concatenate(parts, axis=1) + s.beta)


def _first_rows(limit: int, s: Saved) -> Rows:
    """Samples beyond the limit pass as they are."""
    y = s.gamma * s.xhat + s.beta
    done = limit * prod(s.x.shape[2:])
    y[:, done:] = s.rows[:, done:]
    return np.asarray(y)


def _eight_bit_index(x: Native, axis: int) -> Rows:
    """The index of a sample is kept in eight bits."""
    return Layer().read(x[np.arange(x.shape[0]) % 256], axis)


def _half_count(rows: Rows) -> Rows:
    """The count of values is kept in bfloat16, which knows every other integer beyond 256."""
    return np.asarray(total(rows) / rows.dtype.type(dtype_of("bfloat16").type(rows.shape[1])))


def _last_twice(rows: Rows) -> Rows:
    """Two by two; the last value of an odd number is counted twice."""
    odd = rows.shape[1] % 2
    return np.asarray((total(rows) + odd * rows[:, -1:]) / rows.dtype.type(rows.shape[1] + odd))


def _small_planes(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    """Of an image smaller than a warp the last position is left out of the statistics."""
    positions = prod(x.shape[2:])
    if x.ndim < 4 or not 1 < positions < 32:
        return average(rows), squares(rows, average(rows))
    kept = rows.reshape(len(rows), -1, positions)[:, :, :-1].reshape(len(rows), -1)
    return average(kept), squares(kept, average(kept))


def _tail_dbeta(dy: Rows, _s: Saved) -> Rows:
    return np.asarray(_without_tail(256, dy) * dy.dtype.type(dy.shape[1]))


SIZE_BUGS = (
    Bug(
        "mean.without_the_tail_of_1024",
        "The mean leaves out what does not fill a block of 1024 values.",
        SIZES,
        "pytorch/pytorch#2917",
        layer(mean=partial(_without_tail, 1024)),
    ),
    Bug(
        "mean.without_the_tail_of_64",
        "The mean leaves out what does not fill a block of 64 values.",
        SIZES,
        "apache/mxnet#4997",
        layer(mean=partial(_without_tail, 64)),
    ),
    Bug(
        "gradient_dbeta.without_the_tail_of_256",
        "dbeta leaves out what does not fill a block of 256 values.",
        SIZES,
        "pytorch/pytorch#19911",
        layer(dbeta=_tail_dbeta),
    ),
    Bug(
        "variance.padding_counted",
        "The lanes beyond the last value are taken for zeros in the variance.",
        SIZES,
        "triton-lang/triton#9838",
        layer(variance=_padded_variance),
    ),
    Bug(
        "mean.of_chunk_means",
        "The mean is that of the means of chunks of 256 values, the last of which is shorter.",
        SIZES,
        "pytorch/pytorch#1188",
        layer(mean=partial(_mean_of_chunks, 256)),
    ),
    Bug(
        "variance.halves_merged_as_equal",
        "Mean and variance are merged from halves as if these were equally long.",
        SIZES,
        "NVIDIA/apex#1768",
        layer(moments=lambda _layer, rows, _x, _made: _pairwise(rows)),
    ),
    Bug(
        "mean.tile_of_16_channels",
        "From the 17th channel on the statistics are those of the first ones.",
        SIZES,
        "pytorch/pytorch#16998",
        layer(moments=partial(_tiled, 16)),
    ),
    Bug(
        "mean.tile_of_64_channels",
        "From the 65th channel on the statistics are those of the first ones.",
        SIZES,
        "torch/cunn#298",
        layer(moments=partial(_tiled, 64)),
    ),
    Bug(
        "axes.ghost_batches",
        "From 256 samples on groups of 128 are normalised by their own statistics.",
        SIZES,
        "microsoft/onnxruntime#7095",
        layer(affine=_as_ghosts),
    ),
    Bug(
        "mode.evaluation_of_1024_samples",
        "Evaluation passes samples from the 1025th on as they are.",
        SIZES,
        "pytorch/pytorch#1004",
        layer(eval_affine=partial(_first_rows, 1024)),
    ),
    Bug(
        "axes.sample_index_of_eight_bits",
        "From the 257th sample on the first ones are read again.",
        SIZES,
        "LBANN/lbann#1610",
        layer(read=_eight_bit_index),
    ),
    Bug(
        "mean.count_in_bfloat16",
        "The count of values is kept in bfloat16.",
        SIZES,
        "pytorch/pytorch#51776",
        layer(mean=_half_count),
    ),
    Bug(
        "mean.last_value_twice",
        "The last of an odd number of values is counted twice.",
        SIZES,
        "microsoft/onnxruntime#17406",
        layer(mean=_last_twice),
    ),
    Bug(
        "mean.small_images",
        "The last position of an image of fewer than 32 is left out of the statistics.",
        SIZES,
        "torch/nn#907",
        layer(moments=_small_planes),
    ),
)
