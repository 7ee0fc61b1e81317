"""Sound variants in NumPy: every form of the formulas and way of keeping statistics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.adapter import Adapter, Config, State
from bncheck.case import Native
from bncheck.planted.bug import Sound
from bncheck.planted.numpy_adapter import DIALECT, NumpyLayerAdapter, layer
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    Saved,
    average,
    checked,
    fresh,
    squares,
    total,
    weight_of,
)
from bncheck.planted.sound_sums import SUMS

BLOCK = 32


def _welford(_layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    mean, about = np.zeros_like(rows[:, :1]), np.zeros_like(rows[:, :1])
    for index in range(rows.shape[1]):
        value = rows[:, index : index + 1]
        delta = value - mean
        mean = mean + delta / rows.dtype.type(index + 1)
        about = about + delta * (value - mean)
    return mean, np.asarray(about / rows.dtype.type(rows.shape[1]))


def _chan(_layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    """Chan, Golub and LeVeque (1983): blocks merged by their counts."""
    number = rows.dtype.type
    mean, about, count = np.zeros_like(rows[:, :1]), np.zeros_like(rows[:, :1]), 0
    for start in range(0, rows.shape[1], BLOCK):
        block = rows[:, start : start + BLOCK]
        more = block.shape[1]
        own = average(block)
        delta, count = own - mean, count + more
        mean = mean + delta * number(more / count)
        about = (
            about + squares(block, own) * number(more) + delta * delta * number(more * (count - more) / count)
        )
    return mean, np.asarray(about / number(rows.shape[1]))


def _corrected(rows: Rows, mean: Rows) -> Rows:
    """The second pass takes off what the rounding of the mean has added."""
    rest = average(rows - mean)
    return np.asarray(np.maximum(squares(rows, mean) - rest * rest, 0))


def _staged(dy: Rows, s: Saved) -> Rows:
    """Node by node, as the chain rule is taught."""
    m = dy.dtype.type(dy.shape[1])
    dxhat = dy * s.gamma
    dvariance = total(dxhat * s.xc * dy.dtype.type(-0.5) * (s.r * s.r * s.r))
    dmean = total(-dxhat * s.r) + dvariance * total(-2 * s.xc) / m
    return np.asarray(dxhat * s.r + dvariance * 2 * s.xc / m + dmean / m)


def _projected(dy: Rows, s: Saved) -> Rows:
    """(gamma r / m)(m dy - sum(dy) - xhat sum(dy xhat))."""
    m = dy.dtype.type(dy.shape[1])
    return np.asarray((s.gamma * s.r / m) * (m * dy - total(dy) - s.xhat * total(dy * s.xhat)))


def _decayed(old: Rows, new: Rows, w: Any) -> Rows:
    """k old + (1 - k) new, each product rounded once with its sum."""
    kept = np.float64(1) - np.float64(w)
    fused = kept * old.astype(np.float64) + (1 - kept) * new.astype(np.float64)
    return np.asarray(fused.astype(old.dtype))


def _of_channels_last(rows: Rows) -> Rows:
    """Sums down the columns of an (m, C) matrix that lies in memory row by row."""
    matrix = np.ascontiguousarray(rows.T)
    return np.asarray((matrix.sum(axis=0) / rows.dtype.type(rows.shape[1]))[:, None])


def _transposed(y: Native, x: Native, _made: Made) -> Native:
    """An array of its own, seen with its axes in another order."""
    return np.ascontiguousarray(np.moveaxis(y, 1, -1).astype(x.dtype)).transpose(0, -1, *range(1, x.ndim - 1))


def _tall(config: Config) -> Made:
    made = fresh(config)
    made.running_mean, made.running_var = (
        each.reshape(-1, 1, 1) for each in (made.running_mean, made.running_var)
    )
    return made


def _taken_tall(made: Made, state: State) -> None:
    if state.mean is not None and state.var is not None:
        made.running_mean, made.running_var = (
            np.array(each).reshape(-1, 1, 1) for each in (state.mean, state.var)
        )
    made.batches = state.batches or 0


def _packed(config: Config) -> Made:
    """Both statistics in one array, of which the layer keeps two views."""
    both = np.zeros((2, config.channels), config.parameter_dtype)
    both[1] = 1
    return Made(config, both[0], both[1])


def _taken_packed(made: Made, state: State) -> None:
    if state.mean is not None and state.var is not None:
        both = np.stack([state.mean, state.var])
        made.running_mean, made.running_var = both[0], both[1]
    made.batches = state.batches or 0


def _with_scratch() -> Adapter:
    """A scratch that all instances share, cleared before each use."""
    scratch: dict[tuple[Any, ...], Rows] = {}

    def mean(rows: Rows) -> Rows:
        work = scratch.setdefault((len(rows), rows.dtype.name), np.empty((len(rows), 1), rows.dtype))
        work[...] = 0
        work += total(rows)
        return np.asarray(work / rows.dtype.type(rows.shape[1]))

    return NumpyLayerAdapter(replace(Layer(), mean=mean))


def _scaled_squares(rows: Rows, mean: Rows) -> Rows:
    """About 1 by a power of two before they are squared, and back."""
    centred = rows - mean
    _, exponent = np.frexp(np.abs(centred).max(axis=1, keepdims=True))
    return np.asarray(np.ldexp(average(np.ldexp(centred, -exponent) ** 2), 2 * exponent))


def _one_pass(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(np.maximum(average(rows * rows) - mean * mean, 0))


def _biased_of_one(s: Saved) -> Rows:
    m = s.rows.shape[1]
    return np.asarray(s.variance * s.variance.dtype.type(m / max(m - 1, 1)))


def _refused_if_empty(made: Made, x: Native, training: bool) -> None:
    checked(made, x, False)  # noqa: FBT003 - one value a channel is let pass, as in evaluation
    if training and x.size == 0:
        raise ValueError(f"x of shape {x.shape} is empty")


NUMPY_SOUND = (
    Sound("numpy.two_pass", "Two passes, centred, and the closed form backward.", layer()),
    *SUMS,
    Sound(
        "numpy.double",
        "Everything in float64, rounded at the end.",
        layer(arithmetic=lambda _x: np.dtype(np.float64)),
    ),
    Sound("numpy.welford", "Welford's update of mean and variance.", layer(moments=_welford)),
    Sound("numpy.chan", "Blocks of 32 merged after Chan.", layer(moments=_chan)),
    Sound(
        "numpy.corrected",
        "The second pass corrected by the mean of its deviations.",
        layer(variance=_corrected),
    ),
    Sound(
        "numpy.scaled_squares",
        "Deviations scaled by a power of two before they are squared.",
        layer(variance=_scaled_squares),
    ),
    Sound(
        "numpy.folded",
        "The output is one product and one sum.",
        layer(both=lambda s: s.rows * (s.gamma * s.r) + (s.beta - s.mean * (s.gamma * s.r))),
    ),
    Sound(
        "numpy.division",
        "A division by the root in place of its inverse.",
        layer(
            both=lambda s: (
                s.gamma * (s.xc / np.sqrt(s.variance + s.rows.dtype.type(s.made.config.eps))) + s.beta
            )
        ),
    ),
    Sound("numpy.staged", "The backward pass node by node.", layer(dx=_staged)),
    Sound("numpy.projected", "The backward pass over a common denominator.", layer(dx=_projected)),
    Sound(
        "numpy.step",
        "The statistics move by old + w (new - old).",
        layer(blend=lambda old, new, w: old + w * (new - old)),
    ),
    Sound(
        "numpy.decay",
        "The statistics move by k old + (1 - k) new with fused operations.",
        layer(blend=_decayed),
    ),
    Sound(
        "numpy.channels_last",
        "The statistics are taken down the columns of a matrix.",
        layer(mean=_of_channels_last),
    ),
    Sound(
        "numpy.transposed_output",
        "The output is an array of its own with its axes in another order.",
        layer(output=_transposed),
    ),
    Sound(
        "numpy.tall_statistics",
        "The running statistics have shape (C, 1, 1).",
        layer(fresh=_tall, given=_taken_tall),
    ),
    Sound(
        "numpy.packed_statistics",
        "The running statistics are rows of one array.",
        layer(fresh=_packed, given=_taken_packed),
    ),
    Sound("numpy.scratch", "All instances share a scratch, which is cleared before each use.", _with_scratch),
    Sound(
        "numpy.old_momentum",
        "The momentum is the weight of the old statistics, and declared to be.",
        layer(dialect=replace(DIALECT, momentum="old"), weight=lambda made: 1 - (1 - weight_of(made))),
    ),
    Sound(
        "numpy.biased",
        "The running variance is biased, and declared to be.",
        layer(dialect=replace(DIALECT, running_variance="biased"), tracked=lambda s: s.variance),
    ),
    Sound(
        "numpy.one_pass",
        "One pass, and declared to be.",
        layer(dialect=replace(DIALECT, variance="one_pass"), variance=_one_pass),
    ),
    Sound(
        "numpy.one_value",
        "One value a channel gives beta, and an empty batch is refused, as declared.",
        layer(
            dialect=replace(DIALECT, single="beta", empty="raise"),
            tracked=_biased_of_one,
            checked=_refused_if_empty,
        ),
    ),
)
