"""Of a sound implementation no fixed probe deviates, whatever its dialect leaves open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bncheck.adapter import Config
from bncheck.causes.cause import SOUND, in_dialect
from bncheck.causes.laboratory import Laboratory
from bncheck.dialect import Dialect
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.planted.numpy_adapter import DIALECT, NumpyLayerAdapter
from bncheck.planted.numpy_layer import Made, checked, fresh


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_whether_an_empty_or_a_refused_batch_counts_is_no_deviation(dtype: str) -> None:
    pytest.importorskip("torch")
    counts_them = load("torch.nn:BatchNorm2d")

    probes = Laboratory(counts_them).probes(dtype)

    assert len(probes) > 50
    assert any(probe.case.program for probe in probes)
    assert {name for probe in probes for name in probe.deviations} == set()


def deviations(parts: dict[str, Any], dialect: Dialect, dtype: str) -> set[str]:
    """Those on fixed probes of a layer that is of a dialect, parts of it replaced by others that are sound too."""
    layer = in_dialect(NumpyLayerAdapter(SOUND), dialect).layer
    implementation = Implementation("layer", NumpyLayerAdapter(replace(layer, **parts), dialect=dialect))
    return {name for probe in Laboratory(implementation).probes(dtype) for name in probe.deviations}


def from_zero(config: Config) -> Made:
    made = fresh(config)
    made.running_var[...] = 0
    return made


def in_single(config: Config) -> Made:
    return fresh(replace(config, parameter_dtype=np.dtype(np.float32)))


@pytest.mark.parametrize(
    ("parts", "dialect", "dtype"),
    [
        ({"fresh": from_zero}, replace(DIALECT, first_batch="debiased"), "float32"),
        ({"fresh": in_single}, DIALECT, "float64"),
        (
            {"checked": lambda made, x, training: checked(made, x, training and x.size != x.shape[1])},
            replace(DIALECT, single="beta", running_variance="biased"),
            "float32",
        ),
    ],
    ids=["an average that starts at zero", "statistics that start in float32", "one value is a batch"],
)
def test_what_no_law_says_of_a_new_layer_is_no_deviation(
    parts: dict[str, Any], dialect: Dialect, dtype: str
) -> None:
    assert deviations(parts, dialect, dtype) == set()


def test_where_an_average_that_blends_starts_is_told() -> None:
    assert "made running_var" in deviations({"fresh": from_zero}, DIALECT, "float32")
