"""What others have reported as bugs of batch normalization and what is none: nothing of it may be flagged.

One report is left out, pytorch/pytorch#101604, which compared y with y + 10: there is no layer in it.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bncheck
from bncheck import Adapter, Capabilities
from bncheck.adapter import Config
from bncheck.case import Case
from bncheck.casting import cast
from bncheck.comparison import Comparison
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.trial import Trial

Array = NDArray[Any]
SAMPLES = Path(__file__).parent / "samples" / "layers.py"
LAYER = f"{SAMPLES}:Layer"


def small_case(**changes: Any) -> Case:
    """Four rows of three channels in float64."""
    x = np.arange(12.0).reshape(4, 3) ** 2 / 8
    mean, var, gamma = np.array([0.5, 1.0, 2.0]), np.array([4.0, 1.0, 0.25]), np.array([1.0, -2.0, 0.5])
    case = Case(x, x[::-1].copy(), gamma, mean, mean, var, eps=0.125, momentum=0.5, mode="train")
    return case.changed(**changes)


def failing(target: object, **options: Any) -> dict[str, str]:
    named = isinstance(target, str)
    (report,) = bncheck.check(target, profile="smoke", isolate=False if named else None, **options).targets
    assert report.error is None
    statuses = {law.law.id: str(law.status) for law in report.laws}
    assert sum(status == "held" for status in statuses.values()) > 3
    return {name: status for name, status in statuses.items() if status not in ("held", "not_applicable")}


def failures(target: str, case: Case, *quantities: str) -> list[str]:
    """What lies outside its bound; something must have been judged."""
    found: list[Comparison] = list(Trial(load(target, isolate=False)).agreement(case, *quantities))
    assert sum(each.elements.judged for each in found) > 0
    return [each.message() for each in found if each.fails]


@pytest.mark.parametrize(
    "layer", ["Layer", "WeightOfTheOld", "PopulationVariance", "TermThatIsZero", "OverflowsAside"]
)
def test_a_layer_that_was_blamed_wrongly_holds_every_law(layer: str) -> None:
    assert failing(f"{SAMPLES}:{layer}", dtypes=["float32"]) == {}


@pytest.mark.parametrize(
    ("layer", "convention"),
    [("WeightOfTheOld", {"momentum": "new"}), ("PopulationVariance", {"running_variance": "unbiased"})],
)
def test_it_is_the_declaration_that_says_so(layer: str, convention: dict[str, str]) -> None:
    found = failing(
        f"{SAMPLES}:{layer}", dtypes=["float32"], include="^statistics[.]v|^forward", dialect=convention
    )
    assert found == {"statistics.variance": "violated"}


def test_gradients_are_held_in_rank_2_and_4() -> None:
    """PABannier/nanograd#2: it was the gradient check that reduced over the wrong axes."""
    for rank in (2, 4):
        assert failing(LAYER, ranks=[rank], include="^gradient|^forward.output") == {}


class LastAxis(Adapter):
    """apache/mxnet#14559: the channels stand last; it was the reporter's own test that was wrong."""

    name = "last_axis"
    capabilities = Capabilities(dtypes=("float32",), affine=False, gradient=False, eval_gradient=False)

    def make(self, config: Config) -> SimpleNamespace:
        return SimpleNamespace(
            eps=np.float32(config.eps),
            w=np.float32(config.momentum or 0),
            running_mean=None,
            running_var=None,
        )

    def forward(self, handle: Any, x: Array, training: bool) -> Array:  # noqa: FBT001 - as an adapter has it
        last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        axes, m = tuple(range(x.ndim - 1)), last.size // last.shape[-1]
        mean, var = handle.running_mean, handle.running_var
        if training:
            mean, var = last.mean(axes), last.var(axes)
            handle.running_mean = (1 - handle.w) * handle.running_mean + handle.w * mean
            handle.running_var = (1 - handle.w) * handle.running_var + handle.w * var * np.float32(
                m / (m - 1)
            )
        return np.moveaxis((last - mean) / np.sqrt(var + handle.eps), -1, 1)


def test_channels_may_stand_last() -> None:
    assert failing(LastAxis(), include="^forward|^statistics|^evaluation") == {}


@pytest.mark.parametrize("target", ["reference.numpy", LAYER])
def test_a_negative_running_variance_may_give_nan(target: str) -> None:
    """pytorch/pytorch#106605: the running variance was drawn from a normal distribution."""
    case = small_case(mode="eval", dy=None, running_var=np.array([-1.0, 1.0, 4.0]))
    implementation = load(target, isolate=False)
    with np.errstate(invalid="ignore"):
        y = implementation.evaluate(case).y
        found = list(Trial(implementation).agreement(case, "y"))
    assert np.isnan(y[:, 0]).all()
    assert np.isfinite(y[:, 1:]).all()
    assert not any(each.fails for each in found)
    assert sum(each.elements.judged for each in found) == y[:, 1:].size


def test_gradients_of_two_values_are_differences_of_nearly_equal_numbers() -> None:
    """pytorch/pytorch#34546: of a batch of two, dx loses most of its digits, on every device in another way."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(34546)
    wide = small_case(x=rng.standard_normal((2, 3)), dy=rng.standard_normal((2, 3)), eps=1e-5)
    case, _ = cast(wide, "float32")
    wide, _ = cast(case, "float64")
    targets = ("reference.numpy", "reference.torch", "torch.nn:BatchNorm1d")
    exact = load("reference.numpy").evaluate(wide).dx
    assert exact is not None
    relative = []
    for target in targets:
        found = load(target).evaluate(case).dx
        assert found is not None
        relative.append(float(np.max(np.abs(found - exact) / np.abs(exact))))
    assert max(relative) > 1e-4
    for target in targets:
        assert failures(target, case, "dx") == []


def test_what_is_zero_by_construction_is_judged_by_what_it_is_made_of() -> None:
    """pytorch/pytorch#141317: the means of y, 1e-9 where 0 is exact, were held to a relative tolerance."""
    (report,) = bncheck.check(
        "reference.numpy", profile="smoke", dtypes=["float32"], include="^forward.moments$"
    ).targets
    (law,) = report.laws
    assert str(law.status) == "held"
    x = np.random.default_rng(141317).standard_normal((33, 3)).astype(np.float32)
    case = Case(x, None, None, None, None, None, eps=1e-5, momentum=0.1, mode="train")
    means = load("reference.numpy").evaluate(case).y.astype(np.float64).mean(axis=0)
    assert np.all(means != 0)
    assert np.all(np.abs(means) < 1e-6)


def test_training_and_evaluation_differ_by_definition() -> None:
    """openvinotoolkit/openvino#1275 and microsoft/onnxruntime#26584: no law holds the one against the other."""
    train, evaluation = small_case(dy=None), small_case(dy=None, mode="eval")
    outputs = [load(LAYER, isolate=False).evaluate(case).y for case in (train, evaluation)]
    assert not np.allclose(outputs[0], outputs[1])
    for case in (train, evaluation):
        assert failures(LAYER, case, "y") == []


def test_a_sum_over_two_hundred_thousand_values_may_be_off_by_its_rounding() -> None:
    """pytorch/pytorch#170762: 5.7e-5 on a sum of 200704 terms, between two orders of addition."""
    pytest.importorskip("torch")
    rng = np.random.default_rng(170762)
    x, dy = (rng.standard_normal((4, 3, 224, 224)).astype(np.float32) for _ in range(2))
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    case = Case(x, dy, ones, zeros, zeros, ones, eps=1e-5, momentum=0.1, mode="train")
    for target in ("torch.nn:BatchNorm2d", "reference.numpy"):
        assert failures(target, case, "dx", "dgamma", "dbeta") == []
    sound: Implementation = load("reference.numpy")
    one, other = sound.evaluate(case).dbeta, dy[:, :, ::-1].sum((0, 2, 3))
    assert one is not None
    assert not np.array_equal(one, other)
