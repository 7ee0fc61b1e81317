"""Causes in eps."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.causes.parts import without_eps
from bncheck.planted.numpy_layer import Layer, Made, Rows, average, bessel, squares

# eps where nobody looks: the defaults of libraries, and what is written by hand.
USUAL_EPS = (1e-5, 1e-3, 1e-4, 1e-6, 1e-8, 1e-7, 1e-12, 1e-2, 1e-1)


def _hard_coded(eps: float) -> Cause:
    return cause(
        "eps.hard_coded",
        f"eps is {eps:g} whatever was given.",
        eps=lambda _eps, _dtype: eps,
        eval_eps=lambda _eps, _dtype: eps,
    )


def _hard_coded_in_training(eps: float) -> Cause:
    text = f"eps is {eps:g} in training whatever was given."
    return cause("eps.hard_coded_in_training", text, 2, eps=lambda _eps, _dtype: eps)


def _hard_coded_in_evaluation(eps: float) -> Cause:
    text = f"eps is {eps:g} in evaluation whatever was given."
    return cause("eps.hard_coded_in_evaluation", text, 2, eval_eps=lambda _eps, _dtype: eps)


def _scaled_eps(name: str, words: str, factor: float) -> Cause:
    return cause(
        f"eps.{name}",
        f"eps is {words} before it is added to the variance.",
        eps=lambda eps, _dtype: factor * eps,
        eval_eps=lambda eps, _dtype: factor * eps,
    )


def _outside(variance: Rows, eps: Any) -> Rows:
    return np.asarray(1 / (np.sqrt(variance) + eps))


def _twice(variance: Rows, eps: Any) -> Rows:
    return np.asarray(1 / (np.sqrt(variance + eps) + eps))


EPS_CAUSES = (
    *map(_hard_coded, USUAL_EPS),
    *map(_hard_coded_in_training, USUAL_EPS),
    *map(_hard_coded_in_evaluation, USUAL_EPS),
    _scaled_eps("doubled_everywhere", "doubled", 2.0),
    _scaled_eps("halved", "halved", 0.5),
    _scaled_eps("negated", "negated", -1.0),
    cause(
        "eps.missing_in_training",
        "eps is not added to the variance in training.",
        eps=lambda _eps, _dtype: 0.0,
    ),
    cause(
        "eps.root_taken",
        "The root of eps is added to the variance instead of eps.",
        eps=lambda eps, _dtype: eps**0.5,
        eval_eps=lambda eps, _dtype: eps**0.5,
    ),
    cause(
        "eps.root_beside_the_deviation",
        "The root of eps is added to the deviation.",
        inverse=lambda variance, eps: 1 / (np.sqrt(variance) + np.sqrt(eps)),
    ),
    cause(
        "eps.inside_and_outside_the_root",
        "eps is added to the variance and to the deviation.",
        inverse=_twice,
    ),
    cause(
        "eps.in_place_of_a_smaller_deviation",
        "A deviation below eps is replaced by eps instead of the variance being increased by it.",
        inverse=lambda variance, eps: 1 / np.maximum(np.sqrt(variance), eps),
    ),
    cause(
        "eps.added_where_the_variance_is_zero",
        "eps is added to the variance only where it is 0.",
        2,
        inverse=lambda variance, eps: 1 / np.sqrt(np.where(variance == 0, eps, variance)),
    ),
    cause(
        "eps.added_where_the_variance_is_smaller",
        "eps is added to the variance only where it is smaller than eps.",
        2,
        inverse=lambda variance, eps: 1 / np.sqrt(np.where(variance < eps, variance + eps, variance)),
    ),
    cause(
        "eps.added_to_the_output",
        "eps is added to the deviation's inverse.",
        2,
        inverse=lambda variance, eps: 1 / np.sqrt(variance) + eps,
    ),
    cause(
        "eps.missing_in_the_gradient",
        "The backward pass leaves eps out of the deviation.",
        2,
        dx=lambda dy, s: Layer().dx(dy, without_eps(s)),
        dgamma=lambda dy, s: Layer().dgamma(dy, without_eps(s)),
    ),
    cause(
        "eps.outside_the_root_in_training",
        "eps is added to the standard deviation instead of the variance in training.",
        2,
        moments=lambda _layer, rows, _x, made: _equivalent(rows, made, _outside),
        tracked=lambda s: bessel(squares(s.rows, s.mean), s.rows.shape[1]),
    ),
    cause(
        "eps.outside_the_root_in_evaluation",
        "eps is added to the standard deviation instead of the variance in evaluation.",
        2,
        eval_moments=lambda _rows, mean, var, made: (mean, _variance_of(var, made, _outside)),
    ),
)


def _variance_of(variance: Rows, made: Made, inverse: Any) -> Rows:
    """The variance whose usual inverse root is what `inverse` gives."""
    eps = variance.dtype.type(made.config.eps)
    return np.asarray(1 / inverse(variance, eps) ** 2 - eps)


def _equivalent(rows: Rows, made: Made, inverse: Any) -> tuple[Rows, Rows]:
    mean = average(rows)
    return mean, _variance_of(squares(rows, mean), made, inverse)
