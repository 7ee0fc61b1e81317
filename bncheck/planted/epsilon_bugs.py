"""Planted bugs of eps: where it stands, which value it has, and where it is missing or counted twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.planted.bug import Bug
from bncheck.planted.classes import EPSILON
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Made, Rows, Saved, bessel, closed_form_dx, loaded


def _with_own_eps(s: Saved, eps: float) -> Saved:
    return replace(s, r=1 / np.sqrt(s.variance + s.variance.dtype.type(eps)))


def _dx_with_another_eps(dy: Rows, s: Saved) -> Rows:
    return closed_form_dx(dy, _with_own_eps(s, 1e-5))


def _dgamma_with_another_eps(dy: Rows, s: Saved) -> Rows:
    own = _with_own_eps(s, 1e-5)
    return np.asarray((dy * own.xc).sum(axis=1, keepdims=True) * own.r)


def _without_eps(made: Made, saved: dict[str, Any]) -> None:
    loaded(made, saved)
    made.running_var[...] = made.running_var - made.running_var.dtype.type(made.config.eps)


EPSILON_BUGS = (
    Bug(
        "eps.outside_the_root",
        "eps is added to the standard deviation instead of the variance.",
        EPSILON,
        "Tencent/ncnn#311",
        layer(inverse=lambda variance, eps: 1 / (np.sqrt(variance) + eps)),
    ),
    Bug(
        "eps.squared",
        "eps is squared before it is added to the variance.",
        EPSILON,
        "pjreddie/darknet#17",
        layer(inverse=lambda variance, eps: 1 / np.sqrt(variance + eps * eps)),
    ),
    Bug(
        "eps.square_in_place_of_root",
        "The output is divided by (var + eps) squared where its root is meant.",
        EPSILON,
        "jax-ml/jax#442",
        layer(inverse=lambda variance, eps: 1 / (variance + eps) ** 2),
    ),
    Bug(
        "eps.missing",
        "eps is not added to the variance at all.",
        EPSILON,
        "pytorch/vision#2169",
        layer(inverse=lambda variance, _eps: 1 / np.sqrt(variance)),
    ),
    Bug(
        "eps.missing_in_evaluation",
        "eps is not added to the running variance in evaluation.",
        EPSILON,
        "chainer/chainer#2214",
        layer(eval_eps=lambda _eps, _dtype: 0.0),
    ),
    Bug(
        "eps.doubled",
        "eps is added twice in training.",
        EPSILON,
        "chainer/chainer#7506",
        layer(eps=lambda eps, _dtype: 2 * eps),
    ),
    Bug(
        "eps.doubled_in_evaluation",
        "eps is added twice in evaluation.",
        EPSILON,
        "chainer/chainer#4505",
        layer(eval_eps=lambda eps, _dtype: 2 * eps),
    ),
    Bug(
        "eps.in_the_running_variance",
        "The running variance tracks var + eps.",
        EPSILON,
        "nntrainer/nntrainer#677",
        layer(tracked=lambda s: bessel(s.variance + s.rows.dtype.type(s.made.config.eps), s.rows.shape[1])),
    ),
    Bug(
        "eps.hard_coded",
        "eps is 0.001 whatever was given.",
        EPSILON,
        "intel/BigDL#691",
        layer(eps=lambda _eps, _dtype: 1e-3, eval_eps=lambda _eps, _dtype: 1e-3),
    ),
    Bug(
        "eps.hard_coded_in_evaluation",
        "eps is 0.00001 in evaluation whatever was given.",
        EPSILON,
        "qqwweee/keras-yolo3#451",
        layer(eval_eps=lambda _eps, _dtype: 1e-5),
    ),
    Bug(
        "eps.at_least_the_smallest_allowed",
        "eps is raised to 0.00001 where less was given.",
        EPSILON,
        "chainer/chainer#1955",
        layer(eps=lambda eps, _dtype: max(eps, 1e-5), eval_eps=lambda eps, _dtype: max(eps, 1e-5)),
    ),
    Bug(
        "eps.in_place_of_a_smaller_variance",
        "A variance below eps is replaced by eps instead of being increased by it.",
        EPSILON,
        "Tencent/ncnn#303",
        layer(inverse=lambda variance, eps: 1 / np.sqrt(np.maximum(variance, eps))),
    ),
    Bug(
        "eps.another_one_backward",
        "The backward pass takes 0.00001 for eps, the forward pass the one that was given.",
        EPSILON,
        "AlexeyAB/darknet#5447",
        layer(dx=_dx_with_another_eps, dgamma=_dgamma_with_another_eps),
    ),
    Bug(
        "eps.subtracted_when_loaded",
        "Loading a saved state subtracts eps from the running variance.",
        EPSILON,
        "facebookresearch/detectron2#3160",
        layer(loaded=_without_eps),
    ),
    Bug(
        "eps.rounded_to_half",
        "eps is rounded to float16, in which the smallest ones are 0.",
        EPSILON,
        "pytorch/pytorch#43614",
        layer(
            eps=lambda eps, _dtype: float(np.float16(eps)),
            eval_eps=lambda eps, _dtype: float(np.float16(eps)),
        ),
        dtypes=("float16", "float32"),
    ),
    Bug(
        "eps.rounded_to_single",
        "eps is rounded to float32 while everything else is float64.",
        EPSILON,
        "NervanaSystems/ngraph-onnx#142",
        layer(
            eps=lambda eps, _dtype: float(np.float32(eps)),
            eval_eps=lambda eps, _dtype: float(np.float32(eps)),
        ),
        dtypes=("float64",),
    ),
)
