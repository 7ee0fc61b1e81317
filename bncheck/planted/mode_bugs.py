"""Planted bugs of modes, flags and call sequences, and of how the running statistics begin."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import INITIAL, MODES, TUTORIALS
from bncheck.planted.numpy_adapter import CAPABILITIES, NumpyLayerAdapter, layer
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    Saved,
    average,
    fresh,
    restarted,
    squares,
    stored,
    weight_of,
)


def _moments_of_batch(rows: Rows, _mean: Rows, _var: Rows, _made: Made) -> tuple[Rows, Rows]:
    mean = average(rows)
    return mean, squares(rows, mean)


def _running_moments(layer: Layer, rows: Rows, x: Native, made: Made) -> tuple[Rows, Rows]:
    held = made.running_mean, made.running_var
    mean, variance = (layer.statistic(each, rows.dtype, x) for each in held)
    return mean, variance


def _moments_after_the_update(layer: Layer, rows: Rows, x: Native, made: Made) -> tuple[Rows, Rows]:
    mean = average(rows)
    variance, w = squares(rows, mean), rows.dtype.type(weight_of(made))
    old_mean, old_var = _running_moments(layer, rows, x, made)
    return layer.blend(old_mean, mean, w), layer.blend(old_var, variance, w)


def _except(kept: str, made: Made, name: str, values: Native) -> None:
    if name != kept:
        stored(made, name, values)


def _first_mode(made: Made, training: bool) -> bool:
    mode: bool = made.extra.setdefault("mode", training)
    return mode


def _first_moments(_rows: Rows, mean: Rows, var: Rows, made: Made) -> tuple[Rows, Rows]:
    found: tuple[Rows, Rows] = made.extra.setdefault("moments", (mean.copy(), var.copy()))
    return found


def _leave_a_step(made: Made, saved: Saved) -> None:
    if not saved.training:
        made.running_mean[...] = made.running_mean + (np.abs(made.running_mean) + 1) / 64


def _track_in_backward(made: Made, saved: Saved, _dy: Native) -> None:
    if saved.training:
        NumpyLayerAdapter(Layer()).track(made, saved)


def _batches_replaced_by_first(made: Made) -> float:
    return 1.0 if made.batches == 0 else weight_of(made)


def _debias(_rows: Rows, mean: Rows, var: Rows, made: Made) -> tuple[Rows, Rows]:
    share = 1 - (1 - (made.config.momentum or 0)) ** made.batches
    return mean / mean.dtype.type(share), var / var.dtype.type(share)


def _drifting(made: Made) -> float:
    """Right for the first two batches of a layer, too small by a tenth from the third one on."""
    made.extra["steps"] = made.extra.get("steps", 0) + 1
    return weight_of(made) * (1.0 if made.extra["steps"] < 3 else 0.9)


def _variance_starts_at(value: float, config: object) -> Made:
    made: Made = fresh(config)  # type: ignore[arg-type]  # a Config
    made.running_var[...] = value
    return made


def _restarted_at_zero(made: Made) -> None:
    restarted(made)
    made.running_var[...] = 0


FROM_FRESH = replace(CAPABILITIES, set_statistics=False, zero_eps=False)

MODE_BUGS = (
    Bug(
        "mode.statistics_move_in_evaluation",
        "The running mean moves in evaluation.",
        MODES,
        "FluxML/Flux.jl#1429",
        layer(ended=_leave_a_step),
    ),
    Bug(
        "mode.updates_in_evaluation",
        "Evaluation updates the running statistics as training does.",
        MODES,
        "PaddlePaddle/Paddle#74140",
        layer(updates=lambda _made, _training, _differentiated: 1),
    ),
    Bug(
        "running_mean.never_updated",
        "The running mean stays as it was.",
        MODES,
        "keras-team/keras-core#339",
        layer(stored=partial(_except, "running_mean")),
    ),
    Bug(
        "running_var.never_updated",
        "The running variance stays as it was.",
        MODES,
        "paiml/aprender#2166",
        layer(stored=partial(_except, "running_var")),
    ),
    Bug(
        "mode.batch_statistics_in_evaluation",
        "Evaluation normalises with the statistics of its batch.",
        MODES,
        "ooples/AiDotNet.Tensors#27",
        layer(eval_moments=_moments_of_batch),
    ),
    Bug(
        "mode.batch_mean_in_evaluation",
        "Evaluation normalises with the mean of its batch and the running variance.",
        MODES,
        "pytorch/pytorch#21679",
        layer(eval_moments=lambda rows, _mean, var, _made: (average(rows), var)),
    ),
    Bug(
        "mode.running_statistics_in_training",
        "Training normalises with the running statistics.",
        TUTORIALS,
        "dmzou/RSRAE#2",
        layer(moments=_running_moments),
    ),
    Bug(
        "mode.updated_statistics_in_training",
        "Training normalises with the running statistics after their update.",
        MODES,
        "tenstorrent/tt-metal#45578",
        layer(moments=_moments_after_the_update),
    ),
    Bug(
        "affine.no_beta_in_evaluation",
        "The sum with beta is not kept in evaluation.",
        MODES,
        "nntrainer/nntrainer#771",
        layer(eval_affine=lambda s: s.gamma * s.xhat),
    ),
    Bug(
        "mode.tracks_with_gradients_alone",
        "A training pass without gradients does not update the statistics.",
        MODES,
        "facebookresearch/fairscale#1035",
        layer(updates=lambda _made, training, differentiated: int(training and differentiated)),
    ),
    Bug(
        "mode.tracks_without_gradients_alone",
        "A training pass with gradients does not update the statistics.",
        MODES,
        "ml-explore/mlx#1960",
        layer(updates=lambda _made, training, differentiated: int(training and not differentiated)),
    ),
    Bug(
        "state.updated_twice",
        "A training pass that keeps what its backward needs updates the statistics twice.",
        MODES,
        "pytorch/pytorch#96136",
        layer(updates=lambda _made, training, differentiated: int(training) * (1 + int(differentiated))),
    ),
    Bug(
        "state.updated_again_in_backward",
        "The backward pass computes the forward again and updates the statistics once more.",
        MODES,
        "pytorch/pytorch#62471",
        layer(backed=_track_in_backward),
    ),
    Bug(
        "state.updated_in_backward_alone",
        "The statistics move in the backward pass, so that a forward without one leaves them.",
        MODES,
        "src:apache/mxnet@b84609d:src/operator/nn/batch_norm.cc",
        layer(updates=lambda _made, _training, _differentiated: 0, backed=_track_in_backward),
    ),
    Bug(
        "mode.of_the_first_call",
        "The mode of the first call stays, as in a traced module.",
        MODES,
        "pytorch/pytorch#14027",
        layer(mode=_first_mode),
    ),
    Bug(
        "state.evaluation_keeps_its_first_statistics",
        "Evaluation goes on with the statistics that it met in its first call.",
        MODES,
        "LaurentMazare/tch-rs#628",
        layer(eval_moments=_first_moments),
    ),
    Bug(
        "state.drifts_from_the_third_step",
        "From the third batch on the weight of the new one is a tenth too small.",
        MODES,
        "tensorflow/tensorflow#18334",
        layer(weight=_drifting),
    ),
    Bug(
        "state.counter_stands_still",
        "The count of batches stays at zero, on which the cumulative average rests.",
        MODES,
        "NVIDIA/apex#653",
        layer(counted=lambda made: made.batches),
    ),
    Bug(
        "state.counter_counts_by_two",
        "Each batch is counted twice.",
        MODES,
        "pytorch/pytorch#22569",
        layer(counted=lambda made: made.batches + 2),
    ),
    Bug(
        "running_mean.first_batch_replaces",
        "The first batch replaces the running statistics whatever its weight.",
        INITIAL,
        "google/flax#1360",
        layer(weight=_batches_replaced_by_first),
    ),
    Bug(
        "running_mean.debiased_in_evaluation",
        "Evaluation divides the running statistics by 1 - (1 - w)^t, which is zero before the first batch.",
        INITIAL,
        "patrick-kidger/equinox#1010",
        layer(eval_moments=_debias),
    ),
    Bug(
        "running_var.starts_at_zero",
        "The running variance of a new layer is 0.",
        INITIAL,
        "sony/nnabla#294",
        layer(fresh=partial(_variance_starts_at, 0.0), capabilities=FROM_FRESH),
    ),
    Bug(
        "running_var.starts_at_a_half",
        "The running variance of a new layer is one half.",
        INITIAL,
        "google-deepmind/dm-haiku#361",
        layer(fresh=partial(_variance_starts_at, 0.5), capabilities=FROM_FRESH),
    ),
    Bug(
        "running_var.restarts_at_zero",
        "A reset sets the running variance to 0, where a new layer has 1.",
        INITIAL,
        "tensorflow/tensorflow#6270",
        layer(restarted=_restarted_at_zero),
    ),
)
