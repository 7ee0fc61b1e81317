"""Causes in what a layer keeps and hands on."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from bncheck.case import Native
from bncheck.causes.made import cause
from bncheck.causes.parts import own_moments
from bncheck.planted.numpy_layer import (
    Layer,
    Made,
    Rows,
    fresh,
    loaded,
    restarted,
)


def _last_batch(_layer: Layer, rows: Rows, _x: Native, made: Made) -> tuple[Rows, Rows]:
    found = own_moments(rows)
    made.extra["last"] = found
    return found


def _of_last_batch(_rows: Rows, mean: Rows, var: Rows, made: Made) -> tuple[Rows, Rows]:
    kept: tuple[Rows, Rows] = made.extra.get("last", (mean, var))
    return kept


def _refused(_made: Any) -> Any:
    raise TypeError("it cannot be copied")


def _as_new(made: Made, saved: dict[str, Any], *forgotten: str) -> None:
    loaded(made, {name: value for name, value in saved.items() if name not in forgotten})


def _every_other(made: Made, training: bool, _differentiated: bool) -> int:
    made.extra["calls"] = made.extra.get("calls", 0) + int(training)
    return int(training and made.extra["calls"] % 2 == 1)


def _renewed(made: Made) -> Made:
    copied = deepcopy(made)
    restarted(copied)
    return copied


STATE_CAUSES = (
    cause(
        "state.updated_twice_always",
        "A training pass updates the statistics twice.",
        updates=lambda _made, training, _differentiated: 2 * int(training),
    ),
    cause(
        "state.updated_twice_without_gradients",
        "A training pass without gradients updates the statistics twice.",
        2,
        updates=lambda _made, training, differentiated: int(training) * (2 - int(differentiated)),
    ),
    cause(
        "state.updated_every_other_time",
        "Every other training pass updates the statistics.",
        2,
        updates=_every_other,
    ),
    cause(
        "state.counter_starts_at_one",
        "A new layer has counted one batch.",
        2,
        fresh=lambda config: replace(fresh(config), batches=1),
    ),
    cause(
        "state.load_forgets_the_statistics",
        "Loading a saved state leaves the running statistics of the new layer.",
        2,
        loaded=lambda made, saved: _as_new(made, saved, "running_mean", "running_var"),
    ),
    cause(
        "state.load_forgets_statistics_and_counter",
        "Loading a saved state leaves the running statistics and the count of the new layer.",
        2,
        loaded=lambda made, saved: _as_new(made, saved, "running_mean", "running_var", "batches"),
    ),
    cause(
        "state.load_forgets_the_mean",
        "Loading a saved state leaves the running mean of the new layer.",
        2,
        loaded=lambda made, saved: _as_new(made, saved, "running_mean"),
    ),
    cause(
        "state.load_forgets_the_parameters",
        "Loading a saved state leaves gamma and beta of the new layer.",
        2,
        loaded=lambda made, saved: _as_new(made, saved, "gamma", "beta"),
    ),
    cause(
        "state.load_forgets_everything",
        "Loading a saved state changes nothing.",
        2,
        loaded=lambda _made, _saved: None,
    ),
    cause(
        "state.reset_does_nothing", "A reset leaves everything as it was.", 2, restarted=lambda _made: None
    ),
    cause(
        "state.reset_resets_the_counter_alone",
        "A reset leaves the running statistics.",
        2,
        restarted=lambda made: setattr(made, "batches", 0),
    ),
    cause("state.copy_is_the_original", "A copy is the layer itself.", 2, copied=lambda made: made),
    cause("state.copy_is_new", "A copy starts with new statistics.", 2, copied=_renewed),
    cause("state.cannot_be_copied", "A copy raises.", 2, copied=_refused),
    cause(
        "state.cannot_be_copied_once_trained",
        "A copy raises after a training batch.",
        3,
        copied=lambda made: _refused(made) if made.batches else deepcopy(made),
    ),
    cause(
        "state.evaluation_of_the_last_batch",
        "Evaluation normalises with the statistics of the last training batch, if there was one.",
        2,
        moments=_last_batch,
        eval_moments=_of_last_batch,
    ),
)
