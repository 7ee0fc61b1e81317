"""On a CUDA device: the references and torch's layers hold there, and agree with the CPU on identical bits."""

from __future__ import annotations

from pathlib import Path

import pytest

import bncheck
from bncheck.environment import devices
from bncheck.report import TargetReport

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not any("cuda" in text or "gpu" in text for text in devices().values()), reason="no GPU"
    ),
]

LAYERS = (
    "torch.nn:BatchNorm1d",
    "torch.nn:BatchNorm2d",
    "torch.nn:BatchNorm3d",
    "torch.nn.functional:batch_norm",
)
ILLEGAL = f"{Path(__file__).parent / 'samples' / 'illegal.py'}:Illegal"


def failing(report: TargetReport) -> dict[str, str]:
    assert report.error is None
    return {
        law.law.id: str(law.status) for law in report.laws if law.status not in ("held", "not_applicable")
    }


@pytest.mark.parametrize("target", ["reference.torch", "reference.jax"])
def test_every_law_holds_for_a_reference_and_against_the_cpu(target: str) -> None:
    (report,) = bncheck.check(target, device="cuda", profile="smoke").targets
    assert failing(report) == {}
    assert "devices.agreement" in {law.law.id for law in report.laws if law.status == "held"}


@pytest.mark.parametrize("target", LAYERS)
def test_torch_holds_in_single_and_double_precision(target: str) -> None:
    """In half precision, and on vectors that are not aligned, it does not: see docs/gpu.md."""
    (report,) = bncheck.check(
        target, device="cuda", profile="smoke", dtypes=("float32", "float64"), exclude="^layout[.]"
    ).targets
    assert failing(report) == {}


def test_an_illegal_access_is_the_verdict_on_its_case_alone() -> None:
    (report,) = bncheck.check(
        ILLEGAL,
        device="cuda",
        profile="smoke",
        dtypes=("float32",),
        include="^(forward|evaluation)[.]output$",
    ).targets
    assert failing(report) == {"forward.output": "crashed"}
    assert "nothing more in this process" in report.laws[0].findings[0].message
