"""The laws of forward mode and of second derivatives: what they kill, and where they do not apply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from laws.verdicts import tallies
from mutants.further import FurtherAdapter
from mutants.layers import sound

from bncheck import Adapter
from bncheck.planted.numpy_further import RULES, bent, moved, stretched
from bncheck.planted.numpy_layer import Rows, Saved, average, total
from bncheck.properties.second_order import SECOND_ORDER
from bncheck.verdict import Status


def _rules(**rules: Callable[..., Any]) -> Adapter:
    return FurtherAdapter(sound(), replace(RULES, **rules))


def _without_spread(t: Rows, s: Saved) -> Rows:
    """The inverse deviation is a constant."""
    return np.asarray(s.gamma * s.r * (t - average(t)))


def _twice_for_thrice(dy: Rows, v: Rows, s: Saved) -> Rows:
    """2 r^2 q c for 3 r^2 q c."""
    lost = s.r**5 * average(v * s.xc) * average(dy * s.xc)
    return np.asarray(bent(dy, v, s) - s.gamma * s.xc * lost)


KILLED: dict[str, list[Adapter]] = {
    "forward_mode.output": [
        _rules(tangent=lambda t, s: s.gamma * s.r * t),
        _rules(tangent=_without_spread),
        _rules(tangent=lambda t, s: moved(t, s) / np.where(s.gamma == 0, 1, s.gamma)),
    ],
    "forward_mode.parameters": [
        _rules(image=lambda gamma, beta, s: gamma * s.xhat),
        _rules(image=lambda gamma, beta, s: beta * s.xhat + gamma),
    ],
    "forward_mode.evaluation": [_rules(eval_tangent=moved), _rules(eval_tangent=lambda t, s: s.gamma * t)],
    "second_order.dy": [_rules(second_dy=_without_spread), _rules(second_dy=lambda v, s: moved(v, s) * s.r)],
    "second_order.x": [
        _rules(second_x=_twice_for_thrice),
        _rules(second_x=lambda dy, v, s: bent(dy - average(dy), v, s) + moved(v, s) * 2**-10),
        # as through a double backward that takes the saved inverse deviation for a constant
        _rules(
            second_x=lambda dy, v, s: (
                -s.gamma
                * s.r**3
                * (average(dy * s.xc) * (v - average(v)) + average(v * s.xc) * (dy - average(dy)))
            )
        ),
    ],
    "second_order.gamma": [
        _rules(second_gamma=lambda dy, v, s: stretched(dy, v, s) * s.gamma),
        _rules(second_gamma=lambda dy, v, s: total(v * s.r * (dy - average(dy)))),
    ],
    "second_order.parameters": [
        _rules(image_dy=lambda gamma, beta, s: gamma * s.xhat),
        _rules(image_x=lambda dy, s: s.gamma * s.r * dy),
    ],
    "second_order.evaluation": [
        _rules(eval_x=bent),
        _rules(eval_dy=moved),
        _rules(eval_gamma=lambda dy, v, s: total(dy * v)),
    ],
}


def test_every_law_of_the_family_has_its_bugs() -> None:
    assert KILLED.keys() == {law.id for law in SECOND_ORDER}


def test_one_number_a_channel_is_looked_at_in_every_law() -> None:
    found = tallies(FurtherAdapter(sound()), *SECOND_ORDER)

    assert {law: set(by_dtype) for law, by_dtype in found.items()} == {
        law.id: {"float32", "float64"} for law in SECOND_ORDER
    }
    for by_dtype in found.values():
        for tally in by_dtype.values():
            assert tally.status == Status.HELD
            assert 2 * tally.deciding > tally.examples


@pytest.mark.parametrize("capability", ["forward_mode", "second_order"])
def test_what_a_target_does_not_offer_is_not_asked_and_the_reason_is_given(capability: str) -> None:
    adapter = FurtherAdapter(sound())
    absent = {capability: "it has none"}
    offered = replace(
        adapter.capabilities,
        forward_mode="forward_mode" not in absent,
        second_order="second_order" not in absent,
        reasons=absent,
    )

    reasons = {law.id: law.why_not(offered) for law in SECOND_ORDER}

    assert {law for law, reason in reasons.items() if reason == "it has none"} == {
        law.id for law in SECOND_ORDER if law.family == capability
    }
