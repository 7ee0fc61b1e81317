"""Causes in gamma and beta."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.made import cause


def _affine(detail: str, text: str, rule: Any, complexity: int = 1) -> tuple[Cause, ...]:
    """In both modes, and in each alone."""
    return (cause(f"affine.{detail}", text, complexity, both=rule), *_alone(detail, text, rule, complexity))


def _alone(detail: str, text: str, rule: Any, complexity: int = 1) -> tuple[Cause, ...]:
    """In each mode alone, where a planted bug is the cause in both."""
    return (
        cause(f"affine.{detail}_in_training", f"In training: {text}", complexity + 1, affine=rule),
        cause(f"affine.{detail}_in_evaluation", f"In evaluation: {text}", complexity + 1, eval_affine=rule),
    )


AFFINE_CAUSES = (
    *_alone("gamma_ignored", "gamma is ignored.", lambda s: s.xhat + s.beta),
    *_affine("gamma_and_beta_ignored", "gamma and beta are ignored.", lambda s: s.xhat),
    cause(
        "affine.beta_ignored_in_training",
        "In training: beta is ignored.",
        2,
        affine=lambda s: s.gamma * s.xhat,
    ),
    *_affine("beta_subtracted", "beta is subtracted.", lambda s: s.gamma * s.xhat - s.beta),
    *_affine("beta_doubled", "beta is added twice.", lambda s: s.gamma * s.xhat + 2 * s.beta),
    *_affine("beta_halved", "beta is halved.", lambda s: s.gamma * s.xhat + s.beta / 2),
    *_alone(
        "beta_times_gamma",
        "beta is added before the multiplication by gamma.",
        lambda s: s.gamma * (s.xhat + s.beta),
    ),
    *_affine(
        "beta_absolute", "beta enters by its absolute value.", lambda s: s.gamma * s.xhat + np.abs(s.beta)
    ),
    *_affine(
        "beta_of_the_next_channel",
        "Each channel has the beta of the next one.",
        lambda s: s.gamma * s.xhat + np.roll(s.beta, -1, axis=0),
    ),
    *_affine(
        "beta_of_the_channel_before",
        "Each channel has the beta of the one before.",
        lambda s: s.gamma * s.xhat + np.roll(s.beta, 1, axis=0),
    ),
    *_affine(
        "beta_of_the_first_channel",
        "All channels have the beta of the first.",
        lambda s: s.gamma * s.xhat + s.beta[:1],
    ),
    *_affine(
        "beta_reversed",
        "The channels of beta are in reverse order.",
        lambda s: s.gamma * s.xhat + s.beta[::-1],
    ),
    *_alone("gamma_is_a_difference", "The scale is 1 + gamma.", lambda s: (1 + s.gamma) * s.xhat + s.beta),
    *_alone(
        "gamma_by_magnitude",
        "gamma enters by its absolute value.",
        lambda s: np.abs(s.gamma) * s.xhat + s.beta,
    ),
    *_affine(
        "gamma_negative_is_zero",
        "A negative gamma is taken for 0.",
        lambda s: np.maximum(s.gamma, 0) * s.xhat + s.beta,
        2,
    ),
    *_affine(
        "gamma_at_most_one", "gamma is at most 1.", lambda s: np.minimum(s.gamma, 1) * s.xhat + s.beta, 2
    ),
    *_affine("gamma_squared", "gamma is squared.", lambda s: s.gamma * s.gamma * s.xhat + s.beta),
    *_affine(
        "gamma_rooted",
        "The root of gamma is the scale.",
        lambda s: np.sqrt(np.abs(s.gamma)) * s.xhat + s.beta,
        2,
    ),
    *_affine(
        "gamma_exponential",
        "The exponential of gamma is the scale.",
        lambda s: np.exp(s.gamma) * s.xhat + s.beta,
        2,
    ),
    *_affine("gamma_negated", "gamma has the wrong sign.", lambda s: s.beta - s.gamma * s.xhat),
    *_affine("gamma_divides", "The output is divided by gamma.", lambda s: s.xhat / s.gamma + s.beta),
    *_affine(
        "gamma_of_the_channel_before",
        "Each channel has the gamma of the one before.",
        lambda s: np.roll(s.gamma, 1, axis=0) * s.xhat + s.beta,
    ),
    *_alone(
        "gamma_rolled",
        "Each channel has the gamma of the next one.",
        lambda s: np.roll(s.gamma, -1, axis=0) * s.xhat + s.beta,
    ),
    *_affine(
        "gamma_of_the_first_channel",
        "All channels have the gamma of the first.",
        lambda s: s.gamma[:1] * s.xhat + s.beta,
    ),
    *_affine(
        "gamma_reversed",
        "The channels of gamma are in reverse order.",
        lambda s: s.gamma[::-1] * s.xhat + s.beta,
    ),
    *_alone("gamma_and_beta_exchanged", "gamma and beta are exchanged.", lambda s: s.beta * s.xhat + s.gamma),
    *_affine(
        "both_of_the_next_channel",
        "Each channel has gamma and beta of the next one.",
        lambda s: np.roll(s.gamma, -1, axis=0) * s.xhat + np.roll(s.beta, -1, axis=0),
        2,
    ),
    *_affine(
        "both_of_the_channel_before",
        "Each channel has gamma and beta of the one before.",
        lambda s: np.roll(s.gamma, 1, axis=0) * s.xhat + np.roll(s.beta, 1, axis=0),
        2,
    ),
    *_alone(
        "beta_times_the_deviation",
        "beta is added before the division by the deviation.",
        lambda s: s.gamma * s.xhat + s.beta * s.r,
        2,
    ),
    *_affine(
        "gamma_r_beta",
        "The sum with beta is divided by the deviation and multiplied by gamma.",
        lambda s: s.gamma * s.r * (s.xc + s.beta),
        2,
    ),
    *_affine(
        "mean_not_scaled",
        "The output is x - mean r instead of (x - mean) r.",
        lambda s: s.gamma * (s.rows - s.mean * s.r) + s.beta,
        2,
    ),
    *_affine(
        "shift_without_gamma",
        "The shift of the folded form lacks gamma.",
        lambda s: s.gamma * s.r * s.rows + s.beta - s.mean * s.r,
        2,
    ),
    *_affine(
        "shift_without_deviation",
        "The shift of the folded form lacks the deviation.",
        lambda s: s.gamma * s.r * s.rows + s.beta - s.mean * s.gamma,
        2,
    ),
    *_affine(
        "shift_with_the_wrong_sign",
        "The shift of the folded form has the wrong sign.",
        lambda s: s.gamma * s.r * (s.rows + s.mean) + s.beta,
        2,
    ),
    *_affine(
        "output_clipped_at_zero",
        "Negative outputs are 0.",
        lambda s: np.maximum(s.gamma * s.xhat + s.beta, 0),
    ),
    *(
        each
        for bound in (1.0, 2.0, 3.0, 5.0, 6.0, 10.0)
        for each in _affine(
            "xhat_clipped",
            f"xhat is clipped to [-{bound:g}, {bound:g}].",
            lambda s, b=bound: s.gamma * np.clip(s.xhat, -b, b) + s.beta,
            2,
        )
    ),
)
