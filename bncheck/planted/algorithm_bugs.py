"""Planted bugs of the algorithm that finds mean and variance: cancellation, overflow, and digits that are lost."""

from __future__ import annotations

import numpy as np

from bncheck.case import Native
from bncheck.planted.bug import Bug
from bncheck.planted.classes import ALGORITHM, TUTORIALS
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Layer, Made, Rows, Saved, average, squares

HALVES = ("float16", "bfloat16")


def _one_pass(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(np.maximum(average(rows * rows) - mean * mean, 0))


def _one_pass_unclipped(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(average(rows * rows) - mean * mean)


def _shifted_one_pass(rows: Rows, mean: Rows) -> Rows:
    """Shifted by a rounded mean of the first two values, which is no mean of the channel."""
    shift = np.rint(rows[:, :2].mean(axis=1, keepdims=True) / 64) * 64
    moved = rows - shift
    return np.asarray(np.maximum(average(moved * moved) - (mean - shift) ** 2, 0))


def _moments_in_x_dtype(_layer: Layer, rows: Rows, x: Native, _made: Made) -> tuple[Rows, Rows]:
    """Everything in the dtype of x, one pass."""
    narrow = rows.astype(x.dtype)
    mean = narrow.mean(axis=1, keepdims=True).astype(x.dtype)
    variance = (narrow * narrow).mean(axis=1, keepdims=True).astype(x.dtype) - mean * mean
    return mean.astype(rows.dtype), np.maximum(variance.astype(rows.dtype), 0)


def _squares_in_half(rows: Rows, mean: Rows) -> Rows:
    """float16 ends at 65504, which the square of 256 exceeds."""
    narrow = (rows - mean).astype(np.float16)
    return average((narrow * narrow).astype(rows.dtype))


def _quantised(rows: Rows) -> Rows:
    """Ten bits of the significand, as TensorFloat-32 keeps of float32."""
    significand, exponent = np.frexp(rows)
    return np.asarray(np.ldexp(np.rint(significand * 2**11) / 2**11, exponent), dtype=rows.dtype)


def _quantised_when_long(_layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    read = _quantised(rows) if rows.shape[1] > 512 else rows
    mean = average(read)
    return mean, squares(read, mean)


def _quantised_moments(_layer: Layer, rows: Rows, _x: Native, _made: Made) -> tuple[Rows, Rows]:
    read = _quantised(rows)
    mean = average(read)
    return mean, squares(read, mean)


def _newton_root(steps: int, w: Rows) -> Rows:
    """1 / sqrt(w) from the famous guess at its bits, within 3.5 %, and Newton's steps."""
    # What is wider than float64 starts from the guess at its rounded bits.
    narrow = np.ascontiguousarray(w, np.float32 if w.dtype == np.float32 else np.float64)
    bits, magic = (np.int32, 0x5F3759DF) if w.dtype == np.float32 else (np.int64, 0x5FE6EB50C7B537A9)
    halved = np.right_shift(narrow.view(bits), 1)
    root: Rows = (bits(magic) - halved).view(narrow.dtype).astype(w.dtype)
    for _ in range(steps):
        root = root * (w.dtype.type(1.5) - w.dtype.type(0.5) * w * root * root)
    return root


def _folded_in_x_dtype(s: Saved) -> Rows:
    scale = (s.gamma * s.r).astype(s.x.dtype)
    shift = (s.beta - s.mean * s.gamma * s.r).astype(s.x.dtype)
    return np.asarray(s.rows * scale.astype(s.rows.dtype) + shift.astype(s.rows.dtype))


def _reciprocal_of_count(digits: int, rows: Rows) -> Rows:
    """The sum times 1 / n, which a table gives to some digits."""
    share = float(f"{1 / rows.shape[1]:.{digits}g}")
    return np.asarray(rows.sum(axis=1, keepdims=True) * rows.dtype.type(share))


def _rounded_square(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(squares(rows, mean) + rows.dtype.type(1e-6) * mean * mean)


ALGORITHM_BUGS = (
    Bug(
        "numerics.one_pass",
        "The variance is mean(x^2) - mean(x)^2, which cancels far from zero.",
        ALGORITHM,
        "google/flax#1491",
        layer(variance=_one_pass),
        dtypes=("float32", "float64"),
        expected="unstable",
    ),
    Bug(
        "numerics.one_pass_unclipped",
        "The variance is mean(x^2) - mean(x)^2 and can be negative, which makes the output NaN.",
        ALGORITHM,
        "tensorflow/tensorflow#3290",
        layer(variance=_one_pass_unclipped),
        expected="unstable",
    ),
    Bug(
        "numerics.one_pass_in_half",
        "Mean and variance are computed in one pass in the dtype of x.",
        ALGORITHM,
        "tenstorrent/tt-metal#45968",
        layer(moments=_moments_in_x_dtype),
        dtypes=HALVES,
    ),
    Bug(
        "numerics.one_pass_about_a_coarse_shift",
        "The one pass is shifted by a multiple of 64 near the first values instead of the mean.",
        ALGORITHM,
        "keras-team/keras#18795",
        layer(variance=_shifted_one_pass),
        expected="unstable",
    ),
    Bug(
        "numerics.squares_overflow_in_half",
        "The squares of x - mean are computed in float16, where they overflow from 256 on.",
        ALGORITHM,
        "pytorch/pytorch#178123",
        layer(variance=_squares_in_half),
        dtypes=("float16", "float32"),
    ),
    Bug(
        "numerics.fast_mode_for_long_channels",
        "From 512 values a channel on the statistics are those of inputs rounded to ten bits.",
        ALGORITHM,
        "PaddlePaddle/Paddle#16545",
        layer(moments=_quantised_when_long),
    ),
    Bug(
        "numerics.statistics_of_rounded_inputs",
        "The statistics are those of inputs rounded to ten bits.",
        ALGORITHM,
        "pytorch/pytorch#11291",
        layer(moments=_quantised_moments),
    ),
    Bug(
        "numerics.inverse_root_of_two_steps",
        "The inverse root is two of Newton's steps from a guess, right to about five digits.",
        ALGORITHM,
        "ROCm/MIOpen#915",
        layer(inverse=lambda variance, eps: _newton_root(2, variance + eps)),
    ),
    Bug(
        "numerics.inverse_root_of_three_steps",
        "The inverse root is three of Newton's steps from a guess, which is enough for float32 but not for float64.",
        ALGORITHM,
        "davisking/dlib#3113",
        layer(inverse=lambda variance, eps: _newton_root(3, variance + eps)),
        dtypes=("float64",),
    ),
    Bug(
        "numerics.folded_in_half",
        "Scale and shift of the folded form are rounded to the dtype of x.",
        ALGORITHM,
        "tensorflow/tensorflow#117318",
        layer(both=_folded_in_x_dtype),
        dtypes=HALVES,
    ),
    Bug(
        "mean.count_of_five_digits",
        "The mean is the sum times 1 / n to five digits.",
        ALGORITHM,
        "tensorflow/tensorflow#117286",
        layer(mean=lambda rows: _reciprocal_of_count(5, rows)),
    ),
    Bug(
        "mean.count_of_twelve_digits",
        "The mean is the sum times 1 / n to twelve digits.",
        ALGORITHM,
        "tensorflow/tensorflow#118179",
        layer(mean=lambda rows: _reciprocal_of_count(12, rows)),
        dtypes=("float64",),
    ),
    Bug(
        "variance.with_a_trace_of_the_mean",
        "A millionth of the squared mean is left in the variance.",
        ALGORITHM,
        "BVLC/caffe#3963",
        layer(variance=_rounded_square),
    ),
    Bug(
        "variance.of_five_digits",
        "The inverse deviation is off by a hundred-thousandth of itself.",
        ALGORITHM,
        "PaddlePaddle/Paddle#16243",
        layer(inverse=lambda variance, eps: (1 + 1e-5) / np.sqrt(variance + eps)),
    ),
    Bug(
        "variance.of_twelve_digits",
        "The inverse deviation is off by a million-millionth of itself.",
        ALGORITHM,
        "pytorch/pytorch#11382",
        layer(inverse=lambda variance, eps: (1 + 1e-12) / np.sqrt(variance + eps)),
        dtypes=("float64",),
    ),
    Bug(
        "variance.about_zero",
        "The variance is taken about zero instead of the mean.",
        TUTORIALS,
        "LBANN/lbann#1172",
        layer(variance=lambda rows, _mean: average(rows * rows)),
    ),
    Bug(
        "variance.of_the_mean_deviation",
        "The square of the mean absolute deviation stands for the variance.",
        TUTORIALS,
        "PABannier/nanograd#2",
        layer(variance=lambda rows, mean: average(np.abs(rows - mean)) ** 2),
    ),
    Bug(
        "mean.rounded_before_the_second_pass",
        "The second pass takes its squares about a mean rounded to ten bits, the output the exact one.",
        ALGORITHM,
        "tensorflow/tensorflow#117318",
        layer(variance=lambda rows, mean: squares(rows, _quantised(mean))),
    ),
    Bug(
        "mean.of_the_middle",
        "The mean is half of the smallest and the largest value.",
        TUTORIALS,
        "PABannier/nanograd#2",
        layer(mean=lambda rows: (rows.min(axis=1, keepdims=True) + rows.max(axis=1, keepdims=True)) / 2),
    ),
    Bug(
        "affine.parentheses",
        "The output is x - mean r instead of (x - mean) r.",
        TUTORIALS,
        "LBANN/lbann#1172",
        layer(
            affine=lambda s: s.gamma * (s.rows - s.mean * s.r) + s.beta,
        ),
    ),
)
