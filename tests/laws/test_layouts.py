"""The laws of layouts, each alone, kill their bugs, hold for sound layers, and say what torch misreads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laws.verdicts import tallies
from mutants.layers import LayerAdapter, Made, Rows, sound

from bncheck import Gradients
from bncheck.adapter import Pullback
from bncheck.case import Case, Native
from bncheck.corpus import Corpus
from bncheck.effort import CI
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.properties.layouts import LAYOUT_LAWS
from bncheck.regions import LAYOUTS
from bncheck.shrinking import shrunk
from bncheck.simplification import complexity, proposals
from bncheck.trial import Trial
from bncheck.verdict import Failure, Status
from bncheck.verify import planned, started, verify

LAWS = {law.id: law for law in LAYOUT_LAWS}


class Placed(LayerAdapter):
    """A sound layer, to plant bugs in."""

    def __init__(self) -> None:
        super().__init__(sound())


def in_a_row(array: Native) -> Native:
    """The bug of most of them: as many elements as there are, one after the other from the first one's address."""
    return np.lib.stride_tricks.as_strided(array, strides=np.empty(array.shape, array.dtype).strides)


class InputInARow(Placed):
    """Takes x for contiguous."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        return super().vjp(handle, in_a_row(x), training)


class GammaInARow(Placed):
    """Takes gamma for contiguous."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        handle.gamma = None if handle.gamma is None else in_a_row(handle.gamma)
        return super().vjp(handle, x, training)


class LikeTheInput(Placed):
    """Reads dy in the order in which x lies."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, pullback = super().vjp(handle, x, training)

        def misread(dy: Native) -> Gradients:
            dense = np.array(dy, order="K")
            same = dense.strides == dy.strides
            return pullback(
                np.lib.stride_tricks.as_strided(dense, strides=np.array(x).strides) if same else dy
            )

        return y, misread


class LostUpdate(Placed):
    """Updates a contiguous copy of the running statistics, which is the array itself where that is contiguous."""

    def _track(self, handle: Made, mean: Rows, variance: Rows, count: int) -> None:
        given = handle.mean, handle.var
        super()._track(handle, mean, variance, count)
        for name, array in zip(("mean", "var"), given, strict=True):
            if array is not None:
                copy = np.ascontiguousarray(array)
                copy[...] = getattr(handle, name)
                setattr(handle, name, array)


class VarianceInARow(Placed):
    """Takes the running variance for contiguous in evaluation."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        kept = handle.var
        if not training and handle.var is not None:
            handle.var = in_a_row(handle.var)
        result = super().vjp(handle, x, training)
        handle.var = handle.var if training else kept
        return result


KILLED: dict[str, list[LayerAdapter]] = {
    "layout.forward": [InputInARow(), GammaInARow()],
    "layout.gradients": [LikeTheInput()],
    "layout.statistics": [LostUpdate()],
    "layout.evaluation": [VarianceInARow()],
}


@pytest.mark.parametrize("target", ["reference.numpy", "reference.torch"])
def test_the_references_read_every_layout_and_enough_examples_decide(target: str) -> None:
    if "torch" in target:
        pytest.importorskip("torch")
    for by_dtype in tallies(load(target), *LAYOUT_LAWS, corpus=Corpus(0, CI)).values():
        assert {tally.status for tally in by_dtype.values()} == {Status.HELD}
        assert sum(tally.deciding for tally in by_dtype.values()) >= 100
        assert min(tally.deciding for tally in by_dtype.values()) >= 25


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "target", ["torch.nn:BatchNorm1d", "torch.nn:BatchNorm2d", "torch.nn:BatchNorm3d", "torch.nn.functional:batch_norm"]
)  # fmt: skip
def test_torch_reads_every_layout_in_its_forward_pass(target: str, seed: int) -> None:
    pytest.importorskip("torch")
    implementation = load(target)
    laws = LAWS["layout.forward"], LAWS["layout.statistics"]
    plan = planned(laws, implementation, ("float32", "float64"))
    found = verify(implementation, plan, Corpus(seed, replace(CI, per_dtype=60, examples=60)), started(plan))
    assert {tally.status for by_dtype in found.values() for tally in by_dtype.values()} == {Status.HELD}


def plain_case(**changes: Any) -> Case:
    """Two samples of two channels; gamma 1 and 2, running variance 1 and 4."""
    one = np.ones(2, np.float32)
    values: dict[str, Any] = {
        "x": np.array([[1.0, 4.0], [-1.0, 0.0]], np.float32),
        "dy": np.array([[1.0, 2.0], [0.0, -2.0]], np.float32),
        "gamma": np.array([1.0, 2.0], np.float32),
        "beta": 0 * one,
        "running_mean": 0 * one,
        "running_var": np.array([1.0, 4.0], np.float32),
        "eps": 1.0,
        "momentum": 0.5,
        "mode": "train",
    }
    return Case(**{**values, **changes})


def torch_dx(x: Any, dy: Any, gamma: Any) -> list[float]:
    """dx of torch's own function in training, bncheck left out."""
    import torch  # noqa: PLC0415  # where it is installed

    leaf = x.detach().requires_grad_()
    y = torch.nn.functional.batch_norm(leaf, None, None, gamma, None, True, 0.5, 1.0)  # noqa: FBT003  # training
    return [float(number) for number in torch.autograd.grad(y, leaf, dy)[0].flatten()]


def test_a_strided_gamma_is_told_where_torch_misreads_it_in_its_backward_pass() -> None:
    torch = pytest.importorskip("torch")
    case = plain_case(layouts={"gamma": "step"})
    x, dy, gamma = (torch.tensor(array) for array in (case.x, case.dy, case.gamma))
    spread = torch.tensor([1.0, 7.0, 2.0, 7.0])[::2]
    agrees = np.allclose(torch_dx(x, dy, gamma), torch_dx(x, dy, spread))

    found = list(LAWS["layout.gradients"].check(case, Trial(load("torch.nn.functional:batch_norm"))))

    assert any(comparison.fails for comparison in found) != agrees


def test_a_case_without_layouts_decides_nothing() -> None:
    trial = Trial(Implementation("sound", Placed()))
    assert [list(law.check(plain_case(), trial)) for law in LAYOUT_LAWS] == [[], [], [], []]


def test_a_counterexample_keeps_the_layout_that_is_misread_and_no_other() -> None:
    implementation, law = Implementation("bug", GammaInARow()), LAWS["layout.forward"]
    found = tallies(implementation, law)[law.id]["float32"].failure
    assert found is not None
    smallest: Failure = shrunk(law, implementation, found, budget=400)
    assert set(smallest.case.layouts) == {"gamma"}
    assert smallest.case.x.size <= 6


def test_fewer_layouts_are_simpler() -> None:
    case = plain_case(layouts={"x": "step", "dy": "offset", "gamma": "step"})
    proposed = [each.layouts for each in proposals(case, Placed.capabilities) if each.layouts != case.layouts]
    assert {} in proposed
    assert {"dy": "offset"} in proposed
    assert {"x": "step", "gamma": "step"} in proposed
    assert complexity(case.changed(layouts={})) < complexity(case)


def test_a_target_without_strides_gets_none() -> None:
    case = plain_case(layouts={"x": "step", "gamma": "step"})
    adapter = LayerAdapter(sound())
    adapter.capabilities = replace(LayerAdapter.capabilities, layouts=False)
    assert fit(case, Implementation("layer", adapter)).layouts == {}


def test_a_layout_that_makes_no_difference_any_more_is_dropped() -> None:
    case = plain_case(layouts={"dy": "expanded", "gamma": "step"})
    assert fit(case, Implementation("layer", Placed())).layouts == {"gamma": "step"}


def test_the_region_reaches_every_layout_of_every_array() -> None:
    drawing = Corpus(0, CI).drawing(LAYOUTS, "float32", dtypes=1, ladder=False)
    found = {(name, layout) for case in drawing.examples() for name, layout in case.layouts.items()}
    batches = {"channels_last", "transposed", "offset", "step", "padded", "expanded"}
    wanted = {(name, layout) for name in ("x", "dy") for layout in batches}
    wanted |= {(name, layout) for name in ("gamma", "beta") for layout in ("offset", "step", "expanded")}
    wanted |= {(name, layout) for name in ("running_mean", "running_var") for layout in ("offset", "step")}
    assert found == wanted


LAYER = '''
import numpy as np


class Layer:
    """Tells how x lies: y is its last stride."""

    __bncheck__ = {"dtypes": ["float32"], "ranks": [2]}

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features, np.float32), np.zeros(num_features, np.float32)
        self.eps, self.momentum = eps, momentum

    def forward(self, x):
        return np.full(x.shape, x.strides[-1], x.dtype) + self.gamma.strides[0] * np.float32(100)
'''


def test_layouts_travel_to_a_target_in_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "layer.py"
    path.write_text(LAYER, encoding="utf-8")
    implementation = load(f"{path}:Layer", isolate=True)
    try:
        told = [
            implementation.evaluate(plain_case(layouts=layouts, running_mean=None, running_var=None)).y[0, 0]
            for layouts in ({}, {"x": "step"}, {"gamma": "step"})
        ]
    finally:
        implementation.close()
    assert implementation.capabilities.layouts
    assert told == [404, 408, 804]
