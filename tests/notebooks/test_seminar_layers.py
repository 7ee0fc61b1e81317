"""Three layers for rows of features: two functions that only train, and a class with a moving average."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

import bncheck
from bncheck.case import Case
from bncheck.loading import load
from bncheck.report import LawReport, Report
from bncheck.trial import Trial
from bncheck.verdict import Status

pytestmark = pytest.mark.long

EPSILONS = tuple(10.0**-power for power in range(10))
SMALL = ((0, 0, 1, 0, 2), (0, 1, 1, 0, 10))
WEIGHT, BIAS = (0.5, -1.0, 2.0, 1.5, -0.25), (0.0, 1.0, -1.0, 3.0, 0.125)


def without_affine(input_tensor: torch.Tensor, eps: float) -> torch.Tensor:
    """Of rows alone.  Its root is NumPy's, which ends the graph that gradients would be found by."""
    _rows, _features = input_tensor.shape
    mean = input_tensor.mean(dim=0)
    variance = (input_tensor - mean).square().mean(dim=0)
    return (input_tensor - mean) / torch.from_numpy(np.sqrt((variance + eps).numpy()))


def with_affine(
    input_tensor: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: float
) -> torch.Tensor:
    """Of rows alone.  Torch throughout, so that torch finds its gradients."""
    _rows, _features = input_tensor.shape
    mean = input_tensor.mean(dim=0)
    variance = (input_tensor - mean).square().mean(dim=0)
    return (input_tensor - mean) / (variance + eps).sqrt() * weight + bias


class NormalisedByItsAverages:
    """Tracks rightly and evaluates rightly, but trains on the running statistics in place of the batch's."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, eps: float, momentum: float) -> None:
        self.weight, self.bias, self.eps, self.momentum = weight, bias, eps, momentum
        self.running_mean, self.running_var = torch.zeros(len(weight)), torch.ones(len(weight))
        self.tracking = True

    def eval(self) -> None:
        """From here on the statistics stay."""
        self.tracking = False

    def __call__(self, input_tensor: torch.Tensor) -> torch.Tensor:
        if self.tracking:
            keep, variance = 1 - self.momentum, input_tensor.var(dim=0, correction=1)
            self.running_mean = keep * self.running_mean + self.momentum * input_tensor.mean(dim=0)
            self.running_var = keep * self.running_var + self.momentum * variance
        deviation = (self.running_var + self.eps).sqrt()
        return (input_tensor - self.running_mean) / deviation * self.weight + self.bias


@cache
def report_on(target: object) -> Report:
    # What the class does wrong fails most laws; these say what it does right.
    few = "^(forward|statistics|evaluation)" if target is NormalisedByItsAverages else None
    return bncheck.check(target, dtypes=["float32"], profile="smoke", include=few)


def laws(target: object) -> dict[str, LawReport]:
    """The verdict on each law, in float32."""
    (report,) = report_on(target).targets
    assert report.error is None
    return {each.law.id: each for each in report.laws}


def statuses(target: object) -> dict[str, Status]:
    return {id_: each.status for id_, each in laws(target).items() if each.status != Status.NOT_APPLICABLE}


def batch(x: object, weight: object, bias: object) -> Case:
    """A training batch in float32 with a random dy; no running statistics."""
    values, gamma, beta = (np.array(each, np.float32) for each in (x, weight, bias))
    dy = np.random.default_rng(63).standard_normal(values.shape).astype(np.float32)
    return Case(values, dy, gamma, beta, None, None, eps=1.0, momentum=0.1, mode="train")


def normal_batch() -> Case:
    """Five rows of seven."""
    rng = np.random.default_rng(7)
    return batch(rng.standard_normal((5, 7)), rng.standard_normal(7), rng.standard_normal(7))


# In the first, three features of five are constant.
BATCHES = {"small integers": batch(SMALL, WEIGHT, BIAS), "normal": normal_batch()}


def complaints(target: object, case: Case, *quantities: str) -> list[str]:
    """What is off by more than its bound; something of each quantity must have been judged."""
    comparisons = Trial(load(target)).agreement(case, *quantities)
    assert [comparison.quantity for comparison in comparisons if comparison.decides] == list(quantities)
    return [comparison.message() for comparison in comparisons if comparison.fails]


@pytest.mark.parametrize("function", [without_affine, with_affine])
def test_a_function_that_only_trains_is_held_in_all_that_it_offers(function: object) -> None:
    found = statuses(function)
    assert "forward.output" in found
    assert found == dict.fromkeys(found, Status.HELD)


@pytest.mark.parametrize("function", [without_affine, with_affine])
def test_a_function_that_only_trains_is_not_asked_for_evaluation_or_statistics(function: object) -> None:
    assert not {"statistics", "evaluation", "evaluation_gradient"}.intersection(
        id_.partition(".")[0] for id_ in statuses(function)
    )


def test_gradients_are_judged_where_torch_finds_them_and_not_behind_a_numpy_root() -> None:
    assert {"gradient.dx", "gradient.dgamma", "gradient.dbeta"} <= set(statuses(with_affine))
    assert laws(without_affine)["gradient.dx"].status == Status.NOT_APPLICABLE


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize("eps", EPSILONS)
def test_the_function_without_affine_agrees_with_the_oracle_at_every_eps(eps: float, rows: str) -> None:
    case = BATCHES[rows].changed(eps=eps, gamma=None, beta=None)
    assert complaints(without_affine, case, "y") == []


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize("eps", EPSILONS)
def test_the_function_with_affine_agrees_with_the_oracle_at_every_eps(eps: float, rows: str) -> None:
    case = BATCHES[rows].changed(eps=eps)
    assert complaints(with_affine, case, "y", "dx", "dgamma", "dbeta") == []


def test_the_training_output_of_the_class_is_violated() -> None:
    report = laws(NormalisedByItsAverages)["forward.output"]
    assert report.status == Status.VIOLATED
    assert report.findings[0].message.startswith("y[")


@pytest.mark.parametrize("law", ["mean", "variance", "convergence"])
def test_the_statistics_of_the_class_are_held(law: str) -> None:
    assert laws(NormalisedByItsAverages)[f"statistics.{law}"].status == Status.HELD


@pytest.mark.parametrize("law", ["output", "statistics", "zero_eps"])
def test_the_evaluation_of_the_class_is_held(law: str) -> None:
    assert laws(NormalisedByItsAverages)[f"evaluation.{law}"].status == Status.HELD


def test_the_run_fails_for_the_class_alone() -> None:
    exits = [report_on(target).exit_code for target in (without_affine, with_affine, NormalisedByItsAverages)]
    assert exits == [0, 0, 1]
