"""The classes of public reports that planted bugs belong to, and why some of them have none here."""

from __future__ import annotations

MOMENTUM = "momentum convention"
ESTIMATOR = "biased or unbiased running variance"
EPSILON = "epsilon: place, value, missing, doubled"
REPRESENTATION = "representation of the stored statistics"
ALGORITHM = "variance algorithm, cancellation and overflow"
SINGLE = "one value per channel"
EMPTY = "empty batch"
GRADIENT = "first-order gradient in training"
FROZEN = "gradient with frozen statistics"
HIGHER = "second and higher order, forward mode"
MODES = "modes, flags and call sequences"
INITIAL = "initial value and debias of the running statistics"
LAYOUT = "layout, strides, storage offset and axis"
PRECISION = "dtype, mixed precision and precision of the statistics"
COMPILED = "compiled and other modes of execution"
FOLDING = "folding into a convolution or linear layer"
TRANSFORMS = "vmap and functional transforms"
DISTRIBUTED = "distributed and synchronised statistics"
AFFINE = "affine flags and the sign of gamma"
SIZES = "size limits, index overflow and tails"
DETERMINISM = "concurrency and determinism"
SPECIAL = "NaN and infinity"
MASKED = "masked inputs"
VALIDATION = "argument validation and crashes"
TUTORIALS = "student and tutorial implementations"
FALSE_ALARMS = "false alarms and tolerance traps"

CLASSES = (
    MOMENTUM,
    ESTIMATOR,
    EPSILON,
    REPRESENTATION,
    ALGORITHM,
    SINGLE,
    EMPTY,
    GRADIENT,
    FROZEN,
    HIGHER,
    MODES,
    INITIAL,
    LAYOUT,
    PRECISION,
    COMPILED,
    FOLDING,
    TRANSFORMS,
    DISTRIBUTED,
    AFFINE,
    SIZES,
    DETERMINISM,
    SPECIAL,
    MASKED,
    VALIDATION,
    TUTORIALS,
    FALSE_ALARMS,
)

NOT_PLANTED: dict[str, str] = {
    FOLDING: "Folding is a transformation of two layers into one, and not an evaluation of a layer.",
    TRANSFORMS: "A layer is evaluated on one batch at a time, and vmap belongs to the framework around it.",
    MASKED: "A mask is an argument that a layer of the usual signature does not have.",
    FALSE_ALARMS: "Nothing is wrong with what these reports blame, so that there is nothing to plant.",
}
