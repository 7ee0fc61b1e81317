"""Planted bugs of the moving average: the weight of the new batch, and how it moves the statistics."""

from __future__ import annotations

from bncheck.planted.bug import Bug
from bncheck.planted.classes import MODES, MOMENTUM, TUTORIALS
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Layer, Made, weight_of


def _falsy(made: Made) -> float:
    return 1 / (made.batches + 1) if made.config.momentum is None else made.config.momentum or 0.1


def _off_by_one(made: Made) -> float:
    return 1 / (made.batches + 2) if made.config.momentum is None else made.config.momentum


def _tenth(made: Made) -> float:
    return 0.1 if made.config.momentum is None else made.config.momentum


def _swapped_unless_half(made: Made) -> float:
    weight = weight_of(made)
    return 1 - weight if made.config.momentum is not None and weight > 0.5 else weight


MOMENTUM_BUGS = (
    Bug(
        "momentum.swapped",
        "The momentum weighs the old statistics instead of the new batch.",
        MOMENTUM,
        "PaddlePaddle/Paddle#51120",
        layer(blend=lambda old, new, w: w * old + (1 - w) * new),
    ),
    Bug(
        "momentum.swapped_for_the_variance",
        "The momentum weighs the old variance, while the mean is averaged rightly.",
        MOMENTUM,
        "bonlime/pytorch-tools#97",
        layer(blend_var=lambda old, new, w: w * old + (1 - w) * new),
    ),
    Bug(
        "momentum.swapped_above_half",
        "A momentum above one half is taken for the weight of the old statistics.",
        MOMENTUM,
        "deeplearning4j/deeplearning4j#5076",
        layer(weight=_swapped_unless_half),
    ),
    Bug(
        "momentum.ignored",
        "The weight of the new batch is 0.1 whatever momentum was given.",
        MOMENTUM,
        "pytorch/pytorch#18525",
        layer(weight=lambda _made: 0.1),
    ),
    Bug(
        "momentum.of_another_framework",
        "A momentum of 0.1 is replaced by the other frameworks' 0.01.",
        MOMENTUM,
        "fastestimator/fastestimator#1201",
        layer(weight=lambda made: 0.01 if made.config.momentum == 0.1 else weight_of(made)),
    ),
    Bug(
        "momentum.squared",
        "The momentum is multiplied by itself before it weighs the new batch.",
        MOMENTUM,
        "microsoft/onnxruntime#19742",
        layer(weight=lambda made: weight_of(made) ** 2),
    ),
    Bug(
        "momentum.doubled",
        "The new batch enters with twice its weight, so that a variance can become negative.",
        MOMENTUM,
        "tensorflow/tensorflow#14353",
        layer(blend=lambda old, new, w: old - 2 * w * (old - new)),
    ),
    Bug(
        "momentum.old_statistics_do_not_fade",
        "The new batch is added with its weight while the old statistics keep all of theirs.",
        MOMENTUM,
        "Jermmy/pytorch-quantization-demo#17",
        layer(blend=lambda old, new, w: old + w * new),
    ),
    Bug(
        "momentum.zero_is_taken_for_unset",
        "A momentum of 0 is taken for none given and becomes 0.1.",
        MOMENTUM,
        "svishwa/crowdcount-mcnn#64",
        layer(weight=_falsy),
    ),
    Bug(
        "momentum.none_is_a_tenth",
        "A momentum of None is an ordinary 0.1 instead of the cumulative average.",
        MOMENTUM,
        "pytorch/pytorch#40074",
        layer(weight=_tenth),
    ),
    Bug(
        "momentum.cumulative_counts_one_too_many",
        "The cumulative average divides by one batch more than it has seen.",
        MOMENTUM,
        "pytorch/pytorch#31296",
        layer(weight=_off_by_one),
    ),
    Bug(
        "momentum.changes_are_ignored",
        "The momentum of the constructor stays in force when the attribute is changed.",
        MODES,
        "pytorch/pytorch#44415",
        layer(with_momentum=lambda _made, _momentum: None),
    ),
    Bug(
        "momentum.of_three_digits",
        "The momentum is kept to three digits, as a configuration file printed it.",
        MOMENTUM,
        "PaddlePaddle/Paddle#32810",
        layer(weight=lambda made: float(f"{weight_of(made):.3g}")),
    ),
    Bug(
        "momentum.no_average",
        "The running statistics are those of the last batch alone.",
        TUTORIALS,
        "wkcn/mobula#2",
        layer(weight=lambda _made: 1.0),
    ),
    Bug(
        "momentum.mean_with_the_weight_of_the_old",
        "The increment of the mean is weighed by its own old weight as well, so that it is w (1 - w).",
        MOMENTUM,
        "microsoft/onnxscript#1289",
        layer(blend=lambda old, new, w: old + w * (1 - w) * (new - old), blend_var=Layer().blend),
    ),
)
