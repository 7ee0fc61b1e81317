"""What scripts of programs are made of, for layers that a library keeps as pure functions with a state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reproducer.targets import case, floats

from bncheck.adapter import State
from bncheck.batches import batch_of
from bncheck.case import Case
from bncheck.loading import load
from bncheck.reproducer.claims import Number
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.script import source_of
from bncheck.reproducer.spelling import spelling_of
from bncheck.step import Step

CORRECTED = ["haiku:BatchNorm", "equinox.nn:BatchNorm?mode=batch"]
each_target = pytest.mark.parametrize("target", [*CORRECTED, "equinox.nn:BatchNorm?mode=ema"])
each_corrected = pytest.mark.parametrize("target", CORRECTED)
GRADIENTS = ("dx", "dgamma", "dbeta")


def left(target: str, of: Case, *names: str, before: State | None = None) -> list[list[float]]:
    """What the lines of a program leave under these names; `before`: what the layer is given before the last step."""
    pytest.importorskip(target.partition(".")[0].partition(":")[0])
    implementation = load(target)
    offered = implementation.capabilities
    of = of.changed(debiased=offered.counter, momentum=offered.fixed_momentum or of.momentum)
    scene = Scene(spelling_of(implementation), offered, of)
    source = source_of(scene, Number("gamma", (0,), 0.0, 9.0, step=len(of.program) - 1, before=before))
    space: dict[str, Any] = {}
    exec("\n".join([*source.imports, *source.arrays, *source.body]), space)
    told = {"count": scene.spelling.count()}
    split = [name.partition("/") for name in names]
    found = [eval(told.get(name) or scene.held(name, layer or "layer"), space) for name, _, layer in split]
    return [np.asarray(each, np.float64).ravel().tolist() for each in found]


def program(*steps: Step, **changed: Any) -> Case:
    """A new layer."""
    return case(program=steps, **changed)


@each_target
def test_a_late_backward_pass_gives_the_gradients_of_its_own_forward_pass(target: str) -> None:
    late = program(Step("open", 1), Step("open"), Step("backward", 0))
    second = program(Step("open", 1), Step("open"), Step("backward", 1))
    for opened, batch in ((late, 1), (second, 0)):
        expected = left(target, program(Step("train", batch)), *GRADIENTS)
        assert left(target, opened, *GRADIENTS) == expected


@each_corrected
def test_a_momentum_is_that_of_the_batches_from_then_on(target: str) -> None:
    changed = program(Step("train"), Step("momentum", value=0.5), Step("train", 1), dy=None)
    first, second = (batch_of(changed, number)[0].mean(axis=0, dtype=np.float64) for number in (0, 1))
    (found,) = left(target, changed, "running_mean")
    assert found == pytest.approx(((0.125 * first + 0.5 * second) / 0.75).tolist(), rel=1e-6)


@each_target
def test_statistics_that_are_given_are_those_that_evaluation_reads(target: str) -> None:
    before = State(floats(0.5, -0.5), floats(2.0, 7.0))
    given = program(Step("train", 1), Step("eval"), dy=None)
    y, mean, var, gamma, beta = left(
        target, given, "y", "running_mean", "running_var", "gamma", "beta", before=before
    )
    assert (gamma, beta) == ([2.0, 0.5], [0.25, -1.0])
    assert mean == pytest.approx([0.5, -0.5], rel=1e-6)
    assert var == pytest.approx([2.0, 7.0], rel=1e-6)
    expected = (given.x - np.array(mean)) / np.sqrt(np.array(var) + 0.5) * gamma + beta
    assert y == pytest.approx(expected.ravel().tolist(), rel=1e-5)


@each_corrected
def test_statistics_that_are_given_are_those_that_training_goes_on_from(target: str) -> None:
    before = State(floats(0.5, -0.5), floats(2.0, 7.0))
    given = program(Step("train", 1), Step("train"), dy=None)
    mean, count = left(target, given, "running_mean", "count", before=before)
    assert count == [2.0]
    # One batch before it, which weighs 0.25 * 0.75, and this one, which weighs 0.25.
    batch = given.x.mean(axis=0, dtype=np.float64)
    assert before.mean is not None
    expected = (0.1875 * before.mean + 0.25 * batch) / 0.4375
    assert mean == pytest.approx(expected.tolist(), rel=1e-6)


@each_corrected
def test_a_second_layer_has_statistics_of_its_own(target: str) -> None:
    shared = program(Step("train"), Step("other", 1), dy=None, batches=3)
    (other,) = left(target, shared, "running_mean/other")
    mean, count = left(target, shared, "running_mean", "count")
    assert count == [4.0]
    assert left(target, program(Step("train"), dy=None, batches=3), "running_mean") == [mean]
    assert left(target, program(Step("train", 1), dy=None, batches=3), "running_mean") == [other]
    assert mean != other
