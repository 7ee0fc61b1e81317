"""Planted bugs of the variance that is tracked: its estimator, and in which representation it is stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bncheck.planted.bug import Bug
from bncheck.planted.classes import ESTIMATOR, REPRESENTATION
from bncheck.planted.numpy_adapter import DIALECT, layer
from bncheck.planted.numpy_layer import Rows, Saved, average, bessel, squares


def _unbiased(rows: Rows, mean: Rows) -> Rows:
    return bessel(squares(rows, mean), rows.shape[1])


def _bessel_of_samples(s: Saved) -> Rows:
    samples = s.x.shape[0]
    return bessel(s.variance, samples) if samples > 1 else s.variance


def _bessel_of_images(s: Saved) -> Rows:
    return bessel(s.variance, s.rows.shape[1]) if s.x.ndim >= 4 else s.variance


def _bessel_if_short(s: Saved) -> Rows:
    return bessel(s.variance, s.rows.shape[1]) if s.rows.shape[1] < 32 else s.variance


def _bessel_inverted(s: Saved) -> Rows:
    m = s.rows.shape[1]
    return np.asarray(s.variance * s.variance.dtype.type((m - 1) / m))


def _bessel_twice(s: Saved) -> Rows:
    return bessel(bessel(s.variance, s.rows.shape[1]), s.rows.shape[1])


def _from_inverse(s: Saved) -> Rows:
    """1 / r^2 - eps."""
    rebuilt = 1 / (s.r * s.r) - s.rows.dtype.type(s.made.config.eps)
    return bessel(rebuilt, s.rows.shape[1])


def _from_half_inverse(s: Saved) -> Rows:
    kept = s.r.astype(np.float16).astype(s.r.dtype)
    return _from_inverse(replace(s, r=kept))


def _of_deviations(old: Rows, new: Rows, w: float) -> Rows:
    return np.asarray(((1 - w) * np.sqrt(old) + w * np.sqrt(new)) ** 2)


def _of_inverses(old: Rows, new: Rows, w: float) -> Rows:
    return np.asarray(1 / ((1 - w) / np.sqrt(old) + w / np.sqrt(new)) ** 2)


VARIANCE_BUGS = (
    Bug(
        "running_var.biased",
        "The running variance tracks the biased variance of the batch.",
        ESTIMATOR,
        "tinygrad/tinygrad#807",
        layer(tracked=lambda s: s.variance),
    ),
    Bug(
        "running_var.unbiased_against_its_dialect",
        "The running variance is declared to be biased and tracks the unbiased one.",
        ESTIMATOR,
        "NervanaSystems/ngraph-tf#357",
        layer(dialect=replace(DIALECT, running_variance="biased")),
    ),
    Bug(
        "running_var.unbiased_by_samples",
        "The running variance is made unbiased by the number of samples instead of the values in a channel.",
        ESTIMATOR,
        "apache/mxnet#21111",
        layer(tracked=_bessel_of_samples),
    ),
    Bug(
        "running_var.unbiased_for_images_alone",
        "The running variance is unbiased from rank 4 on and biased below.",
        ESTIMATOR,
        "tensorflow/tensorflow#55545",
        layer(tracked=_bessel_of_images),
    ),
    Bug(
        "running_var.biased_when_long",
        "The running variance is biased from 32 values a channel on, which another kernel computes.",
        ESTIMATOR,
        "CanReader/FastNN#11",
        layer(tracked=_bessel_if_short),
    ),
    Bug(
        "running_var.bessel_inverted",
        "The batch variance is multiplied by (n - 1) / n instead of n / (n - 1) before it is tracked.",
        ESTIMATOR,
        "rwth-i6/returnn#170",
        layer(tracked=_bessel_inverted),
    ),
    Bug(
        "running_var.bessel_twice",
        "The batch variance is multiplied by n / (n - 1) twice before it is tracked.",
        ESTIMATOR,
        "tenstorrent/tt-metal#55440",
        layer(tracked=_bessel_twice),
    ),
    Bug(
        "variance.unbiased",
        "The output is normalised with the unbiased variance.",
        ESTIMATOR,
        "src:pjreddie/darknet:src/blas.c",
        layer(variance=_unbiased, tracked=lambda s: s.variance),
    ),
    Bug(
        "running_var.inverse_deviation",
        "The running variance holds 1 / sqrt(var + eps) of the batches.",
        REPRESENTATION,
        "soumith/cudnn.torch#109",
        layer(tracked=lambda s: s.r),
    ),
    Bug(
        "running_var.deviation",
        "The running variance holds the standard deviation of the batches.",
        REPRESENTATION,
        "torch/nn#609",
        layer(tracked=lambda s: np.sqrt(bessel(s.variance, s.rows.shape[1]))),
    ),
    Bug(
        "running_var.average_of_deviations",
        "Standard deviations are averaged instead of variances.",
        REPRESENTATION,
        "kulinseth/pytorch#239",
        layer(blend_var=_of_deviations),
    ),
    Bug(
        "running_var.average_of_inverse_deviations",
        "Inverse standard deviations are averaged instead of variances.",
        REPRESENTATION,
        "Lasagne/Lasagne#467",
        layer(blend_var=_of_inverses),
    ),
    Bug(
        "running_mean.unnormalised_sum",
        "The running statistics are sums of the batches that nobody divides by their weight.",
        REPRESENTATION,
        "BVLC/caffe#4885",
        layer(blend=lambda old, new, w: (1 - w) * old + new),
    ),
    Bug(
        "running_var.rebuilt_from_the_inverse",
        "The tracked variance is rebuilt as 1 / r^2 - eps, which loses its digits where eps is larger.",
        REPRESENTATION,
        "src:apache/mxnet@b84609d:src/operator/nn/batch_norm.cc",
        layer(tracked=_from_inverse),
    ),
    Bug(
        "running_var.rebuilt_from_a_half_inverse",
        "The tracked variance is rebuilt from an inverse deviation that was stored in float16.",
        REPRESENTATION,
        "microsoft/onnxruntime#8172",
        layer(tracked=_from_half_inverse),
    ),
    Bug(
        "running_var.mean_of_squares",
        "The running variance tracks the mean of the squares, without taking off the squared mean.",
        REPRESENTATION,
        "pierluigiferrari/caffe_weight_converter#7",
        layer(tracked=lambda s: bessel(average(s.rows * s.rows), s.rows.shape[1])),
    ),
    Bug(
        "running_var.read_as_a_deviation",
        "The output in evaluation is divided by var + eps, as if the buffer held a standard deviation.",
        REPRESENTATION,
        "soumith/cudnn.torch#165",
        layer(
            eval_affine=lambda s: s.gamma * (s.xc * s.r * s.r) + s.beta,
        ),
    ),
)
