"""Causes in training and evaluation."""

from __future__ import annotations

from typing import Any

from bncheck.case import Native
from bncheck.causes.cause import SOUND, Cause
from bncheck.causes.made import cause
from bncheck.causes.parts import own_moments, unbiased
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    Saved,
    average,
    bessel,
    squares,
    stored,
    weight_of,
)


def _running(layer: Layer, rows: Rows, x: Native, made: Made) -> tuple[Rows, Rows]:
    return (
        layer.statistic(made.running_mean, rows.dtype, x),
        layer.statistic(made.running_var, rows.dtype, x),
    )


def _running_variance(layer: Layer, rows: Rows, x: Native, made: Made) -> tuple[Rows, Rows]:
    return average(rows), layer.statistic(made.running_var, rows.dtype, x)


def _running_mean(layer: Layer, rows: Rows, x: Native, made: Made) -> tuple[Rows, Rows]:
    mean = average(rows)
    return layer.statistic(made.running_mean, rows.dtype, x), squares(rows, mean)


def _after(estimate: Any) -> Any:
    """Training with the running statistics after their update."""

    def moments(layer: Layer, rows: Rows, x: Native, made: Made) -> tuple[Rows, Rows]:
        mean = average(rows)
        variance, w = squares(rows, mean), rows.dtype.type(weight_of(made))
        old = _running(layer, rows, x, made)
        return layer.blend(old[0], mean, w), layer.blend(old[1], estimate(variance, rows.shape[1]), w)

    return moments


def _moved_in_evaluation(estimate: Any) -> Any:
    """The running statistics after an update with the batch that is evaluated, which nothing keeps."""

    def moments(rows: Rows, mean: Rows, var: Rows, made: Made) -> tuple[Rows, Rows]:
        own, variance = own_moments(rows)
        w = rows.dtype.type(weight_of(made))
        return SOUND.blend(mean, own, w), SOUND.blend(var, estimate(variance, rows.shape[1]), w)

    return moments


def _tracks_own(s: Saved) -> Rows:
    return unbiased(own_moments(s.rows)[1], s.rows.shape[1])


def _moves_in_evaluation(name: str) -> Any:
    """In evaluation one statistic is tracked as in training."""

    def kept(made: Made, which: str, values: Native) -> None:
        if made.extra.get("training", True) or which == name:
            stored(made, which, values)

    return kept


def _remember(made: Made, x: Native, training: bool) -> Native:
    made.extra["training"] = training
    return x


def _updated_in_evaluation(detail: str, text: str, **parts: Any) -> Cause:
    """The statistics follow evaluation too, whose batches are not counted."""
    return cause(
        f"mode.{detail}",
        text,
        2,
        began=_remember,
        tracked_mean=lambda s: average(s.rows),
        tracked=_tracks_own,
        updates=lambda _made, _training, _differentiated: 1,
        counted=lambda made: made.batches + int(made.extra.get("training", True)),
        **parts,
    )


MODE_CAUSES = (
    cause("mode.always_training", "Every call is a training pass.", mode=lambda _made, _training: True),
    cause("mode.always_evaluation", "Every call is an evaluation.", mode=lambda _made, _training: False),
    cause(
        "mode.reversed", "Training and evaluation are exchanged.", mode=lambda _made, training: not training
    ),
    cause(
        "mode.running_statistics_normalise",
        "Training normalises with the running statistics and tracks those of the batch.",
        moments=_running,
        tracked_mean=lambda s: average(s.rows),
        tracked=_tracks_own,
    ),
    cause(
        "mode.running_variance_in_training",
        "Training normalises with the mean of the batch and the running variance.",
        moments=_running_variance,
        tracked=_tracks_own,
    ),
    cause(
        "mode.running_mean_in_training",
        "Training normalises with the running mean and the variance of the batch.",
        moments=_running_mean,
        tracked_mean=lambda s: average(s.rows),
    ),
    cause(
        "mode.updated_statistics_normalise",
        "Training normalises with the running statistics after their update, and tracks those of the batch.",
        moments=_after(bessel),
        tracked_mean=lambda s: average(s.rows),
        tracked=_tracks_own,
    ),
    cause(
        "mode.updated_biased_statistics_normalise",
        "Training normalises with running statistics that the biased variance has updated.",
        2,
        moments=_after(lambda variance, _m: variance),
        tracked_mean=lambda s: average(s.rows),
        tracked=_tracks_own,
    ),
    cause(
        "mode.batch_variance_in_evaluation",
        "Evaluation normalises with the running mean and the variance of its batch.",
        eval_moments=lambda rows, mean, _var, _made: (mean, own_moments(rows)[1]),
    ),
    cause(
        "mode.unbiased_batch_in_evaluation",
        "Evaluation normalises with the mean and the unbiased variance of its batch.",
        2,
        eval_moments=lambda rows, _mean, _var, _made: (
            own_moments(rows)[0],
            unbiased(own_moments(rows)[1], rows.shape[1]),
        ),
    ),
    cause(
        "mode.batch_statistics_when_new",
        "Evaluation normalises with the statistics of its batch before the first training batch.",
        2,
        eval_moments=lambda rows, mean, var, made: own_moments(rows) if made.batches == 0 else (mean, var),
    ),
    cause(
        "mode.batch_in_evaluation_and_updates",
        "Evaluation is training: it normalises with its batch and updates the statistics.",
        2,
        eval_moments=lambda rows, _mean, _var, _made: own_moments(rows),
        updates=lambda _made, _training, _differentiated: 1,
    ),
    cause(
        "mode.moved_statistics_in_evaluation",
        "Evaluation normalises with running statistics that its batch has moved, and keeps them as they were.",
        2,
        eval_moments=_moved_in_evaluation(unbiased),
    ),
    cause(
        "mode.moved_biased_statistics_in_evaluation",
        "Evaluation normalises with running statistics that the biased variance of its batch has moved, and keeps them "
        "as they were.",
        2,
        eval_moments=_moved_in_evaluation(lambda variance, _m: variance),
    ),
    cause("mode.not_normalised_in_evaluation", "Evaluation passes x as it is.", eval_affine=lambda s: s.rows),
    cause(
        "mode.new_statistics_in_evaluation",
        "Evaluation normalises with mean 0 and variance 1.",
        eval_moments=lambda _rows, mean, var, _made: (0 * mean, 0 * var + 1),
    ),
    cause(
        "mode.updates_with_its_batch_in_evaluation",
        "Evaluation updates the running statistics with those of its batch.",
        tracked_mean=lambda s: average(s.rows),
        tracked=_tracks_own,
        updates=lambda _made, _training, _differentiated: 1,
    ),
    _updated_in_evaluation(
        "mean_updated_in_evaluation",
        "Evaluation updates the running mean as training does.",
        stored=_moves_in_evaluation("running_mean"),
    ),
    _updated_in_evaluation(
        "variance_updated_in_evaluation",
        "Evaluation updates the running variance as training does.",
        stored=_moves_in_evaluation("running_var"),
    ),
    _updated_in_evaluation(
        "updates_in_evaluation_uncounted",
        "Evaluation updates the running statistics without counting the batch.",
    ),
    cause(
        "mode.exchanged_in_evaluation",
        "Evaluation takes the running mean for the variance and the other way round.",
        2,
        eval_moments=lambda _rows, mean, var, _made: (var, mean),
    ),
    cause(
        "mode.updates_in_evaluation_alone",
        "The statistics are updated in evaluation instead of training.",
        2,
        tracked_mean=lambda s: average(s.rows),
        tracked=_tracks_own,
        updates=lambda _made, training, _differentiated: int(not training),
    ),
)
