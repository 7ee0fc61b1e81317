"""Causes that say of which numeric class an implementation is: held against the bounds of the class, not number for number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from causes.failures import BENCH, failure_on, named

from bncheck.causes.attribution import Attribution
from bncheck.causes.catalogue import CAUSES
from bncheck.causes.laboratory import Laboratory
from bncheck.causes.probes import probe, with_directions
from bncheck.implementation import Implementation
from bncheck.outcome import FURTHER
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, Rows, squares

PLAIN_CAUSES = tuple(replace(cause, claims=()) for cause in CAUSES)
SINGLE = np.dtype(np.float32)


def in_turn(rows: Rows) -> Rows:
    """The mean, summed from the last value to the first."""
    return np.asarray(np.add.accumulate(rows[:, ::-1], axis=1)[:, -1:] / rows.dtype.type(rows.shape[1]))


def one_pass(rows: Rows, _mean: Rows) -> Rows:
    return np.asarray(in_turn(rows * rows) - in_turn(rows) ** 2)


def two_pass(rows: Rows, _mean: Rows) -> Rows:
    return in_turn((rows - in_turn(rows)) ** 2)


def made(**parts: Any) -> Implementation:
    return Implementation("layer", NumpyLayerAdapter(Layer(mean=in_turn, **parts)))


def ids(implementation: Implementation, causes: Any, dtype: str, *, offset: float = 9000.0) -> list[str]:
    """The causes of a wrong running variance that are proven wholly, of a batch whose deviation is about 3."""
    case = probe(dtype, (6, 3, 2, 2), "train", 7, offset=offset, scale=3.0)
    found, failure = failure_on(implementation, "statistics.variance", case)
    explained = Attribution(implementation, causes, BENCH).explanations(found, failure, failure)
    return [each.id for each in explained if each.explains == each.of]


CLASSES = [
    ("numerics.one_pass_unclipped", "float32", {"variance": one_pass}),
    (
        "numerics.one_pass",
        "float32",
        {"variance": lambda rows, mean: np.maximum(one_pass(rows, mean), 0)},
    ),
    ("dtype.computed_in_float32", "float64", {"arithmetic": lambda _x: SINGLE, "variance": two_pass}),
    (
        "dtype.computed_in_float32_in_one_pass",
        "float64",
        {"arithmetic": lambda _x: SINGLE, "variance": one_pass},
    ),
]


@pytest.mark.parametrize(("name", "dtype", "parts"), CLASSES, ids=[name for name, _, _ in CLASSES])
def test_a_class_is_named_in_whatever_order_sums_are_taken(
    name: str, dtype: str, parts: dict[str, Any]
) -> None:
    assert name in ids(made(**parts), CAUSES, dtype)


@pytest.mark.parametrize(("name", "dtype", "parts"), CLASSES[2:], ids=[name for name, _, _ in CLASSES[2:]])
def test_number_for_number_no_layer_gives_what_is_summed_in_another_order(
    name: str, dtype: str, parts: dict[str, Any]
) -> None:
    assert name not in ids(made(**parts), PLAIN_CAUSES, dtype)


def test_the_first_cause_of_a_one_pass_variance_is_that_it_is_one() -> None:
    assert named(made(variance=one_pass), ("float32",))[0].id.startswith("numerics.one_pass")


def test_what_errs_by_more_than_the_class_is_not_of_it() -> None:
    coarse = made(variance=lambda rows, mean: squares(rows, mean) * (1 + rows.dtype.type(2.0**-6)))

    assert ids(coarse, CAUSES, "float32", offset=300.0) == []


def test_an_empty_batch_is_within_no_bounds() -> None:
    spoilt = made(variance=one_pass, empty=lambda _made, x: np.ones_like(x[:, :0]))
    case = probe("float32", (6, 3, 2, 2), "train", 7)
    laboratory = Laboratory(spoilt, BENCH)
    found = laboratory.probe(case.changed(x=case.x[:0], dy=None))

    assert found.deviations
    for cause in CAUSES:
        if cause.claims:
            assert not any(match.derived for match in laboratory.matched(cause, found).values())


def test_where_a_direction_moves_gamma_further_derivatives_are_within_no_bounds() -> None:
    laboratory = Laboratory(made(variance=one_pass), BENCH)
    case = probe("float32", (6, 3, 2, 2), "train", 7, offset=9000.0, scale=3.0)
    moved = [
        each
        for each in with_directions(case, few=False)
        if each.direction and each.direction.gamma is not None
    ]

    assert moved
    for each in moved:
        found = laboratory.probe(each)
        assert found.deviations
        for cause in CAUSES:
            if cause.claims:
                matched = laboratory.matched(cause, found)
                assert not {name for name, match in matched.items() if match.derived} & {*FURTHER}


def test_a_sound_implementation_is_no_proof_of_a_weaker_class() -> None:
    sound = made(variance=two_pass)
    laboratory = Laboratory(sound, BENCH)

    assert {name for each in laboratory.probes("float32") for name in each.deviations} == set()
