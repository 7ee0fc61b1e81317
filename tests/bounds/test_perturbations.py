"""What fixed tolerances miss the bounds find, and where fixed tolerances raise false alarms the bounds do not."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from .perturbations import COLUMNS, ROWS, rejected  # without torch there is nothing to compare with

EXAMPLES = 25


def shares(row: str, column: str) -> list[float]:
    """Of the bounds, of assert_close, of allclose."""
    formats, inputs = COLUMNS[column]
    return rejected(ROWS[row], formats, inputs, examples=EXAMPLES, seed=17)


@pytest.mark.parametrize("column", COLUMNS)
def test_the_bounds_never_reject_a_sound_layer(column: str) -> None:
    assert shares("no bug", column)[0] == 0


def test_assert_close_rejects_most_sound_layers_on_hostile_inputs() -> None:
    assert shares("no bug", "float32 hostile")[1] > 0.5


@pytest.mark.parametrize("column", ["float16 target", "bfloat16 target"])
def test_allclose_rejects_every_sound_layer_in_half_precision(column: str) -> None:
    assert shares("no bug", column)[2] == 1


def test_a_gamma_off_by_1e_minus_13_in_float64_is_found_by_the_bounds_alone() -> None:
    assert shares("gamma times 1 + least", "float64 target") == [1, 0, 0]


def test_a_gamma_off_by_1e_minus_3_in_bfloat16_is_found_far_more_often_than_by_assert_close() -> None:
    bound, torch_share, _ = shares("gamma times 1 + 1e-3", "bfloat16 target")

    assert bound > 0.9
    assert torch_share < bound - 0.25


@pytest.mark.parametrize("row", [row for row in ROWS if not row.startswith(("no bug", "float32", "gamma"))])
def test_every_structural_bug_is_found_by_the_bounds_in_every_target_example(row: str) -> None:
    found = {column: shares(row, column)[0] for column in COLUMNS if column.endswith("target")}

    assert set(found.values()) == {1.0}
