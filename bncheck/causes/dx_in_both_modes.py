"""Causes in dx that training and evaluation share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.causes.cause import Cause
from bncheck.causes.made import cause
from bncheck.planted.numpy_layer import Rows, Saved, closed_form_dx


def _in_both_modes(detail: str, text: str, change: Any) -> Cause:
    """`change` of a right dx, dy and what was saved."""
    return cause(
        f"gradient_dx.{detail}_in_both_modes",
        text,
        dx=lambda dy, s: change(closed_form_dx(dy, s), dy, s),
        eval_dx=lambda dy, s: change(s.gamma * s.r * dy, dy, s),
    )


def _without_gamma(_dx: Rows, dy: Rows, s: Saved) -> Rows:
    plain = replace(s, gamma=np.ones_like(s.gamma))
    return closed_form_dx(dy, plain) if s.training else np.asarray(s.r * dy)


DX_IN_BOTH_MODES = (
    _in_both_modes("zero", "dx is 0, in evaluation too.", lambda dx, _dy, _s: np.zeros_like(dx)),
    _in_both_modes("of_dy", "dx is dy, in evaluation too.", lambda _dx, dy, _s: dy),
    _in_both_modes("negated", "dx has the wrong sign, in evaluation too.", lambda dx, _dy, _s: -dx),
    _in_both_modes(
        "doubled", "dx is twice what it should be, in evaluation too.", lambda dx, _dy, _s: 2 * dx
    ),
    _in_both_modes(
        "halved", "dx is half of what it should be, in evaluation too.", lambda dx, _dy, _s: dx / 2
    ),
    _in_both_modes("without_gamma", "dx is not multiplied by gamma, in evaluation too.", _without_gamma),
    _in_both_modes(
        "gamma_twice", "dx is multiplied by gamma twice, in evaluation too.", lambda dx, _dy, s: dx * s.gamma
    ),
    _in_both_modes(
        "without_deviation",
        "dx is not divided by the deviation, in evaluation too.",
        lambda dx, _dy, s: dx / s.r,
    ),
    _in_both_modes(
        "deviation_twice",
        "dx is divided by the deviation twice, in evaluation too.",
        lambda dx, _dy, s: dx * s.r,
    ),
)
