"""Causes in the weight of the new batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.causes.cause import SOUND, Cause
from bncheck.causes.made import cause
from bncheck.planted.numpy_layer import (
    Made,
    Rows,
    stored,
    weight_of,
)


def _of_momentum(change: Any) -> Any:
    """A weight that is a change of the momentum alone."""

    def weight(made: Made) -> float:
        momentum = made.config.momentum
        return weight_of(made) if momentum is None else float(change(momentum))

    return weight


def _weight(detail: str, text: str, change: Any, complexity: int = 1) -> Cause:
    return cause(f"momentum.{detail}", text, complexity, weight=_of_momentum(change))


def _debiased(made: Made, name: str, values: Native) -> None:
    """Stored divided by 1 - (1 - w)^t."""
    momentum = made.config.momentum
    share = 1.0 if momentum in (None, 0.0) else 1 - (1 - momentum) ** (made.batches + 1)
    stored(made, name, values / share)


def _complement(old: Rows, new: Rows, w: Any) -> Rows:
    return np.asarray(w * old + (1 - w) * new)


MOMENTUM_CAUSES = (
    cause(
        "momentum.swapped_in_the_weight",
        "The weight of the new batch is one minus the momentum.",
        weight=lambda made: 1 - weight_of(made),
    ),
    _weight(
        "reversed",
        "The momentum weighs the old statistics; the cumulative average is right.",
        lambda w: 1 - w,
    ),
    cause(
        "momentum.swapped_for_the_mean",
        "The momentum weighs the old mean, while the variance is averaged rightly.",
        2,
        blend=_complement,
        blend_var=SOUND.blend,
    ),
    *(
        _weight(
            "hard_coded",
            f"The weight of the new batch is {w:g} whatever momentum was given.",
            lambda _momentum, w=w: w,
        )
        for w in (0.1, 0.9, 0.01, 0.99, 0.5, 0.001, 0.999, 0.05)
    ),
    *(
        cause(
            "momentum.hard_coded",
            f"The weight of the new batch is {w:g} always.",
            2,
            weight=lambda _made, w=w: w,
        )
        for w in (0.9, 0.01, 0.99, 0.5, 0.001, 0.999)
    ),
    _weight("squared_alone", "The momentum is squared; the cumulative average is right.", lambda w: w * w),
    _weight("rooted", "The root of the momentum weighs the new batch.", lambda w: w**0.5),
    _weight("halved", "The new batch enters with half of its weight.", lambda w: w / 2),
    _weight("twice", "The new batch enters with twice its weight.", lambda w: 2 * w),
    _weight(
        "complement_squared",
        "The old statistics fade by the square of their weight.",
        lambda w: 1 - (1 - w) ** 2,
        2,
    ),
    _weight(
        "old_squared", "The momentum is the weight of the old statistics, squared.", lambda w: 1 - w * w, 2
    ),
    _weight("times_its_complement", "The weight of the new batch is w (1 - w).", lambda w: w * (1 - w), 2),
    _weight(
        "no_average_unless_cumulative",
        "The running statistics are those of the last batch alone; the cumulative average is right.",
        lambda _w: 1.0,
    ),
    _weight("raised_to_the_tenth", "A momentum below 0.1 is raised to it.", lambda w: max(w, 0.1), 2),
    cause(
        "momentum.debiased",
        "The running statistics are divided by 1 - (1 - w)^t when they are stored.",
        stored=_debiased,
    ),
    cause(
        "momentum.old_kept_by_w",
        "Old and new are both weighed by w.",
        2,
        blend=lambda old, new, w: w * old + w * new,
    ),
    cause(
        "momentum.old_and_new_by_the_complement",
        "Old and new are both weighed by 1 - w.",
        2,
        blend=lambda old, new, w: (1 - w) * old + (1 - w) * new,
    ),
    cause(
        "momentum.cumulative",
        "The momentum is ignored in favour of the cumulative average.",
        weight=lambda made: 1 / (made.batches + 1),
    ),
    cause(
        "momentum.cumulative_of_old",
        "The cumulative average weighs the new batch by t / (t + 1).",
        2,
        weight=lambda made: (
            made.batches / (made.batches + 1) if made.config.momentum is None else made.config.momentum
        ),
    ),
    *(
        cause(
            "momentum.none_is_another",
            f"A momentum of None is {w:g} instead of the cumulative average.",
            2,
            weight=lambda made, w=w: w if made.config.momentum is None else made.config.momentum,
        )
        for w in (0.0, 1.0, 0.9, 0.01)
    ),
    cause(
        "momentum.applied_twice",
        "The new batch is averaged in twice.",
        2,
        blend=lambda old, new, w: (1 - w) * ((1 - w) * old + w * new) + w * new,
    ),
)
