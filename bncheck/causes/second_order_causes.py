"""Causes in derivatives beyond the gradients: in forward mode, and of the gradients themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.parts import samples
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_further import RULES, bent, image, moved, stretched
from bncheck.planted.numpy_layer import Rows, Saved, average, total

Rule = Callable[..., Rows]


def _cause(detail: str, text: str, complexity: int = 1, /, **rules: Rule) -> Cause:
    """The cause of a sound layer with other rules."""
    return Cause(f"second_order.{detail}", text, layer(rules=replace(RULES, **rules)), complexity)


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
    n: float | None = None,
) -> Rows:
    """gamma r^3 (xc (power r^2 q c - covariance h) - of_v c (v - mean(v)) - of_dy q (dy - mean(dy))), sums over n."""
    times = 1 if n is None else dy.shape[1] / n
    c, q = times * average(dy * s.xc), times * average(v * s.xc)
    h = times * (average(dy * v) - average(dy) * average(v))
    slope = power * (s.r * s.r) * q * c - covariance * h
    inner = s.xc * slope - of_v * c * (v - average(v)) - of_dy * q * (dy - average(dy))
    return np.asarray(s.gamma * (s.r * s.r * s.r) * inner)


def _plain(s: Saved) -> Saved:
    """The same, gamma left out."""
    return replace(s, gamma=np.ones_like(s.gamma))


def _less_one(rows: Rows) -> int:
    return max(int(rows.shape[1]) - 1, 1)


# What may become of any of them, as a rule of the derivative and of what was saved.
_CHANGES: Mapping[str, tuple[str, Callable[[Rows, Saved], Rows]]] = {
    "zero": ("is 0", lambda found, _s: np.zeros_like(found)),
    "negated": ("has the wrong sign", lambda found, _s: -found),
    "doubled": ("is twice what it should be", lambda found, _s: 2 * found),
    "halved": ("is half of what it should be", lambda found, _s: found / 2),
    "gamma_twice": ("is multiplied by gamma once more", lambda found, s: s.gamma * found),
    "divided_by_n": ("is divided by n", lambda found, s: found / s.rows.shape[1]),
    "times_n": ("is multiplied by n", lambda found, s: found * s.rows.shape[1]),
    "without_a_deviation": ("is multiplied by the deviation once too often", lambda found, s: found / s.r),
    "with_another_deviation": ("is divided by the deviation once more", lambda found, s: found * s.r),
}
# What one of the planted bugs is.
_SAID_BY_PLANTED_BUGS = ("x_zero", "gamma_gamma_twice", "parameters_to_dy_zero")
# Names of rules, what they are in words, and the sound ones.
_OF_ONE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "tangent": ("The derivative of y along x in forward mode", ("tangent",)),
    "tangent_in_evaluation": ("In evaluation the derivative of y along x in forward mode", ("eval_tangent",)),
    "tangent_in_both_modes": (
        "The derivative of y along x in forward mode, in evaluation too,",
        ("tangent", "eval_tangent"),
    ),
    "image": ("The derivative of y along gamma and beta in forward mode", ("image",)),
    "dy": ("The derivative of dx to dy", ("second_dy",)),
    "x": ("The derivative of dx to x", ("second_x",)),
    "gamma": ("The derivative of dx to gamma", ("second_gamma",)),
    "parameters_to_dy": ("The derivative of dgamma and dbeta to dy", ("image_dy",)),
    "parameters_to_x": ("The derivative of dgamma and dbeta to x", ("image_x",)),
    "dy_in_evaluation": ("In evaluation the derivative of dx to dy", ("eval_dy",)),
    "gamma_in_evaluation": ("In evaluation the derivative of dx to gamma", ("eval_gamma",)),
    "every": (
        "Every second derivative in training",
        ("second_dy", "second_x", "second_gamma", "image_dy", "image_x"),
    ),
}


def _changed(rule: Rule, change: Callable[[Rows, Saved], Rows]) -> Rule:
    return lambda *given: np.asarray(change(rule(*given), given[-1]))


def _changes() -> Iterator[Cause]:
    for name, (what, rules) in _OF_ONE.items():
        for detail, (words, change) in _CHANGES.items():
            if f"{name}_{detail}" in _SAID_BY_PLANTED_BUGS:
                continue
            yield _cause(
                f"{name}_{detail}",
                f"{what} {words}.",
                len(rules) if len(rules) < 3 else 2,
                **{rule: _changed(getattr(RULES, rule), change) for rule in rules},
            )


def _terms(name: str, what: str, rule: str) -> Iterator[Cause]:
    """Of a tangent, and of what has its form: the derivative of dx to dy."""

    def of(**changed: float) -> Rule:
        return lambda t, s: _tangent(t, s, **changed)

    yield _cause(f"{name}_of_a_constant_mean", f"{what} takes the mean for a constant.", **{rule: of(mean=0)})
    yield _cause(f"{name}_without_gamma", f"{what} lacks gamma.", **{rule: lambda t, s: moved(t, _plain(s))})
    yield _cause(
        f"{name}_with_the_wrong_sign_of_the_deviation",
        f"{what} has the term through the deviation with the wrong sign.",
        **{rule: of(variance=-1)},
    )
    yield _cause(
        f"{name}_over_n_less_one",
        f"{what} divides its sums by n - 1.",
        **{rule: lambda t, s: _tangent(t, s, n=_less_one(t))},
    )
    yield _cause(
        f"{name}_of_the_unbiased_deviation",
        f"{what} divides the sum in the term through the deviation by n - 1.",
        2,
        **{rule: lambda t, s: _tangent(t, s, variance=t.shape[1] / _less_one(t))},
    )
    yield _cause(
        f"{name}_over_the_samples",
        f"{what} divides its sums by the number of samples.",
        2,
        **{rule: lambda t, s: _tangent(t, s, n=samples(s))},
    )
    yield _cause(
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
        ("x_of_a_saved_deviation", "takes r for a constant beside an xhat that is differentiated",
         {"power": 2.0, "covariance": 0.0}),
        ("x_of_a_saved_xhat", "takes xhat for a constant beside an r that is differentiated",
         {"power": 1.0, "of_v": 0.0, "of_dy": 0.0}),
    ):  # fmt: skip
        yield _cause(name, f"{what} {words}.", second_x=of(**changed))
    yield _cause(
        "x_over_n_less_one",
        f"{what} divides its sums by n - 1.",
        second_x=lambda dy, v, s: _bent(dy, v, s, n=_less_one(dy)),
    )
    yield _cause(
        "x_over_the_samples",
        f"{what} divides its sums by the number of samples.",
        2,
        second_x=lambda dy, v, s: _bent(dy, v, s, n=samples(s)),
    )
    yield _cause(
        "x_of_sums", f"{what} has sums where means belong.", 2, second_x=lambda dy, v, s: _bent(dy, v, s, n=1)
    )
    yield _cause("x_without_gamma", f"{what} lacks gamma.", second_x=lambda dy, v, s: bent(dy, v, _plain(s)))


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
            yield _cause(f"{end}_{detail}", f"{what} {words}.", **{rule: made})


def _zeros(first: Rows, *_rest: Any) -> Rows:
    return np.zeros_like(first)


SECOND_ORDER_CAUSES = (
    *_changes(),
    *_terms("tangent", "The derivative of y along x in forward mode", "tangent"),
    *_terms("dy", "The derivative of dx to dy", "second_dy"),
    _cause(
        "dy_of_constants",
        "The derivative of dx to dy takes mean and variance for constants.",
        second_dy=_constant,
    ),
    *_of_x(),
    *_images(),
    _cause(
        "gamma_of_constants",
        "The derivative of dx to gamma takes mean and variance for constants.",
        second_gamma=_of_gamma,
    ),
    _cause(
        "gamma_not_centred",
        "The derivative of dx to gamma lacks the term through the mean.",
        second_gamma=lambda dy, v, s: stretched(dy, v, s) + total(v) * average(dy) * s.r,
    ),
    _cause(
        "gamma_of_a_constant_deviation",
        "The derivative of dx to gamma lacks the term through the deviation.",
        second_gamma=lambda dy, v, s: total(v * (dy - average(dy))) * s.r,
    ),
    _cause(
        "of_constant_statistics",
        "Second derivatives take mean and variance for constants.",
        2,
        second_dy=_constant,
        second_x=_zeros,
        second_gamma=_of_gamma,
        image_x=lambda d, s: s.gamma * s.r * d,
    ),
    _cause(
        "x_and_parameters_forgotten",
        "No second derivative reaches x.",
        2,
        second_x=_zeros,
        image_x=_zeros,
    ),
    _cause(
        "parameters_to_x_of_constants",
        "The derivative of dgamma and dbeta to x takes mean and variance for constants.",
        image_x=lambda d, s: s.gamma * s.r * d,
    ),
    _cause(
        "parameters_to_x_of_a_constant_deviation",
        "The derivative of dgamma and dbeta to x lets the mean move and not the deviation.",
        image_x=lambda d, s: s.gamma * s.r * (d - average(d)),
    ),
    _cause(
        "tangent_in_evaluation_without_gamma",
        "In evaluation the derivative of y along x in forward mode lacks gamma.",
        eval_tangent=lambda t, s: s.r * t,
    ),
    _cause(
        "dy_in_evaluation_without_gamma",
        "In evaluation the derivative of dx to dy lacks gamma.",
        eval_dy=lambda v, s: s.r * v,
    ),
    _cause(
        "x_in_evaluation_as_in_training",
        "In evaluation the derivative of dx to x is that of training.",
        eval_x=bent,
    ),
    _cause(
        "every_in_evaluation_zero",
        "Every second derivative in evaluation is 0.",
        2,
        eval_dy=_zeros,
        eval_gamma=lambda dy, _v, _s: np.zeros_like(total(dy)),
    ),
    _cause(
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
