"""Planted bugs of gamma and beta: ignored, changed, exchanged, or applied in the wrong order."""

from __future__ import annotations

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import AFFINE, COMPILED, VALIDATION
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Made, Rows, Saved, checked, column, total


def _needs_gamma(made: Made, x: Native, training: bool) -> None:
    checked(made, x, training)
    if made.gamma is None:
        raise AttributeError("'NoneType' object has no attribute 'reshape'")


def _without_gamma_as_gamma_zero(s: Saved) -> Rows:
    """Where there is no gamma, a zero that was never filled stands for it."""
    return np.asarray((s.gamma if s.made.gamma is not None else s.beta) * s.xhat + s.beta)


def _no_batch_norm_without_gamma(s: Saved) -> Rows:
    return s.rows if s.made.gamma is None else np.asarray(s.gamma * s.xhat + s.beta)


def _zero_is_unset(s: Saved) -> Rows:
    """A gamma of 0 is taken for one that was never given."""
    return np.asarray(np.where(s.gamma == 0, s.gamma.dtype.type(1), s.gamma) * s.xhat + s.beta)


def _any_channels(made: Made, x: Native, training: bool) -> None:
    """Whatever channels come, the statistics are repeated or cut to fit."""
    channels = x.shape[1]
    if channels != len(made.running_mean) and x.size:
        made.running_mean, made.running_var = (
            np.resize(each, channels) for each in (made.running_mean, made.running_var)
        )
        if made.gamma is not None and made.beta is not None:
            made.gamma, made.beta = np.resize(made.gamma, channels), np.resize(made.beta, channels)
    checked(made, x, training)


def _let_pass(made: Made, x: Native, training: bool) -> None:
    """More channels than those of the layer are let pass."""
    if x.shape[1] < len(made.running_mean):
        checked(made, x, training)


def _cut(made: Made, x: Native, _training: bool) -> Native:
    return x[:, : len(made.running_mean)]


AFFINE_BUGS = (
    Bug(
        "affine.gamma_fixed",
        "gamma is taken for 1.",
        AFFINE,
        "apache/mxnet#9624",
        layer(both=lambda s: s.xhat + s.beta),
    ),
    Bug(
        "affine.gamma_fixed_with_its_gradient",
        "gamma is taken for 1 and has the gradient 0.",
        AFFINE,
        "apache/mxnet#12899",
        layer(
            both=lambda s: s.xhat + s.beta,
            dgamma=lambda dy, _s: 0 * total(dy),
            eval_dgamma=lambda dy, _s: 0 * total(dy),
        ),
    ),
    Bug(
        "affine.gamma_absolute",
        "gamma enters by its absolute value.",
        AFFINE,
        "mapillary/inplace_abn#92",
        layer(both=lambda s: np.abs(s.gamma) * s.xhat + s.beta),
    ),
    Bug(
        "affine.gamma_plus_one",
        "gamma is the deviation from 1: the scale is 1 + gamma.",
        AFFINE,
        "mapillary/inplace_abn#4",
        layer(both=lambda s: (1 + s.gamma) * s.xhat + s.beta),
    ),
    Bug(
        "affine.gamma_of_the_next_channel",
        "Each channel has the gamma of the next one.",
        AFFINE,
        "alibaba/heterogeneity-aware-lowering-and-optimization#470",
        layer(both=lambda s: np.roll(s.gamma, -1, axis=0) * s.xhat + s.beta),
    ),
    Bug(
        "affine.gamma_zero_is_unset",
        "A gamma of 0 is taken for one that was not given.",
        AFFINE,
        "mapillary/inplace_abn#92",
        layer(both=_zero_is_unset),
    ),
    Bug(
        "affine.beta_before_gamma",
        "beta is added before the multiplication by gamma.",
        AFFINE,
        "alibaba/heterogeneity-aware-lowering-and-optimization#470",
        layer(both=lambda s: s.gamma * (s.xhat + s.beta)),
    ),
    Bug(
        "affine.beta_before_the_deviation",
        "beta is added before the division by the deviation.",
        AFFINE,
        "apache/tvm#12708",
        layer(both=lambda s: s.gamma * s.xhat + s.beta * s.r),
    ),
    Bug(
        "affine.no_beta",
        "beta is not added.",
        AFFINE,
        "apache/mxnet#3037",
        layer(both=lambda s: s.gamma * s.xhat),
    ),
    Bug(
        "affine.exchanged",
        "gamma and beta are exchanged.",
        AFFINE,
        "apache/tvm#3216",
        layer(both=lambda s: s.beta * s.xhat + s.gamma),
    ),
    Bug(
        "affine.gamma_once_more_in_evaluation",
        "gamma is folded into the scale twice in evaluation.",
        AFFINE,
        "NVIDIA-AI-IOT/torch2trt#232",
        layer(eval_affine=lambda s: s.gamma * s.gamma * s.xhat + s.beta),
    ),
    Bug(
        "affine.rounded_in_evaluation",
        "The folded scale of evaluation is rounded to float16.",
        COMPILED,
        "pytorch/pytorch#181696",
        layer(
            eval_affine=lambda s: (
                column((s.gamma * s.r)[:, 0].astype(np.float16), s.rows.dtype) * s.xc + s.beta
            )
        ),
    ),
    Bug(
        "crash.without_gamma",
        "A layer without gamma and beta raises.",
        AFFINE,
        "FluxML/Flux.jl#1810",
        layer(checked=_needs_gamma),
        expected="crashed",
    ),
    Bug(
        "affine.absent_gamma_is_zero",
        "Where gamma is absent the output is 0.",
        AFFINE,
        "pytorch/pytorch#11249",
        layer(both=_without_gamma_as_gamma_zero),
    ),
    Bug(
        "affine.absent_gamma_skips_all",
        "Where gamma is absent the output is x.",
        AFFINE,
        "apple/coremltools#784",
        layer(both=_no_batch_norm_without_gamma),
    ),
    Bug(
        "validation.channels_repeated",
        "A batch of another number of channels is taken, the statistics repeated to fit.",
        VALIDATION,
        "pytorch/pytorch#185864",
        layer(checked=_any_channels),
    ),
    Bug(
        "validation.channels_cut",
        "A batch of too many channels is taken, and those too many are cut off.",
        VALIDATION,
        "pytorch/pytorch#189828",
        layer(checked=_let_pass, began=_cut),
    ),
)
