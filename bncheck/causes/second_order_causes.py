"""Causes in derivatives beyond the gradients: in forward mode, and of the gradients themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.changed_derivatives import CHANGED_DERIVATIVES, Rule, of_rules
from bncheck.causes.parts import samples
from bncheck.planted.numpy_further import bent, image, moved, stretched
from bncheck.planted.numpy_layer import Rows, Saved, average, total


def _tangent(t: Rows, s: Saved, *, mean: float = 1, variance: float = 1, n: float | None = None) -> Rows:
    """gamma r (t - mean sum(t) / n - variance xhat sum(t xhat) / n)."""
    count = t.shape[1] if n is None else n
    first, second = total(t) / count, total((t - average(t)) * s.xhat) / count
    return np.asarray(s.gamma * s.r * (t - mean * first - variance * s.xhat * second))


def _constant(t: Rows, s: Saved) -> Rows:
    return np.asarray(s.gamma * s.r * t)


def _bent(
    dy: Rows,
    v: Rows,
    s: Saved,
    *,
    power: float = 3,
    covariance: float = 1,
    of_v: float = 1,
    of_dy: float = 1,
    mean: float = 1,
    n: float | None = None,
) -> Rows:
    """gamma r^3 (xc (power r^2 q c - covariance h) - of_v c (v - mean mean(v)) - of_dy q (dy - mean(dy))), sums over n."""
    times = 1 if n is None else dy.shape[1] / n
    c, q = times * average(dy * s.xc), times * average(v * s.xc)
    h = times * (average(dy * v) - average(dy) * average(v))
    slope = power * (s.r * s.r) * q * c - covariance * h
    inner = s.xc * slope - of_v * c * (v - mean * average(v)) - of_dy * q * (dy - average(dy))
    return np.asarray(s.gamma * (s.r * s.r * s.r) * inner)


def _plain(s: Saved) -> Saved:
    """The same, gamma left out."""
    return replace(s, gamma=np.ones_like(s.gamma))


def _less_one(rows: Rows) -> int:
    return max(int(rows.shape[1]) - 1, 1)


def _terms(name: str, what: str, rule: str) -> Iterator[Cause]:
    """Of a tangent, and of what has its form: the derivative of dx to dy."""

    def of(**changed: float) -> Rule:
        return lambda t, s: _tangent(t, s, **changed)

    yield of_rules(
        f"{name}_of_a_constant_mean", f"{what} takes the mean for a constant.", **{rule: of(mean=0)}
    )
    yield of_rules(
        f"{name}_without_gamma", f"{what} lacks gamma.", **{rule: lambda t, s: moved(t, _plain(s))}
    )
    yield of_rules(
        f"{name}_with_the_wrong_sign_of_the_deviation",
        f"{what} has the term through the deviation with the wrong sign.",
        **{rule: of(variance=-1)},
    )
    yield of_rules(
        f"{name}_over_n_less_one",
        f"{what} divides its sums by n - 1.",
        **{rule: lambda t, s: _tangent(t, s, n=_less_one(t))},
    )
    yield of_rules(
        f"{name}_of_the_unbiased_deviation",
        f"{what} divides the sum in the term through the deviation by n - 1.",
        2,
        **{rule: lambda t, s: _tangent(t, s, variance=t.shape[1] / _less_one(t))},
    )
    yield of_rules(
        f"{name}_over_the_samples",
        f"{what} divides its sums by the number of samples.",
        2,
        **{rule: lambda t, s: _tangent(t, s, n=samples(s))},
    )
    yield of_rules(
        f"{name}_of_sums",
        f"{what} has sums where means belong.",
        2,
        **{rule: lambda t, s: _tangent(t, s, n=1)},
    )


def _of_x() -> Iterator[Cause]:
    """Terms of the derivative of dx to x."""
    what = "The derivative of dx to x"

    def of(**changed: float) -> Rule:
        return lambda dy, v, s: _bent(dy, v, s, **changed)

    for name, words, changed in (
        ("x_without_the_covariance", "lacks the covariance of dy and the cotangent", {"covariance": 0.0}),
        ("x_without_the_product", "lacks the product of both projections on x - mean", {"power": 0.0}),
        ("x_with_the_product_once", "has a factor 1 where r^3 makes it 3", {"power": 1.0}),
        ("x_without_the_cotangent", "lacks the term of the cotangent", {"of_v": 0.0}),
        ("x_without_dy", "lacks the term of dy", {"of_dy": 0.0}),
        ("x_of_a_constant_mean", "takes the mean in the variance for a constant", {"mean": 0.0}),
        ("x_of_a_saved_deviation", "takes r for a constant beside an xhat that is differentiated",
         {"power": 2.0, "covariance": 0.0}),
        ("x_of_a_saved_xhat", "takes xhat for a constant beside an r that is differentiated",
         {"power": 1.0, "of_v": 0.0, "of_dy": 0.0}),
    ):  # fmt: skip
        yield of_rules(name, f"{what} {words}.", second_x=of(**changed))
    yield of_rules(
        "x_over_n_less_one",
        f"{what} divides its sums by n - 1.",
        second_x=lambda dy, v, s: _bent(dy, v, s, n=_less_one(dy)),
    )
    yield of_rules(
        "x_over_the_samples",
        f"{what} divides its sums by the number of samples.",
        2,
        second_x=lambda dy, v, s: _bent(dy, v, s, n=samples(s)),
    )
    yield of_rules(
        "x_of_sums", f"{what} has sums where means belong.", 2, second_x=lambda dy, v, s: _bent(dy, v, s, n=1)
    )
    yield of_rules(
        "x_without_gamma", f"{what} lacks gamma.", second_x=lambda dy, v, s: bent(dy, v, _plain(s))
    )


def _of_gamma(dy: Rows, v: Rows, s: Saved) -> Rows:
    """Where mean and variance are constants."""
    return total(dy * v) * s.r


def _images() -> Iterator[Cause]:
    """The directions of gamma and beta, and what flows back from dgamma and dbeta to dy."""
    for rule, end, what in (
        ("image", "tangent", "Forward mode"),
        ("image_dy", "dy", "What flows back from dgamma and dbeta to dy"),
    ):
        images: tuple[tuple[str, str, Rule], ...] = (
            ("without_the_direction_of_gamma", "lacks that of gamma",
             lambda gamma, beta, s: image(np.zeros_like(gamma), beta, s)),
            ("without_the_direction_of_beta", "lacks that of beta",
             lambda gamma, beta, s: image(gamma, np.zeros_like(beta), s)),
            ("of_x_not_scaled", "has x - mean in place of xhat", lambda gamma, beta, s: gamma * s.xc + beta),
            ("of_x_not_centred", "has x r in place of xhat", lambda gamma, beta, s: gamma * s.rows * s.r + beta),
            ("of_exchanged_directions", "exchanges gamma and beta", lambda gamma, beta, s: image(beta, gamma, s)),
            ("with_gamma_left_in", "multiplies the direction of gamma by gamma",
             lambda gamma, beta, s: image(s.gamma * gamma, beta, s)),
        )  # fmt: skip
        for detail, words, made in images:
            if (rule, detail) == ("image", "without_the_direction_of_beta"):
                continue
            yield of_rules(f"{end}_{detail}", f"{what} {words}.", **{rule: made})


def _zeros(first: Rows, *_rest: Any) -> Rows:
    return np.zeros_like(first)


SECOND_ORDER_CAUSES = (
    *CHANGED_DERIVATIVES,
    *_terms("tangent", "The derivative of y along x in forward mode", "tangent"),
    *_terms("dy", "The derivative of dx to dy", "second_dy"),
    of_rules(
        "dy_of_constants",
        "The derivative of dx to dy takes mean and variance for constants.",
        second_dy=_constant,
    ),
    *_of_x(),
    *_images(),
    of_rules(
        "gamma_of_constants",
        "The derivative of dx to gamma takes mean and variance for constants.",
        second_gamma=_of_gamma,
    ),
    of_rules(
        "gamma_not_centred",
        "The derivative of dx to gamma lacks the term through the mean.",
        second_gamma=lambda dy, v, s: stretched(dy, v, s) + total(v) * average(dy) * s.r,
    ),
    of_rules(
        "gamma_of_a_constant_deviation",
        "The derivative of dx to gamma lacks the term through the deviation.",
        second_gamma=lambda dy, v, s: total(v * (dy - average(dy))) * s.r,
    ),
    of_rules(
        "of_constant_statistics",
        "Second derivatives take mean and variance for constants.",
        2,
        second_dy=_constant,
        second_x=_zeros,
        second_gamma=_of_gamma,
        image_x=lambda d, s: s.gamma * s.r * d,
    ),
    of_rules(
        "x_and_parameters_forgotten",
        "No second derivative reaches x.",
        2,
        second_x=_zeros,
        image_x=_zeros,
    ),
    of_rules(
        "parameters_to_x_of_constants",
        "The derivative of dgamma and dbeta to x takes mean and variance for constants.",
        image_x=lambda d, s: s.gamma * s.r * d,
    ),
    of_rules(
        "parameters_to_x_of_a_constant_deviation",
        "The derivative of dgamma and dbeta to x lets the mean move and not the deviation.",
        image_x=lambda d, s: s.gamma * s.r * (d - average(d)),
    ),
    of_rules(
        "tangent_in_evaluation_without_gamma",
        "In evaluation the derivative of y along x in forward mode lacks gamma.",
        eval_tangent=lambda t, s: s.r * t,
    ),
    of_rules(
        "dy_in_evaluation_without_gamma",
        "In evaluation the derivative of dx to dy lacks gamma.",
        eval_dy=lambda v, s: s.r * v,
    ),
    of_rules(
        "x_in_evaluation_as_in_training",
        "In evaluation the derivative of dx to x is that of training.",
        eval_x=bent,
    ),
    of_rules(
        "every_in_evaluation_zero",
        "Every second derivative in evaluation is 0.",
        2,
        eval_dy=_zeros,
        eval_gamma=lambda dy, _v, _s: np.zeros_like(total(dy)),
    ),
    of_rules(
        "every_zero_in_both_modes",
        "Every second derivative is 0.",
        3,
        second_dy=_zeros,
        second_x=_zeros,
        second_gamma=lambda dy, _v, _s: np.zeros_like(total(dy)),
        image_dy=lambda gamma, _beta, s: np.zeros_like(gamma * s.xhat),
        image_x=_zeros,
        eval_dy=_zeros,
        eval_gamma=lambda dy, _v, _s: np.zeros_like(total(dy)),
    ),
)
