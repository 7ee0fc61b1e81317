"""Tangents and second derivatives of every kind of target are the numbers that are worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bncheck.case import Case
from bncheck.direction import Direction
from bncheck.loading import load

Maker = Callable[..., Case]

V = np.array([[4.0, 4.0, 4.0], [8.0, 8.0, 8.0]])
SIGN = np.array([1.0, -1.0, 1.0])
INVERSE = np.array([1 / 4, 1 / 8, 1 / 4])
# x - mean is 3 and -3 times the sign, r is 1/4: p = 6, q = -6 sign, c = 12 sign, h = -8.
TANGENT = np.array([[-7 / 32], [7 / 32]])
BENT = np.array([[63 / 128], [-63 / 128]]) * SIGN
SAMPLES = Path(__file__).parent / "samples"
TARGETS = (
    "torch.nn:BatchNorm1d",
    "torch.nn.functional:batch_norm",
    "reference.torch",
    "reference.jax",
    f"{SAMPLES}/torch_layer.py:BatchNorm1d",
    f"{SAMPLES}/jax_layers.py:batch_norm",
)


def framework_of(target: str) -> None:
    """Skip where the framework of a target, told by its name, is not installed."""
    for framework in ("torch", "jax"):
        if framework in target:
            pytest.importorskip(framework)


def read(array: NDArray[np.generic] | None) -> NDArray[np.float64]:
    assert array is not None
    return array.astype(np.float64)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_along_a_direction_of_x_mean_and_variance_move(target: str, dtype: str, make_case: Maker) -> None:
    framework_of(target)
    case = make_case(dtype=dtype)
    assert case.gamma is not None

    outcome = load(target, isolate=False).evaluate(
        case.changed(dy=None, direction=Direction(V.astype(case.x.dtype)))
    )

    np.testing.assert_array_equal(read(outcome.tangent), case.gamma * TANGENT)


@pytest.mark.parametrize("target", TARGETS)
def test_along_gamma_and_beta_y_is_their_image(target: str, make_case: Maker) -> None:
    framework_of(target)
    case = make_case()
    assert case.gamma is not None
    assert case.beta is not None

    outcome = load(target, isolate=False).evaluate(
        case.changed(dy=None, direction=Direction(np.zeros_like(case.x), case.beta, case.gamma))
    )

    xhat = np.stack([3 * SIGN, -3 * SIGN]) / 4
    np.testing.assert_array_equal(read(outcome.tangent), case.beta * xhat + case.gamma)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_gradients_are_differentiated_again(target: str, dtype: str, make_case: Maker) -> None:
    framework_of(target)
    case = make_case(dtype=dtype)
    assert case.gamma is not None

    outcome = load(target, isolate=False).evaluate(case.changed(direction=Direction(V.astype(case.x.dtype))))

    np.testing.assert_array_equal(read(outcome.second_dy), case.gamma * TANGENT)
    np.testing.assert_array_equal(read(outcome.second_x), case.gamma * BENT)
    np.testing.assert_array_equal(read(outcome.second_gamma), np.full(3, -7 / 4))


@pytest.mark.parametrize("target", [each for each in TARGETS if "jax_layers" not in each])
def test_in_evaluation_the_statistics_are_constants(target: str, make_case: Maker) -> None:
    framework_of(target)
    case = make_case("eval")
    assert case.gamma is not None
    implementation, direction = load(target, isolate=False), Direction(V.astype(case.x.dtype))

    along = implementation.evaluate(case.changed(dy=None, direction=direction))
    twice = implementation.evaluate(case.changed(direction=direction))

    np.testing.assert_array_equal(read(along.tangent), case.gamma * INVERSE * V)
    np.testing.assert_array_equal(read(twice.second_dy), case.gamma * INVERSE * V)
    np.testing.assert_array_equal(read(twice.second_x), np.zeros_like(V))
    np.testing.assert_array_equal(read(twice.second_gamma), 32 * INVERSE)


def test_a_process_of_its_own_gives_the_same(make_case: Maker) -> None:
    pytest.importorskip("torch")
    case = make_case()
    direction = Direction(V.astype(case.x.dtype), case.beta, case.gamma)
    cases = [case.changed(dy=None, direction=direction), case.changed(direction=direction)]

    apart, here = (load("torch.nn:BatchNorm1d", isolate=isolate) for isolate in (True, False))
    try:
        for each in cases:
            for name in ("tangent", "second_dy", "second_x", "second_gamma"):
                one, other = (run.evaluate(each).quantity(name) for run in (apart, here))
                assert (one is None) == (other is None)
                assert one is None or other is None or one.tobytes() == other.tobytes()
    finally:
        apart.close()


def test_without_gamma_there_is_no_derivative_to_it(make_case: Maker) -> None:
    pytest.importorskip("torch")
    case = make_case(affine=False)

    outcome = load("torch.nn:BatchNorm1d").evaluate(case.changed(direction=Direction(V.astype(np.float32))))

    assert outcome.second_gamma is None
    np.testing.assert_array_equal(read(outcome.second_x), BENT)


def test_what_numpy_cannot_differentiate_is_not_offered(samples: Path) -> None:
    offered = load(f"{samples}/numpy_layers.py:forward", isolate=False).capabilities

    for capability in ("forward_mode", "second_order"):
        assert offered.why_not(capability) == "numpy finds no derivatives of a function"


def test_a_backward_pass_by_hand_has_no_forward_mode_and_the_exception_is_the_reason() -> None:
    pytest.importorskip("torch")

    offered = load("bncheck.planted.torch_layer:ByHand", isolate=False).capabilities

    reason = offered.why_not("forward_mode")
    assert reason is not None
    assert "jvp" in reason
