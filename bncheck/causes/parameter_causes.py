"""Causes in dgamma and dbeta."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.causes.parts import samples, with_unbiased_variance, without_eps
from bncheck.planted.numpy_layer import Rows, Saved, average, total


def _parameter(which: str, detail: str, text: str, rule: Any, complexity: int = 1) -> tuple[Cause, ...]:
    """In both modes, and in each alone."""
    name = f"gradient_{which}.{detail}"
    return (
        cause(name, text, complexity, **{which: rule, f"eval_{which}": rule}),
        cause(f"{name}_in_training", f"In training: {text}", complexity + 1, **{which: rule}),
        cause(f"{name}_in_evaluation", f"In evaluation: {text}", complexity + 1, **{f"eval_{which}": rule}),
    )


def _first(values: Rows, s: Saved) -> Rows:
    return np.asarray(values.reshape(len(values), samples(s), -1)[:, 0])


def _last(values: Rows, s: Saved) -> Rows:
    return np.asarray(values.reshape(len(values), samples(s), -1)[:, -1])


def _with_running(s: Saved) -> Rows:
    mean, var = (
        each.astype(s.rows.dtype).reshape(-1, 1) for each in (s.made.running_mean, s.made.running_var)
    )
    return np.asarray((s.rows - mean) / np.sqrt(var + s.rows.dtype.type(s.made.config.eps)))


def _of_sums(which: str, value: Any, of: str) -> tuple[Cause, ...]:
    """What can go wrong with the sum that a parameter's gradient is."""
    return (
        *_parameter(
            which, "of_means", f"{which} is a mean instead of a sum.", lambda dy, s: average(value(dy, s))
        ),
        *_parameter(
            which,
            "divided_by_the_samples",
            f"{which} is divided by the number of samples.",
            lambda dy, s: total(value(dy, s)) / samples(s),
        ),
        *_parameter(
            which,
            "divided_by_the_positions",
            f"{which} is divided by the number of positions.",
            lambda dy, s: total(value(dy, s)) * samples(s) / dy.shape[1],
        ),
        *_parameter(
            which,
            "divided_by_one_less",
            f"{which} is divided by n - 1.",
            lambda dy, s: total(value(dy, s)) / max(dy.shape[1] - 1, 1),
        ),
        *_parameter(which, "negated", f"{which} has the wrong sign.", lambda dy, s: -total(value(dy, s))),
        *_parameter(which, "zero", f"{which} is 0.", lambda _dy, s: np.zeros_like(s.gamma)),
        *_parameter(
            which, "doubled", f"{which} is twice what it should be.", lambda dy, s: 2 * total(value(dy, s))
        ),
        *_parameter(
            which, "halved", f"{which} is half of what it should be.", lambda dy, s: total(value(dy, s)) / 2
        ),
        *_parameter(
            which, "absolute", f"{which} is the sum of magnitudes.", lambda dy, s: total(np.abs(value(dy, s)))
        ),
        *_parameter(
            which,
            "by_magnitude",
            f"{which} is the magnitude of the sum.",
            lambda dy, s: np.abs(total(value(dy, s))),
        ),
        *_parameter(
            which, "squared", f"{which} is the sum of squares.", lambda dy, s: total(value(dy, s) ** 2), 2
        ),
        *_parameter(
            which,
            "multiplied_by_gamma",
            f"{which} is multiplied by gamma.",
            lambda dy, s: s.gamma * total(value(dy, s)),
        ),
        *_parameter(
            which,
            "divided_by_the_deviation_again",
            f"{which} is divided by the deviation once more.",
            lambda dy, s: s.r * total(value(dy, s)),
        ),
        *_parameter(
            which,
            "first_sample_alone",
            f"{which} is the sum over the first sample.",
            lambda dy, s: total(_first(value(dy, s), s)),
        ),
        *_parameter(
            which,
            "last_sample_alone",
            f"{which} is the sum over the last sample.",
            lambda dy, s: total(_last(value(dy, s), s)),
        ),
        *_parameter(
            which,
            "without_the_first_value",
            f"{which} leaves out the first value.",
            lambda dy, s: total(value(dy, s)[:, 1:]),
        ),
        *_parameter(
            which,
            "without_the_last_value",
            f"{which} leaves out the last value.",
            lambda dy, s: total(value(dy, s)[:, :-1]),
        ),
        *_parameter(
            which,
            "over_all_channels",
            f"{which} is the sum over all channels.",
            lambda dy, s: np.full_like(s.gamma, value(dy, s).sum()),
        ),
        *_parameter(
            which,
            "of_the_next_channel",
            f"{which} of each channel is that of the next one.",
            lambda dy, s: np.roll(total(value(dy, s)), -1, axis=0),
        ),
        *_parameter(
            which,
            "of_the_channel_before",
            f"{which} of each channel is that of the one before.",
            lambda dy, s: np.roll(total(value(dy, s)), 1, axis=0),
        ),
        *_parameter(
            which,
            "reversed",
            f"{which} has its channels in reverse order.",
            lambda dy, s: total(value(dy, s))[::-1],
        ),
        *_parameter(
            which,
            "largest_for_sum",
            f"{which} is the largest {of} instead of the sum.",
            lambda dy, s: value(dy, s).max(axis=1, keepdims=True),
            2,
        ),
    )


PARAMETER_CAUSES = (
    *_of_sums("dgamma", lambda dy, s: dy * s.xhat, "dy xhat"),
    *_of_sums("dbeta", lambda dy, _s: dy, "dy"),
    *_parameter("dgamma", "of_dy", "dgamma is the sum of dy.", lambda dy, _s: total(dy)),
    *_parameter(
        "dgamma",
        "of_the_output",
        "dgamma is the sum of dy y.",
        lambda dy, s: total(dy * (s.gamma * s.xhat + s.beta)),
    ),
    *_parameter(
        "dgamma",
        "of_the_scaled_xhat",
        "dgamma is the sum of dy (y - beta).",
        lambda dy, s: total(dy * s.gamma * s.xhat),
        2,
    ),
    *_parameter(
        "dgamma",
        "of_the_centred_input",
        "dgamma is the sum of dy (x - mean).",
        lambda dy, s: total(dy * s.xc),
    ),
    *_parameter("dgamma", "of_the_input", "dgamma is the sum of dy x.", lambda dy, s: total(dy * s.rows)),
    *_parameter(
        "dgamma",
        "of_the_uncentred_xhat",
        "dgamma is the sum of dy x over the deviation.",
        lambda dy, s: total(dy * s.rows) * s.r,
    ),
    *_parameter(
        "dgamma",
        "of_the_unbiased_xhat",
        "dgamma takes the unbiased variance.",
        lambda dy, s: total(dy * with_unbiased_variance(s).xhat),
    ),
    *_parameter(
        "dgamma",
        "over_the_variance",
        "dgamma is divided by the variance plus eps.",
        lambda dy, s: total(dy * s.xc) * s.r * s.r,
        2,
    ),
    *_parameter(
        "dgamma",
        "without_eps",
        "dgamma leaves eps out of the deviation.",
        lambda dy, s: total(dy * without_eps(s).xhat),
        2,
    ),
    *_parameter(
        "dgamma",
        "of_a_centred_dy",
        "dgamma is the sum of (dy - mean dy) y.",
        lambda dy, s: total((dy - average(dy)) * (s.gamma * s.xhat + s.beta)),
        3,
    ),
    cause(
        "gradient_dgamma.of_the_running_statistics",
        "dgamma in training takes the running statistics.",
        1,
        dgamma=lambda dy, s: total(dy * _with_running(s)),
    ),
    cause(
        "gradient_dgamma.zero_with_dbeta",
        "dgamma and dbeta are 0.",
        2,
        dgamma=lambda _dy, s: np.zeros_like(s.gamma),
        dbeta=lambda _dy, s: np.zeros_like(s.gamma),
        eval_dgamma=lambda _dy, s: np.zeros_like(s.gamma),
        eval_dbeta=lambda _dy, s: np.zeros_like(s.gamma),
    ),
    cause(
        "gradient_dgamma.means_with_dbeta",
        "dgamma and dbeta are means instead of sums.",
        2,
        dgamma=lambda dy, s: average(dy * s.xhat),
        dbeta=lambda dy, _s: average(dy),
        eval_dgamma=lambda dy, s: average(dy * s.xhat),
        eval_dbeta=lambda dy, _s: average(dy),
    ),
    cause(
        "gradient_dgamma.exchanged_with_dbeta_in_both_modes",
        "dgamma and dbeta are exchanged, in evaluation too.",
        1,
        dgamma=lambda dy, _s: total(dy),
        dbeta=lambda dy, s: total(dy * s.xhat),
        eval_dgamma=lambda dy, _s: total(dy),
        eval_dbeta=lambda dy, s: total(dy * s.xhat),
    ),
    *_parameter("dbeta", "of_dy_xhat", "dbeta is the sum of dy xhat.", lambda dy, s: total(dy * s.xhat)),
    *_parameter("dbeta", "of_dy_x", "dbeta is the sum of dy x.", lambda dy, s: total(dy * s.rows), 2),
)
