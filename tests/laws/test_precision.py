"""Each law of the range and the digits of half precision, run alone, kills its bugs and holds for sound layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from laws.verdicts import tallies
from mutants.layers import LayerAdapter, Rows, sound, total

from bncheck.properties.precision import PRECISION
from bncheck.verdict import Status

HALF = np.float16


def _layer(**parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts))  # type: ignore[arg-type]  # parts by their names


def _through_half(rows: Rows) -> Rows:
    return np.asarray(rows.astype(HALF).astype(rows.dtype))


def _moved_in_half(old: Rows, new: Rows, w: float) -> Rows:
    """The running statistics are added to in half precision, and kept in float32."""
    return np.asarray((old.astype(HALF) + (w * (new - old)).astype(HALF)).astype(old.dtype))


KILLED: dict[str, list[LayerAdapter]] = {
    "precision.range": [
        _layer(variance=lambda x, mean: total(_through_half((x - mean) ** 2)) / x.dtype.type(x.shape[1])),
        _layer(inverse=lambda variance, eps: 1 / np.sqrt(_through_half(variance + eps))),
        _layer(tracked=lambda variance, m: _through_half(variance * variance.dtype.type(m / (m - 1)))),
        _layer(dgamma=lambda dy, xc, r: total(_through_half(dy * xc)) * r),
    ],
    "precision.evaluation": [
        _layer(eval_moments=lambda x, mean, var: (mean, _through_half(var))),
        _layer(eval_moments=lambda x, mean, var: (_through_half(mean), var)),
    ],
    "precision.increments": [
        _layer(blend=_moved_in_half),
        _layer(blend=lambda old, new, w: _through_half((1 - w) * old + w * new)),
    ],
}


def test_a_layer_of_half_precision_throughout_is_judged_within_its_range() -> None:
    adapter = LayerAdapter(sound())
    adapter.capabilities = replace(adapter.capabilities, mixed=False)
    found = tallies(adapter, *PRECISION)
    assert "precision.increments" not in found
    assert {tally.status for by_dtype in found.values() for tally in by_dtype.values()} == {Status.HELD}
