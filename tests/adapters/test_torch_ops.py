"""PyTorch's operators below its functions, judged by what is documented of those."""

from __future__ import annotations

import subprocess
import sys

import pytest

import bncheck
from bncheck.adapters.found import Found
from bncheck.adapters.probe import probe_case
from bncheck.errors import LoadError
from bncheck.evaluation import evaluate
from bncheck.fitting import fit
from bncheck.identify.identifying import contradictions
from bncheck.loading import load, needs_isolation
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.spelling import spelling_of
from bncheck.target import parse_target

torch = pytest.importorskip("torch")

NATIVE, LEGIT, BATCH_NORM = (
    "torch:native_batch_norm",
    "torch:ops.aten._native_batch_norm_legit",
    "torch:batch_norm",
)
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"
each_operator = pytest.mark.parametrize("target", [NATIVE, LEGIT, BATCH_NORM])


def verdicts(target: str, laws: str, *, dtype: str = "float32", **declared: str) -> dict[str, str]:
    report = bncheck.check(target, profile="smoke", include=laws, dtypes=[dtype], dialect=declared)
    return {law.law.id: law.status.value for law in report.targets[0].laws}


@each_operator
def test_an_operator_needs_nothing_but_its_name(target: str) -> None:
    implementation = load(target, isolate=False)

    assert implementation.adapter.name == "torch_native"
    assert implementation.capabilities.ranks == (2, 3, 4, 5)
    assert implementation.capabilities.dtypes == ("float64", "float32", "float16", "bfloat16")
    assert implementation.capabilities.second_order
    assert implementation.capabilities.forward_mode


def test_operators_that_can_end_the_process_run_where_they_can() -> None:
    assert [needs_isolation(parse_target(each)) for each in (NATIVE, LEGIT, BATCH_NORM)] == [
        True,
        True,
        False,
    ]


@each_operator
def test_an_operator_is_right_by_the_main_laws(target: str) -> None:
    found = verdicts(target, LAWS)

    assert len(found) == 7
    assert set(found.values()) == {"held"}, found


def test_a_wrong_declaration_of_the_running_variance_is_seen() -> None:
    found = verdicts(NATIVE, r"^statistics\.variance$", running_variance="biased")

    assert found == {"statistics.variance": "violated"}


@each_operator
def test_statistics_change_in_place_and_are_not_those_that_are_saved_for_the_backward_pass(
    target: str,
) -> None:
    implementation = load(target, isolate=False)
    case = probe_case(implementation.capabilities)
    layer = torch.nn.BatchNorm1d(case.channels, eps=case.eps, momentum=case.momentum)
    layer.running_mean[:], layer.running_var[:] = (
        torch.tensor(case.running_mean),
        torch.tensor(case.running_var),
    )

    found = implementation.evaluate(case)

    layer(torch.tensor(case.x))
    assert found.running_mean is not None
    assert found.running_var is not None
    assert found.running_mean.tolist() == layer.running_mean.tolist()
    assert found.running_var.tolist() == layer.running_var.tolist()


@pytest.mark.parametrize("declared", ["any", "beta"])
def test_one_value_a_channel_is_not_refused_and_that_is_left_open(declared: str) -> None:
    found = verdicts(NATIVE, r"^contract\.single_value$", single=declared)

    assert found == {"contract.single_value": "held"}


def test_what_is_declared_is_what_is_measured() -> None:
    implementation = load(NATIVE, isolate=False)

    assert {each.name for each in contradictions(implementation)} == set()


def test_a_function_that_is_no_operator_is_refused_in_one_sentence() -> None:
    with pytest.raises(
        LoadError, match=r"torch.nn:BatchNorm1d is no operator that torch.ops.aten has a schema"
    ):
        load("torch_native+torch.nn:BatchNorm1d")


def test_an_option_that_an_operator_does_not_take_is_refused() -> None:
    with pytest.raises(LoadError, match=r"has no argument 'decay'; valid are input, weight, bias"):
        load(f"{NATIVE}?decay=0.5")


@each_operator
def test_a_script_calls_the_operator_by_the_names_of_its_schema(target: str) -> None:
    implementation = load(target, isolate=False)
    case = fit(probe_case(implementation.capabilities, dy=True), implementation)
    scene = Scene(spelling_of(implementation), implementation.capabilities, case)
    body = scene.evaluated()
    arrays = [f"{name} = {literal}" for name, literal in scene.needed(body).items()]
    script = "\n".join(["import torch", *arrays, *body, "print(dx.flatten().tolist())"])

    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    expected = evaluate(implementation.adapter, case, device="cpu").dx
    assert expected is not None
    assert printed.stdout.strip() == str(expected.flatten().tolist())


def test_the_numerics_of_the_kernels_on_the_cpu_are_not_claimed_elsewhere() -> None:
    """docs/gpu.md: the kernels of CUDA are others."""
    from bncheck.adapters.torch_ops import TorchOpAdapter  # noqa: PLC0415  # torch may be missing

    adapter = TorchOpAdapter(Found(torch.native_batch_norm, NATIVE))

    assert (adapter.dialect.backward, adapter.dialect.statistics) == ("centred", "parameter")
    assert (adapter.dialect.single, adapter.dialect.empty) == ("any", "any")
