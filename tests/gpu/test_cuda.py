"""On a CUDA device: the references and torch's layers hold there, and agree with the CPU on identical bits."""

from __future__ import annotations

import pytest

import bncheck
from bncheck.environment import devices

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not any("cuda" in text or "gpu" in text for text in devices().values()), reason="no GPU"
    ),
]

TARGETS = (
    "reference.torch",
    "reference.jax",
    "torch.nn:BatchNorm1d",
    "torch.nn:BatchNorm2d",
    "torch.nn:BatchNorm3d",
    "torch.nn.functional:batch_norm",
)


@pytest.mark.parametrize("target", TARGETS)
def test_every_law_holds_on_the_device_and_against_the_cpu(target: str) -> None:
    report = bncheck.check(target, device="cuda", profile="smoke")
    statuses = {law.law.id: str(law.status) for law in report.targets[0].laws}
    assert report.targets[0].error is None
    assert {status for status in statuses.values() if status not in ("held", "not_applicable")} == set(), (
        statuses
    )
    assert statuses["devices.agreement"] == "held"
