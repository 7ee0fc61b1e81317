"""Planted bugs of the gradients, in training and with frozen statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import FROZEN, GRADIENT
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Made, Rows, Saved, average, closed_form_dx, squares, total

HALVES = ("float16", "bfloat16")


def _of_the_batch(s: Saved) -> Saved:
    """The same with mean and inverse deviation of its own batch."""
    mean = average(s.rows)
    variance = squares(s.rows, mean)
    return replace(
        s, mean=mean, variance=variance, r=1 / np.sqrt(variance + s.rows.dtype.type(s.made.config.eps))
    )


def _shared(dy: Rows, s: Saved, n: float) -> Rows:
    """The closed form with its two means taken over n."""
    return np.asarray(s.gamma * s.r * (dy - total(dy) / n - s.xhat * (total(dy * s.xhat) / n)))


def _bessel_for_variance(dy: Rows, s: Saved) -> Rows:
    n = dy.shape[1]
    return np.asarray(s.gamma * s.r * (dy - total(dy) / n - s.xhat * (total(dy * s.xhat) / (n - 1))))


def _saturated(dy: Rows, s: Saved) -> Rows:
    return np.clip(total(dy * s.xhat), -4, 4)


def _accumulated(name: str, dy: Rows, s: Saved) -> Rows:
    """Added to what the call before it has left."""
    found = total(dy * s.xhat) if name == "dgamma" else total(dy)
    s.made.extra[name] = found + s.made.extra.get(name, 0)
    kept: Rows = s.made.extra[name]
    return kept


def _in_half(dx: Native, x: Native) -> Native:
    return dx.astype(np.float16).astype(x.dtype)


def _sums_in_x_dtype(dy: Rows, s: Saved) -> Rows:
    narrow = s.x.dtype
    first = dy.astype(narrow).mean(axis=1, keepdims=True, dtype=narrow).astype(dy.dtype)
    second = (dy * s.xhat).astype(narrow).mean(axis=1, keepdims=True, dtype=narrow).astype(dy.dtype)
    return np.asarray(s.gamma * s.r * (dy - first - s.xhat * second))


def _mode_of_the_layer(made: Made, saved: Saved) -> Saved:
    """The formula of the mode that the layer is in now, not of the one that the forward pass was in."""
    return replace(saved, training=made.extra.get("training", saved.training))


def _tail_of_four(dy: Rows, s: Saved) -> Rows:
    """Four values at a time; what is left over is forgotten."""
    whole = dy.shape[1] // 4 * 4 if dy.shape[1] > 4 else dy.shape[1]
    return total((dy * s.xhat)[:, :whole])


GRADIENT_BUGS = (
    Bug(
        "gradient_dx.constant_statistics",
        "dx takes mean and variance for constants.",
        GRADIENT,
        "facebookresearch/CrypTen#143",
        layer(dx=lambda dy, s: s.gamma * s.r * dy),
    ),
    Bug(
        "gradient_dx.without_the_mean_term",
        "dx lacks the term of the mean.",
        GRADIENT,
        "deeplearning4j/deeplearning4j#8379",
        layer(dx=lambda dy, s: s.gamma * s.r * (dy - s.xhat * average(dy * s.xhat))),
    ),
    Bug(
        "gradient_dx.without_the_variance_term",
        "dx lacks the term of the variance.",
        GRADIENT,
        "mlpack/mlpack#2474",
        layer(dx=lambda dy, s: s.gamma * s.r * (dy - average(dy))),
    ),
    Bug(
        "gradient_dx.variance_term_added",
        "The term of the variance has the wrong sign in dx.",
        GRADIENT,
        "intel/ipex-llm#94",
        layer(dx=lambda dy, s: s.gamma * s.r * (dy - average(dy) + s.xhat * average(dy * s.xhat))),
    ),
    Bug(
        "gradient_dx.without_gamma",
        "dx is not multiplied by gamma.",
        GRADIENT,
        "denizyuret/Knet.jl#288",
        layer(dx=lambda dy, s: closed_form_dx(dy, replace(s, gamma=np.ones_like(s.gamma)))),
    ),
    Bug(
        "gradient_dx.bessel_in_the_variance_term",
        "The term of the variance in dx is divided by n - 1.",
        GRADIENT,
        "pjreddie/darknet#1723",
        layer(dx=_bessel_for_variance),
    ),
    Bug(
        "gradient_dx.means_over_the_samples",
        "The sums in dx are divided by the number of samples, without the positions.",
        GRADIENT,
        "PaddlePaddle/Paddle#54703",
        layer(dx=lambda dy, s: _shared(dy, s, s.x.shape[0])),
    ),
    Bug(
        "gradient_dx.sums_for_means",
        "The sums in dx are not divided at all.",
        GRADIENT,
        "tinygrad/tinygrad#17201",
        layer(dx=lambda dy, s: _shared(dy, s, 1)),
    ),
    Bug(
        "gradient_dx.through_half",
        "dx passes through float16 on its way out.",
        GRADIENT,
        "pytorch/pytorch#156513",
        layer(dx_output=_in_half),
    ),
    Bug(
        "gradient_dx.sums_in_half",
        "The sums of dx are taken in the dtype of x.",
        GRADIENT,
        "ROCm/MIOpen#2024",
        layer(dx=_sums_in_x_dtype),
        dtypes=HALVES,
    ),
    Bug(
        "gradient_dx.off_by_five_digits",
        "The term of the variance in dx is too large by a hundred-thousandth of itself.",
        GRADIENT,
        "pytorch/pytorch#156867",
        layer(
            dx=lambda dy, s: s.gamma * s.r * (dy - average(dy) - s.xhat * (average(dy * s.xhat) * (1 + 1e-5)))
        ),
    ),
    Bug(
        "gradient_dx.off_by_twelve_digits",
        "dx is too large by a million-millionth of itself.",
        GRADIENT,
        "pytorch/pytorch#156867",
        layer(dx=lambda dy, s: closed_form_dx(dy, s) * (1 + 1e-12)),
        dtypes=("float64",),
    ),
    Bug(
        "gradient_dgamma.mean_for_sum",
        "dgamma is a mean instead of a sum.",
        GRADIENT,
        "intel/ipex-llm#94",
        layer(dgamma=lambda dy, s: average(dy * s.xhat)),
    ),
    Bug(
        "gradient_dgamma.of_the_raw_input",
        "dgamma is the sum of dy x instead of dy xhat.",
        GRADIENT,
        "pytorch/pytorch#175189",
        layer(dgamma=lambda dy, s: total(dy * s.rows)),
    ),
    Bug(
        "gradient_dgamma.without_the_deviation",
        "dgamma is not divided by the deviation.",
        GRADIENT,
        "ROCm/MIOpen#1109",
        layer(dgamma=lambda dy, s: total(dy * s.xc)),
    ),
    Bug(
        "gradient_dgamma.saturates",
        "dgamma is clipped, so that it does not grow with dy.",
        GRADIENT,
        "tensorflow/tensorflow#107705",
        layer(dgamma=_saturated),
    ),
    Bug(
        "gradient_dgamma.without_the_tail",
        "dgamma leaves out what does not fill a vector of four.",
        GRADIENT,
        "ROCm/rocm-libraries#4757",
        layer(dgamma=_tail_of_four),
    ),
    Bug(
        "gradient_dgamma.accumulates",
        "dgamma is added to that of the backward pass before it.",
        GRADIENT,
        "apache/mxnet#18499",
        layer(dgamma=lambda dy, s: _accumulated("dgamma", dy, s)),
    ),
    Bug(
        "gradient_dbeta.accumulates",
        "dbeta is added to that of the backward pass before it.",
        GRADIENT,
        "apache/mxnet#18475",
        layer(dbeta=lambda dy, s: _accumulated("dbeta", dy, s)),
    ),
    Bug(
        "gradient_dbeta.mean_for_sum",
        "dbeta is a mean instead of a sum.",
        GRADIENT,
        "PaddlePaddle/Paddle#24803",
        layer(dbeta=lambda dy, _s: average(dy)),
    ),
    Bug(
        "gradient_dbeta.times_gamma",
        "dbeta is multiplied by gamma.",
        GRADIENT,
        "PaddlePaddle/Paddle#54703",
        layer(dbeta=lambda dy, s: s.gamma * total(dy)),
    ),
    Bug(
        "gradient_dgamma.exchanged_with_dbeta",
        "dgamma and dbeta are exchanged.",
        GRADIENT,
        "intel/ipex-llm#94",
        layer(dgamma=lambda dy, _s: total(dy), dbeta=lambda dy, s: total(dy * s.xhat)),
    ),
    Bug(
        "gradient_dx.training_formula_in_evaluation",
        "dx in evaluation has the terms of mean and variance, with the batch's own statistics.",
        FROZEN,
        "pytorch/pytorch#586",
        layer(eval_dx=lambda dy, s: closed_form_dx(dy, _of_the_batch(s))),
    ),
    Bug(
        "gradient_dx.training_terms_in_evaluation",
        "dx in evaluation has the terms of mean and variance, with the running statistics.",
        FROZEN,
        "src:pjreddie/darknet:src/batchnorm_layer.c",
        layer(eval_dx=closed_form_dx),
    ),
    Bug(
        "gradient_dx.without_deviation_in_evaluation",
        "dx in evaluation is not divided by the running deviation.",
        FROZEN,
        "chainer/chainer#3468",
        layer(eval_dx=lambda dy, s: s.gamma * dy),
    ),
    Bug(
        "gradient_dgamma.of_the_batch_in_evaluation",
        "dgamma in evaluation is that of the batch's own statistics.",
        FROZEN,
        "FluxML/Flux.jl#2179",
        layer(eval_dgamma=lambda dy, s: total(dy * _of_the_batch(s).xhat)),
    ),
    Bug(
        "gradient_dgamma.absent_in_evaluation",
        "dgamma and dbeta are zero in evaluation, as if the parameters were frozen with the statistics.",
        FROZEN,
        "tensorflow/tensorflow#10857",
        layer(eval_dgamma=lambda dy, _s: 0 * total(dy), eval_dbeta=lambda dy, _s: 0 * total(dy)),
    ),
    Bug(
        "mode.backward_in_the_mode_of_the_layer",
        "The backward pass takes the formula of the mode that the layer is in by then.",
        FROZEN,
        "apache/mxnet#9580",
        layer(
            ended=lambda made, saved: made.extra.update(training=saved.training), recalled=_mode_of_the_layer
        ),
    ),
)
