"""Of a sound implementation no fixed probe deviates, whatever its dialect leaves open."""

from __future__ import annotations

import pytest

from bncheck.causes.laboratory import Laboratory
from bncheck.loading import load


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whether_an_empty_or_a_refused_batch_counts_is_no_deviation(dtype: str) -> None:
    pytest.importorskip("torch")
    counts_them = load("torch.nn:BatchNorm2d")

    probes = Laboratory(counts_them).probes(dtype)

    assert len(probes) > 50
    assert any(probe.case.program for probe in probes)
    assert {name for probe in probes for name in probe.deviations} == set()
