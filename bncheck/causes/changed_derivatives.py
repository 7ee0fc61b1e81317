"""Causes in derivatives beyond the gradients: one of them as a whole is zero, negated, doubled, or scaled otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_further import RULES
from bncheck.planted.numpy_layer import Rows, Saved

Rule = Callable[..., Rows]


def of_rules(detail: str, text: str, complexity: int = 1, /, **rules: Rule) -> Cause:
    """The cause of a sound layer with other rules."""
    return Cause(f"second_order.{detail}", text, layer(rules=replace(RULES, **rules)), complexity)


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
            yield of_rules(
                f"{name}_{detail}",
                f"{what} {words}.",
                len(rules) if len(rules) < 3 else 2,
                **{rule: _changed(getattr(RULES, rule), change) for rule in rules},
            )


CHANGED_DERIVATIVES = tuple(_changes())
