"""Planted bugs of batches split into shards: statistics and gradients that are merged wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import DISTRIBUTED
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    Saved,
    average,
    bessel,
    closed_form_dx,
    squares,
    total,
)

SHARDS = 3


def _shards(rows: Rows, x: Native) -> list[Rows]:
    """The samples divided among three workers as evenly as they go; some have none."""
    return [
        part.reshape(len(rows), -1)
        for part in np.array_split(rows.reshape(len(rows), x.shape[0], -1), SHARDS, axis=1)
    ]


def _filled(rows: Rows, x: Native) -> list[Rows]:
    return [shard for shard in _shards(rows, x) if shard.shape[1]]


def _averaged(found: list[Rows]) -> Rows:
    return average(np.concatenate(found, axis=1))


Merge = Callable[[list[Rows], Rows], tuple[Rows, Rows]]


def _merged(merge: Merge, _layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    return merge(_filled(rows, x), rows)


def _variances_alone(shards: list[Rows], rows: Rows) -> tuple[Rows, Rows]:
    return average(rows), _averaged([squares(shard, average(shard)) for shard in shards])


def _means_alone(shards: list[Rows], _rows: Rows) -> tuple[Rows, Rows]:
    mean = _averaged([average(shard) for shard in shards])
    return mean, _averaged([squares(shard, mean) for shard in shards])


def _with_empty_shards(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    """A worker without samples contributes 0 / 0."""
    shards = _shards(rows, x)
    counts = [rows.dtype.type(shard.shape[1]) for shard in shards]
    mean = sum(count * average(shard) for count, shard in zip(counts, shards, strict=True)) / sum(counts)
    return np.asarray(mean), squares(rows, np.asarray(mean))


def _local_dx(dy: Rows, s: Saved) -> Rows:
    """Each worker takes the two means of dx over its own samples."""
    pairs = zip(_filled(dy, s.x), _filled(s.rows, s.x), strict=True)
    return np.concatenate([closed_form_dx(part, replace(s, rows=rows)) for part, rows in pairs], axis=1)


def _first_shard(s: Saved) -> Rows:
    return average(_filled(s.rows, s.x)[0])


def _local_bessel(s: Saved) -> Rows:
    local = _filled(s.rows, s.x)[0].shape[1]
    return bessel(s.variance, local) if local > 1 else s.variance


def _first_dgamma(dy: Rows, s: Saved) -> Rows:
    return total(_filled(dy * s.xhat, s.x)[0])


SHARD_BUGS = (
    Bug(
        "variance.mean_of_shard_variances",
        "The variance is the mean of those of three shards, each about its own mean.",
        DISTRIBUTED,
        "tensorflow/tpu#321",
        layer(moments=partial(_merged, _variances_alone)),
    ),
    Bug(
        "mean.of_shard_means",
        "The mean is that of the means of three shards, whatever number of samples they have.",
        DISTRIBUTED,
        "google/flax#2417",
        layer(moments=partial(_merged, _means_alone)),
    ),
    Bug(
        "mean.empty_shard",
        "A shard without samples makes the mean NaN.",
        DISTRIBUTED,
        "pytorch/pytorch#74944",
        layer(moments=_with_empty_shards),
    ),
    Bug(
        "gradient_dx.sums_of_the_shard",
        "dx takes its two means over the samples of its own shard.",
        DISTRIBUTED,
        "pytorch/pytorch#22192",
        layer(dx=_local_dx),
    ),
    Bug(
        "gradient_dgamma.of_the_first_shard",
        "dgamma is the sum over the first shard alone.",
        DISTRIBUTED,
        "sony/nnabla#1169",
        layer(dgamma=_first_dgamma),
    ),
    Bug(
        "running_mean.of_the_first_shard",
        "The running mean tracks the samples of the first shard.",
        DISTRIBUTED,
        "NVIDIA/apex#233",
        layer(tracked_mean=_first_shard),
    ),
    Bug(
        "running_var.unbiased_by_the_shard",
        "The running variance is made unbiased by the number of values in the first shard.",
        DISTRIBUTED,
        "pytorch/pytorch#36688",
        layer(tracked=_local_bessel),
    ),
)
