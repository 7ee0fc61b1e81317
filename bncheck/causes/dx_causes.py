"""Causes in dx."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.causes.narrow_arithmetic import parts_in_dtype_of_x
from bncheck.causes.parts import samples, with_unbiased_variance, without_eps
from bncheck.planted.numpy_layer import Rows, Saved, average, closed_form_dx, squares, total


def _dx(detail: str, text: str, rule: Any, complexity: int = 1) -> Cause:
    return cause(f"gradient_dx.{detail}", text, complexity, dx=rule)


def _in_evaluation(detail: str, text: str, rule: Any) -> Cause:
    return cause(f"gradient_dx.{detail}_in_evaluation", text, 1, eval_dx=rule)


def _terms(dy: Rows, s: Saved, *, mean: float = 1, variance: float = 1, n: float | None = None) -> Rows:
    """gamma r (dy - mean sum(dy) / n - variance xhat sum(dy xhat) / n)."""
    count = dy.shape[1] if n is None else n
    first, second = total(dy) / count, total(dy * s.xhat) / count
    return np.asarray(s.gamma * s.r * (dy - mean * first - variance * s.xhat * second))


def _raw(dy: Rows, s: Saved) -> Rows:
    """The term of the variance with x in place of xhat."""
    return np.asarray(s.gamma * s.r * (dy - average(dy) - s.rows * average(dy * s.rows)))


def _centred_not_scaled(dy: Rows, s: Saved) -> Rows:
    return np.asarray(s.gamma * s.r * (dy - average(dy) - s.xc * average(dy * s.xc)))


def _scaled_once(dy: Rows, s: Saved) -> Rows:
    """r to the second power where the third belongs."""
    return np.asarray(s.gamma * s.r * (dy - average(dy) - s.xc * s.r * average(dy * s.xc)))


DX_CAUSES = (
    _dx(
        "parts_in_the_dtype_of_x",
        "The parts of dx, directly and through the statistics, are rounded to the dtype of x before they are added.",
        parts_in_dtype_of_x,
        2,
    ),
    _dx("zero", "dx is 0.", lambda dy, _s: np.zeros_like(dy)),
    _dx("of_dy", "dx is dy.", lambda dy, _s: dy),
    _dx("negated", "dx has the wrong sign.", lambda dy, s: -closed_form_dx(dy, s)),
    _dx("doubled", "dx is twice what it should be.", lambda dy, s: 2 * closed_form_dx(dy, s)),
    _dx("halved", "dx is half of what it should be.", lambda dy, s: closed_form_dx(dy, s) / 2),
    _dx(
        "without_the_deviation",
        "dx is not divided by the deviation.",
        lambda dy, s: closed_form_dx(dy, s) / s.r,
    ),
    _dx(
        "divided_by_the_deviation_twice",
        "dx is divided by the deviation twice.",
        lambda dy, s: closed_form_dx(dy, s) * s.r,
    ),
    _dx(
        "divided_by_the_variance_twice",
        "dx is divided by the variance plus eps once more.",
        lambda dy, s: closed_form_dx(dy, s) * s.r * s.r,
        2,
    ),
    _dx("gamma_twice", "dx is multiplied by gamma twice.", lambda dy, s: s.gamma * closed_form_dx(dy, s)),
    _dx(
        "gamma_absolute",
        "dx is multiplied by the magnitude of gamma.",
        lambda dy, s: closed_form_dx(dy, replace(s, gamma=np.abs(s.gamma))),
    ),
    _dx("divided_by_n", "dx is divided by n.", lambda dy, s: closed_form_dx(dy, s) / dy.shape[1]),
    _dx("times_n", "dx is multiplied by n.", lambda dy, s: closed_form_dx(dy, s) * dy.shape[1]),
    _dx(
        "divided_by_n_less_one",
        "dx is divided by n - 1 where n belongs.",
        lambda dy, s: closed_form_dx(dy, s) * (dy.shape[1] / max(dy.shape[1] - 1, 1)),
    ),
    _dx(
        "divided_by_the_samples",
        "dx is divided by the number of samples.",
        lambda dy, s: closed_form_dx(dy, s) / samples(s),
    ),
    _dx(
        "times_n_over_samples",
        "dx is divided by the number of samples where n belongs.",
        lambda dy, s: closed_form_dx(dy, s) * (dy.shape[1] / samples(s)),
        2,
    ),
    _dx(
        "means_over_n_less_one",
        "The sums in dx are divided by n - 1.",
        lambda dy, s: _terms(dy, s, n=max(dy.shape[1] - 1, 1)),
    ),
    _dx(
        "means_over_positions",
        "The sums in dx are divided by the number of positions.",
        lambda dy, s: _terms(dy, s, n=dy.shape[1] / samples(s)),
        2,
    ),
    _dx(
        "mean_over_n_less_one",
        "The term of the mean in dx is divided by n - 1.",
        lambda dy, s: _terms(dy, s, mean=dy.shape[1] / max(dy.shape[1] - 1, 1)),
    ),
    _dx(
        "sum_for_the_first_mean",
        "The term of the mean in dx is a sum.",
        lambda dy, s: _terms(dy, s, mean=dy.shape[1]),
    ),
    _dx(
        "sum_for_the_second_mean",
        "The term of the variance in dx is a sum.",
        lambda dy, s: _terms(dy, s, variance=dy.shape[1]),
    ),
    _dx(
        "first_mean_over_the_samples",
        "The term of the mean in dx is divided by the number of samples.",
        lambda dy, s: _terms(dy, s, mean=dy.shape[1] / samples(s)),
        2,
    ),
    _dx(
        "second_mean_over_the_samples",
        "The term of the variance in dx is divided by the number of samples.",
        lambda dy, s: _terms(dy, s, variance=dy.shape[1] / samples(s)),
        2,
    ),
    _dx(
        "mean_term_added",
        "The term of the mean has the wrong sign in dx.",
        lambda dy, s: _terms(dy, s, mean=-1),
    ),
    _dx(
        "both_terms_added",
        "The terms of mean and variance have the wrong sign in dx.",
        lambda dy, s: _terms(dy, s, mean=-1, variance=-1),
    ),
    _dx("mean_term_halved", "The term of the mean is halved in dx.", lambda dy, s: _terms(dy, s, mean=0.5)),
    _dx(
        "variance_term_halved",
        "The term of the variance is halved in dx.",
        lambda dy, s: _terms(dy, s, variance=0.5),
    ),
    _dx(
        "variance_term_doubled",
        "The term of the variance is doubled in dx.",
        lambda dy, s: _terms(dy, s, variance=2),
    ),
    _dx("mean_term_doubled", "The term of the mean is doubled in dx.", lambda dy, s: _terms(dy, s, mean=2)),
    _dx("of_the_raw_input", "The term of the variance in dx has x in place of xhat.", _raw),
    _dx(
        "xhat_not_scaled",
        "The term of the variance in dx has x - mean in place of xhat.",
        _centred_not_scaled,
    ),
    _dx(
        "xhat_scaled_once",
        "The term of the variance in dx has one power of the deviation too few.",
        _scaled_once,
    ),
    _dx(
        "xhat_scaled_too_often",
        "The term of the variance in dx has one power of the deviation too many.",
        lambda dy, s: s.gamma * s.r * (dy - average(dy) - s.xhat * s.r * average(dy * s.xhat)),
    ),
    _dx(
        "variance_term_without_projection",
        "The term of the variance in dx lacks its factor xhat.",
        lambda dy, s: s.gamma * s.r * (dy - average(dy) - average(dy * s.xhat)),
    ),
    _dx(
        "terms_outside_gamma",
        "The terms of mean and variance in dx are not multiplied by gamma.",
        lambda dy, s: s.r * (s.gamma * dy - average(dy) - s.xhat * average(dy * s.xhat)),
    ),
    _dx(
        "terms_outside_the_deviation",
        "The terms of mean and variance in dx are not divided by the deviation.",
        lambda dy, s: s.gamma * (s.r * dy - average(dy) - s.xhat * average(dy * s.xhat)),
    ),
    _dx(
        "of_the_output",
        "The term of the variance in dx has y in place of xhat.",
        lambda dy, s: (
            s.gamma
            * s.r
            * (dy - average(dy) - (s.gamma * s.xhat + s.beta) * average(dy * (s.gamma * s.xhat + s.beta)))
        ),
    ),
    _dx(
        "of_the_scaled_xhat",
        "The term of the variance in dx has gamma xhat in place of xhat.",
        lambda dy, s: s.gamma * s.r * (dy - average(dy) - s.gamma * s.xhat * average(dy * s.gamma * s.xhat)),
        2,
    ),
    _dx(
        "with_the_unbiased_variance",
        "dx takes the unbiased variance.",
        lambda dy, s: closed_form_dx(dy, with_unbiased_variance(s)),
    ),
    _dx(
        "with_the_unbiased_xhat",
        "The term of the variance in dx is divided by n - 1, with the xhat of the unbiased variance.",
        lambda dy, s: _terms(dy, with_unbiased_variance(s), variance=dy.shape[1] / max(dy.shape[1] - 1, 1)),
        3,
    ),
    _dx(
        "without_eps",
        "dx leaves eps out of the deviation.",
        lambda dy, s: closed_form_dx(dy, without_eps(s)),
        2,
    ),
    _dx(
        "variance_of_the_last_value",
        "The variance term in dx is not centred.",
        lambda dy, s: (
            s.gamma * s.r * (dy - s.xhat * total(dy * s.xhat) / dy.shape[1] - total(dy * s.r) / dy.shape[1])
        ),
        3,
    ),
    _dx("detached_without_deviation", "dx is gamma dy.", lambda dy, s: s.gamma * dy),
    _dx("detached_without_gamma", "dx is dy over the deviation.", lambda dy, s: s.r * dy),
    _dx(
        "with_running_statistics",
        "dx in training is that of running statistics.",
        lambda dy, s: (
            s.gamma
            * dy
            / np.sqrt(s.made.running_var.astype(dy.dtype).reshape(-1, 1) + dy.dtype.type(s.made.config.eps))
        ),
        2,
    ),
    *(
        _dx(
            "clipped",
            f"No element of dx exceeds {bound:g}.",
            lambda dy, s, b=bound: np.clip(closed_form_dx(dy, s), -b, b),
            2,
        )
        for bound in (1.0, 0.5, 0.1, 2.0, 5.0, 10.0)
    ),
    _dx(
        "clipped",
        "No element of the gradient of xhat over the deviation exceeds 1.",
        lambda dy, s: np.clip(
            s.r * (s.gamma * dy - average(s.gamma * dy) - s.xhat * average(s.gamma * dy * s.xhat)), -1, 1
        ),
        3,
    ),
    *(
        _dx(
            "of_a_clipped_xhat",
            f"The backward pass clips xhat to [-{bound:g}, {bound:g}].",
            lambda dy, s, b=bound: (
                s.gamma
                * s.r
                * (dy - average(dy) - np.clip(s.xhat, -b, b) * average(dy * np.clip(s.xhat, -b, b)))
            ),
            2,
        )
        for bound in (1.0, 2.0, 3.0)
    ),
    _in_evaluation("zero", "dx in evaluation is 0.", lambda dy, _s: np.zeros_like(dy)),
    _in_evaluation("of_dy", "dx in evaluation is dy.", lambda dy, _s: dy),
    _in_evaluation("without_gamma", "dx in evaluation is not multiplied by gamma.", lambda dy, s: s.r * dy),
    _in_evaluation("negated", "dx in evaluation has the wrong sign.", lambda dy, s: -s.gamma * s.r * dy),
    _in_evaluation(
        "variance_for_deviation",
        "dx in evaluation is divided by the running variance plus eps.",
        lambda dy, s: s.gamma * s.r * s.r * dy,
    ),
    _in_evaluation(
        "without_eps", "dx in evaluation leaves eps out.", lambda dy, s: s.gamma / np.sqrt(s.variance) * dy
    ),
    _in_evaluation(
        "centred",
        "dx in evaluation has the term of the mean.",
        lambda dy, s: s.gamma * s.r * (dy - average(dy)),
    ),
    _in_evaluation(
        "of_the_batch_detached",
        "dx in evaluation is divided by the deviation of the batch.",
        lambda dy, s: (
            s.gamma * dy / np.sqrt(squares(s.rows, average(s.rows)) + dy.dtype.type(s.made.config.eps))
        ),
    ),
)
