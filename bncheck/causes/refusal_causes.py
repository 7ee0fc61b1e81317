"""Causes in what is refused, and what is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.planted.numpy_layer import Made, checked


def _refuses(detail: str, text: str, when: Any, complexity: int = 2) -> Cause:
    def check(made: Made, x: Native, training: bool) -> None:
        checked(made, x, training)
        if when(made, x, training):
            raise RuntimeError(text)

    return cause(f"crash.{detail}", text, complexity, checked=check)


def _is_single(x: Native) -> bool:
    return bool(x.size == x.shape[1])


def _raise() -> Any:
    raise ValueError("an empty batch is refused")


def _is_unchecked(made: Made, x: Native) -> bool:
    """Whether it has another number of channels, and there are no parameters that this number would not fit."""
    return made.gamma is None and x.shape[1] != len(made.running_mean)


def _seen(made: Made, x: Native, _training: bool) -> Native:
    made.extra["unchecked"] = _is_unchecked(made, x)
    return x


def _not_contiguous(_made: Made, x: Native, _training: bool) -> bool:
    return not x.flags.c_contiguous


REFUSALS = (
    _refuses("always", "Every call raises.", lambda _made, _x, _training: True, 1),
    _refuses("in_training", "Every training call raises.", lambda _made, _x, training: training, 1),
    _refuses(
        "in_evaluation",
        "Every call in evaluation raises.",
        lambda _made, _x, training: not training,
        1,
    ),
    _refuses("strided_input", "An input that is not contiguous raises.", _not_contiguous, 1),
    _refuses(
        "without_momentum",
        "A momentum of None raises.",
        lambda made, _x, training: training and made.config.momentum is None,
        1,
    ),
    _refuses(
        "momentum_zero",
        "A momentum of 0 raises.",
        lambda made, _x, training: training and made.config.momentum == 0,
        1,
    ),
    _refuses(
        "not_finite",
        "An input that is not finite raises.",
        lambda _made, x, _training: not np.isfinite(x.astype(np.float64)).all(),
        1,
    ),
    _refuses(
        "half_precision",
        "Half-precision input raises.",
        lambda _made, x, _training: x.dtype.itemsize == 2,
        1,
    ),
    _refuses(
        "double_precision",
        "float64 input raises.",
        lambda _made, x, _training: x.dtype.itemsize == 8,
        1,
    ),
    _refuses("one_channel", "A single channel raises.", lambda _made, x, _training: x.shape[1] == 1),
    _refuses(
        "one_sample",
        "A single sample raises.",
        lambda _made, x, training: training and x.shape[0] == 1 and not _is_single(x),
    ),
    _refuses(
        "one_sample_in_evaluation",
        "A single sample raises in evaluation.",
        lambda _made, x, training: not training and x.shape[0] == 1,
    ),
    _refuses(
        "odd_count",
        "An odd number of values a channel raises.",
        lambda _made, x, _training: (x.size // max(x.shape[1], 1)) % 2 == 1,
        3,
    ),
    _refuses(
        "odd_batch",
        "An odd number of samples raises.",
        lambda _made, x, _training: x.shape[0] % 2 == 1,
        3,
    ),
    _refuses(
        "small_batch",
        "Fewer than four samples raise.",
        lambda _made, x, _training: x.shape[0] < 4,
        3,
    ),
    *(
        _refuses(
            f"rank_{rank}",
            f"x of rank {rank} raises.",
            lambda _made, x, _training, rank=rank: x.ndim == rank,
        )
        for rank in (2, 3, 4, 5)
    ),
    _refuses(
        "constant_channel",
        "A constant channel raises.",
        lambda _made, x, training: (
            training
            and bool(
                (np.ptp(x.astype(np.float64), axis=tuple(a for a in range(x.ndim) if a != 1)) == 0).any()
            )
        ),
    ),
    _refuses(
        "negative_gamma",
        "A negative gamma raises.",
        lambda made, _x, _training: made.gamma is not None and bool((made.gamma < 0).any()),
    ),
    _refuses(
        "gamma_zero",
        "A gamma of 0 raises.",
        lambda made, _x, _training: made.gamma is not None and bool((made.gamma == 0).any()),
    ),
    _refuses(
        "odd_channels",
        "An odd number of channels raises.",
        lambda _made, x, _training: x.shape[1] % 2 == 1,
        3,
    ),
    cause(
        "validation.channels_unchecked",
        "A batch of another number of channels is let pass.",
        2,
        checked=lambda made, x, training: (
            None if x.shape[1] != len(made.running_mean) else checked(made, x, training)
        ),
    ),
    cause(
        "validation.channels_unchecked_without_parameters",
        "Without gamma and beta a batch of another number of channels is taken, and not tracked.",
        2,
        checked=lambda made, x, training: None if _is_unchecked(made, x) else checked(made, x, training),
        began=_seen,
        updates=lambda made, training, _differentiated: int(training and not made.extra["unchecked"]),
    ),
    cause(
        "validation.single_value_taken",
        "One value a channel is taken in training.",
        2,
        checked=lambda made, x, _training: checked(made, x, False),  # noqa: FBT003  # as in evaluation
    ),
    cause(
        "validation.empty_batch_refused", "An empty batch is refused.", 2, empty=lambda _made, _x: _raise()
    ),
    cause(
        "validation.nothing_is_refused",
        "Any batch is let pass.",
        3,
        checked=lambda _made, _x, _training: None,
    ),
)
