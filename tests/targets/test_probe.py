"""What the probe keeps and drops: ranks that were not meant, ranks that fail, evaluation that raises, written inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import bncheck
from bncheck.case import Case
from bncheck.errors import ImplementationCrashed, LoadError, UsageError
from bncheck.loading import load

Maker = Callable[..., Case]


def test_a_rank_whose_y_has_another_shape_is_dropped_where_another_rank_is_right(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_ranks.py:ForImages").capabilities

    assert offered.ranks == (4,)
    assert "rank 2: y has the shape (1, 3, 4, 3), x (4, 3)" in offered.reasons["ranks"]


def test_the_one_rank_that_raises_between_others_stays_and_crashes(samples: Path, make_case: Maker) -> None:
    pytest.importorskip("torch")

    implementation = load(f"{samples}/torch_ranks.py:FailingOnImages", isolate=False)

    assert implementation.capabilities.ranks == (2, 3, 4, 5)
    with pytest.raises(ImplementationCrashed):
        implementation.evaluate(make_case(x=np.ones((2, 3, 4, 5), np.float32), dy=None))


def test_ranks_that_raise_at_the_upper_end_are_dropped(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_ranks.py:FailingFromImages").capabilities

    assert offered.ranks == (2, 3)
    assert {"rank 4", "rank 5"} == {each.split(":")[0] for each in offered.reasons["ranks"].split("; ")}


@pytest.mark.parametrize(("target", "ranks"), [("ForImages", (4,)), ("DeclaredForImages", ())])
@pytest.mark.parametrize("isolate", [True, False])
def test_ranks_asked_for_or_declared_are_the_ones_that_are_probed(
    samples: Path, target: str, ranks: tuple[int, ...], *, isolate: bool
) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_ranks.py:{target}", ranks=ranks, isolate=isolate).capabilities

    assert (offered.ranks, offered.gradient, offered.eval_gradient) == ((4,), True, True)
    assert "ranks" not in offered.reasons


def test_a_rank_that_the_kind_of_module_excludes_cannot_be_asked_for() -> None:
    pytest.importorskip("torch")

    with pytest.raises(LoadError, match="takes x of rank 2, 3; rank 4 was asked for"):
        load("torch.nn:BatchNorm1d", ranks=(4,))


def test_evaluation_that_raises_stays_claimed(samples: Path) -> None:
    assert load(f"{samples}/numpy_layers.py:failing_in_evaluation").capabilities.eval


@pytest.mark.parametrize(("target", "offered"), [("RefusingZeroEps", False), ("DividingByEps", True)])
def test_eps_zero_that_is_refused_is_not_offered_and_that_fails_is(
    samples: Path, target: str, *, offered: bool
) -> None:
    pytest.importorskip("torch")

    capabilities = load(f"{samples}/torch_ranks.py:{target}", isolate=False).capabilities

    assert capabilities.zero_eps is offered
    assert ("ValueError: eps must be positive" in str(capabilities.why_not("zero_eps"))) is not offered


@pytest.mark.parametrize("target", ["Overwriting", "overwriting"])
def test_what_torch_code_writes_into_x_is_seen_beside_the_gradients(
    samples: Path, make_case: Maker, target: str
) -> None:
    pytest.importorskip("torch")

    outcome = load(f"{samples}/torch_ranks.py:{target}").evaluate(make_case())

    assert outcome.dx is not None
    assert outcome.side_effects == ("x",)


@pytest.mark.parametrize("instance", [True, False])
def test_a_momentum_fixed_at_none_is_the_cumulative_average(*, instance: bool) -> None:
    torch = pytest.importorskip("torch")
    target = torch.nn.BatchNorm1d(3, momentum=None) if instance else "torch.nn:BatchNorm1d?momentum=None"

    offered = load(target).capabilities

    assert (offered.cumulative, offered.momentum, offered.fixed_momentum) == (True, False, None)


def test_a_factory_without_an_annotation_is_known_by_what_it_makes(samples: Path) -> None:
    pytest.importorskip("torch")

    implementation = load(f"{samples}/torch_ranks.py:factory_without_annotation", isolate=False)

    assert implementation.adapter.name == "torch_module"


def test_statistics_in_plain_tensors_take_the_dtype_of_the_case(samples: Path, make_case: Maker) -> None:
    pytest.importorskip("torch")
    case = make_case("eval", dtype="float64", running_mean=np.array([1 / 3, 0.0, 0.0]))

    outcome = load(f"{samples}/torch_modules.py:Textbook").evaluate(case)

    assert outcome.running_mean is not None
    assert outcome.running_mean.tolist() == [1 / 3, 0.0, 0.0]


@pytest.mark.parametrize("isolate", [True, False])
def test_a_dtype_asked_for_is_offered_beside_the_usual_ones(samples: Path, *, isolate: bool) -> None:
    target = f"{samples}/numpy_layers.py:forward"

    offered = load(target, dtypes=("float16",), isolate=isolate).capabilities

    assert offered.dtypes == ("float32", "float64", "float16")


def test_a_dtype_asked_for_adds_nothing_to_a_declared_list() -> None:
    def norm(x, eps):  # type: ignore[no-untyped-def]  # as users write
        return (x - x.mean(0)) / (x.var(0) + eps) ** 0.5

    norm.__bncheck__ = {"dtypes": ["float64"]}  # type: ignore[attr-defined]  # what users set on a function

    assert load(norm, dtypes=("float16",)).capabilities.dtypes == ("float64",)


def test_what_is_no_dtype_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="'float8' is no dtype; valid are"):
        load("reference.numpy", dtypes=("float8",))


def test_a_layer_that_builds_itself_is_always_given_gamma_and_beta(samples: Path) -> None:
    report = bncheck.check(f"{samples}/numpy_layers.py:BuildsItself", profile="smoke", ranks=[2])
    assert report.exit_code == 0
    assert report.summary["held"] >= 10
