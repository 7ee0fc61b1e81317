"""Causes of derivatives beyond the gradients: which are named, and what follows from something else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from causes.failures import BENCH, failure_on, family

from bncheck.causes.attribution import Attribution
from bncheck.causes.catalogue import CAUSES
from bncheck.causes.cause import together
from bncheck.causes.laboratory import Laboratory
from bncheck.causes.probes import directed_probes, probe
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.outcome import FURTHER
from bncheck.planted.catalogue import BUGS
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer

BY_ID = {cause.id: cause for cause in CAUSES}
MAKERS = {bug.id: bug.make for bug in BUGS}


def ids(implementation: Implementation, law: str) -> list[str]:
    """Those of the causes that are named for a law on an ordinary case."""
    mode = "eval" if law.endswith("evaluation") else "train"
    found, failure = failure_on(implementation, law, probe("float32", (4, 3), mode, 1))  # type: ignore[arg-type]  # one of the two
    explanations = Attribution(implementation, bench=BENCH).explanations(found, failure, failure)
    return [each.id for each in explanations]


@pytest.mark.parametrize(
    ("name", "law"),
    [
        ("second_order.tangent_doubled", "forward_mode.output"),
        ("second_order.tangent_in_evaluation_without_gamma", "forward_mode.evaluation"),
        ("second_order.tangent_of_x_not_scaled", "forward_mode.parameters"),
        ("second_order.dy_of_constants", "second_order.dy"),
        ("second_order.x_without_the_covariance", "second_order.x"),
        ("second_order.x_over_n_less_one", "second_order.x"),
        ("second_order.x_of_a_constant_mean", "second_order.x"),
        ("second_order.gamma_of_a_constant_deviation", "second_order.gamma"),
        ("second_order.parameters_to_x_of_constants", "second_order.parameters"),
        ("second_order.gamma_in_evaluation_negated", "second_order.evaluation"),
    ],
)
def test_what_differs_in_one_rule_is_named_by_it(name: str, law: str) -> None:
    implementation = Implementation("layer", BY_ID[name].make())

    assert ids(implementation, law)[0] == name


def test_what_no_rule_of_the_library_gives_has_no_cause() -> None:
    sound = NumpyLayerAdapter(Layer())
    adapter = NumpyLayerAdapter(
        Layer(), rules=replace(sound.rules, second_x=lambda *given: 1.01 * sound.rules.second_x(*given))
    )

    assert ids(Implementation("layer", adapter), "second_order.x") == []


@pytest.mark.parametrize(
    ("bug", "law"),
    [
        ("gradient_dx.constant_statistics_in_torch", "second_order.x"),
        ("gradient_dx.constant_statistics_in_torch", "forward_mode.output"),
        ("gradient_dgamma.detached", "forward_mode.parameters"),
        ("eps.outside_the_root_in_torch", "second_order.dy"),
    ],
)
def test_what_follows_from_a_wrong_output_or_gradient_is_named_by_that(bug: str, law: str) -> None:
    pytest.importorskip("torch")
    found = ids(Implementation(bug, MAKERS[bug]()), law)

    assert found
    assert {name.partition(".")[0] for name in found} == {bug.partition(".")[0]}


def test_a_second_derivative_and_something_else_are_named_together() -> None:
    pair = together(BY_ID["second_order.zero"], BY_ID["running_var.biased"])
    assert pair is not None
    implementation = Implementation("layer", pair.make())
    law, failure = failure_on(implementation, "second_order.x", probe("float32", (4, 3), "train", 1))

    (found,) = Attribution(implementation, bench=BENCH).explanations(law, failure, failure)

    assert family(found) == "second_order"
    assert found.companions == ("running_var.biased",)
    assert found.explains == found.of


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", ["torch.nn:BatchNorm2d", "torch.nn:BatchNorm1d?affine=false"])
def test_autograd_of_a_sound_layer_deviates_on_no_probe_with_a_direction(target: str, dtype: str) -> None:
    pytest.importorskip("torch")
    probes = Laboratory(load(target, isolate=False)).probes(dtype)
    directed = [each for each in probes if each.case.direction is not None]

    assert directed
    assert {name for each in directed for name in each.sound} >= {"tangent", "second_x"}
    assert [each.deviations for each in directed if each.deviations] == []


def test_a_target_that_offers_no_such_derivatives_is_not_asked_for_any() -> None:
    adapter = NumpyLayerAdapter(Layer())
    adapter.capabilities = replace(adapter.capabilities, forward_mode=False, second_order=False)

    probes = Laboratory(Implementation("layer", adapter)).probes("float32")

    assert {name for each in probes for name in each.sound}.isdisjoint(FURTHER)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_nor_is_any_in_half_precision(dtype: str) -> None:
    assert directed_probes(dtype, few=False) == ()
