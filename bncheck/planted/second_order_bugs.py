"""Planted bugs of forward mode and of second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.planted.bug import Bug, Maker
from bncheck.planted.classes import HIGHER
from bncheck.planted.makers import by_hand
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_further import RULES, bent, moved, stretched
from bncheck.planted.numpy_layer import Rows, Saved, average


def _with(**rules: Callable[..., Any]) -> Maker:
    return layer(rules=replace(RULES, **rules))


def _of_constants(t: Rows, s: Saved) -> Rows:
    return np.asarray(s.gamma * s.r * t)


def _of_a_constant_deviation(t: Rows, s: Saved) -> Rows:
    return np.asarray(s.gamma * s.r * (t - average(t)))


def _bent_at_a_constant_deviation(dy: Rows, v: Rows, s: Saved) -> Rows:
    inner = average(dy * s.xc) * (v - average(v)) + average(v * s.xc) * (dy - average(dy))
    return np.asarray(-s.gamma * (s.r * s.r * s.r) * inner)


def _bent_twice(dy: Rows, v: Rows, s: Saved) -> Rows:
    """As if r^3 did not depend on x, and r^2 did."""
    lost = s.xc * (s.r**5 * average(v * s.xc) * average(dy * s.xc))
    return np.asarray(bent(dy, v, s) - s.gamma * lost)


def _not_centred(dy: Rows, v: Rows, s: Saved) -> Rows:
    """h = mean(dy v)."""
    return np.asarray(bent(dy, v, s) - s.gamma * s.r**3 * s.xc * (average(dy) * average(v)))


SECOND_ORDER_BUGS = (
    Bug(
        "second_order.tangent_of_evaluation",
        "Forward mode takes mean and variance of the batch for constants, as if it were in evaluation.",
        HIGHER,
        "FluxML/Flux.jl#2122",
        _with(tangent=_of_constants),
    ),
    Bug(
        "second_order.tangent_of_a_constant_deviation",
        "Forward mode lets the mean move and not the deviation.",
        HIGHER,
        "FluxML/Flux.jl#2122",
        _with(tangent=_of_a_constant_deviation),
    ),
    Bug(
        "second_order.tangent_of_training",
        "Forward mode in evaluation lets the statistics of the batch move.",
        HIGHER,
        "pytorch/pytorch#73541",
        _with(eval_tangent=moved),
    ),
    Bug(
        "second_order.tangent_without_beta",
        "Forward mode forgets the direction of beta.",
        HIGHER,
        "pytorch/pytorch#73541",
        _with(image=lambda gamma, _beta, s: gamma * s.xhat),
    ),
    Bug(
        "second_order.constant_deviation",
        "The derivative of dx to x takes the saved inverse deviation for a constant.",
        HIGHER,
        "pytorch/pytorch#186256",
        _with(second_x=_bent_at_a_constant_deviation),
    ),
    Bug(
        "second_order.constant_deviation_in_torch",
        "A backward pass by hand in torch is differentiated although the inverse deviation that it saved has no history.",
        HIGHER,
        "pytorch/pytorch#186256",
        by_hand("DifferentiatedAgain"),
        port_of="second_order.constant_deviation",
    ),
    Bug(
        "second_order.two_for_three",
        "The derivative of dx to x has a factor 2 where r^3 makes it 3.",
        HIGHER,
        "pytorch/pytorch#2264",
        _with(second_x=_bent_twice),
    ),
    Bug(
        "second_order.not_centred",
        "The derivative of dx to x takes mean(dy v) for the covariance of dy and v.",
        HIGHER,
        "pytorch/pytorch#2264",
        _with(second_x=_not_centred),
    ),
    Bug(
        "second_order.zero",
        "The derivative of dx to x is 0.",
        HIGHER,
        "FluxML/NNlib.jl#757",
        _with(second_x=lambda dy, _v, _s: np.zeros_like(dy)),
    ),
    Bug(
        "second_order.dy_of_a_constant_deviation",
        "The derivative of dx to dy lacks the term through the deviation.",
        HIGHER,
        "pytorch/pytorch#4422",
        _with(second_dy=_of_a_constant_deviation),
    ),
    Bug(
        "second_order.gamma_left_in",
        "The derivative of dx to gamma is multiplied by gamma.",
        HIGHER,
        "pytorch/pytorch#2264",
        _with(second_gamma=lambda dy, v, s: s.gamma * stretched(dy, v, s)),
    ),
    Bug(
        "second_order.parameters_forgotten",
        "What flows back into dgamma and dbeta does not reach dy.",
        HIGHER,
        "pytorch/pytorch#4422",
        _with(image_dy=lambda gamma, _beta, s: np.zeros_like(gamma * s.xhat)),
    ),
    Bug(
        "second_order.evaluation_as_training",
        "Second derivatives in evaluation are those of training.",
        HIGHER,
        "pytorch/pytorch#2277",
        _with(eval_dy=moved, eval_x=bent, eval_gamma=stretched),
    ),
)
