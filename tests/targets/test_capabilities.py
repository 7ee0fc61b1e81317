"""What a target offers is found from its signature, its attributes and a probe, and what is absent has its reason."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bncheck.case import Case
from bncheck.loading import load

Maker = Callable[..., Case]


def test_autograd_that_fails_is_no_gradient_and_the_exception_is_the_reason(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_columns.py:with_numpy_root").capabilities

    assert not offered.gradient
    assert offered.why_not("gradient") is not None
    assert offered.reasons["gradient"].startswith(
        "RuntimeError: Can't call numpy() on Tensor that requires grad"
    )


def test_ranks_that_raise_are_not_offered_and_the_exception_is_the_reason(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_columns.py:with_parameters").capabilities

    assert offered.ranks == (2,)
    assert "rank 4: ValueError: too many values to unpack" in offered.reasons["ranks"]


def test_a_function_without_statistics_only_trains(samples: Path) -> None:
    offered = load(f"{samples}/numpy_layers.py:forward").capabilities

    assert (offered.train, offered.eval, offered.statistics) == (True, False, False)
    assert offered.why_not("eval") == "it takes no running statistics"


def test_a_function_with_statistics_but_no_momentum_only_evaluates(samples: Path) -> None:
    offered = load(f"{samples}/numpy_layers.py:evaluate").capabilities

    assert (offered.train, offered.eval, offered.set_statistics) == (False, True, True)


def test_a_function_with_statistics_and_momentum_but_no_flag_only_trains(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_functions.py:returning").capabilities

    assert (offered.train, offered.eval, offered.momentum) == (True, False, True)


def test_an_eps_that_nothing_tells_is_measured(samples: Path) -> None:
    pytest.importorskip("torch")

    assert load(f"{samples}/torch_functions.py:secretive").capabilities.eps == 0.003


def test_an_eps_given_as_an_option_is_fixed(samples: Path) -> None:
    assert load(f"{samples}/numpy_layers.py:forward?eps=0.5").capabilities.eps == 0.5


def test_a_textbook_module_tells_nothing_and_is_measured(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_modules.py:Textbook").capabilities

    assert (offered.ranks, offered.eps, offered.fixed_momentum, offered.momentum) == (
        (2, 4),
        1e-5,
        0.1,
        False,
    )
    assert offered.reasons["eval_gradient"] == "it leaves evaluation mode as soon as gradients are asked for"


def test_an_instance_fixes_channels_eps_momentum_and_dtype(samples: Path) -> None:
    pytest.importorskip("torch")

    offered = load(f"{samples}/torch_modules.py:instance").capabilities

    assert (offered.channels, offered.eps, offered.fixed_momentum, offered.dtypes) == (
        3,
        0.25,
        0.5,
        ("float32",),
    )


def test_an_instance_that_weighs_the_old_statistics_fixes_the_weight_of_the_new(samples: Path) -> None:
    offered = load(f"{samples}/numpy_layers.py:instance", dialect={"momentum": "old"}).capabilities

    assert (offered.channels, offered.eps, offered.fixed_momentum) == (3, 0.25, 0.25)


@pytest.mark.parametrize(
    ("option", "absent"),
    [("affine=false", {"affine"}), ("track_running_stats=false", {"statistics", "set_statistics", "eval", "eval_gradient", "cumulative"})],
)  # fmt: skip
def test_what_an_option_switches_off_is_absent(option: str, absent: set[str]) -> None:
    pytest.importorskip("torch")
    names = (
        "train",
        "eval",
        "gradient",
        "eval_gradient",
        "statistics",
        "set_statistics",
        "affine",
        "cumulative",
    )

    offered = load(f"torch.nn:BatchNorm2d?{option}").capabilities

    assert {name for name in names if not getattr(offered, name)} == absent


def test_torchs_own_kernels_have_their_dialect_and_other_modules_the_default(samples: Path) -> None:
    pytest.importorskip("torch")
    targets = (
        "torch.nn:BatchNorm2d",
        "torch.nn.functional:batch_norm",
        f"{samples}/torch_modules.py:Renamed",
    )

    dialects = {load(target).dialect for target in targets}
    other = load(f"{samples}/torch_modules.py:Textbook").dialect

    assert {(each.backward, each.statistics) for each in dialects} == {("centred", "parameter")}
    assert (other.backward, other.statistics) == ("any", "float32")


def test_an_object_declares_its_framework_dtypes_and_dialect() -> None:
    def norm(x: Any, eps: float) -> object:
        return (x - x.mean(0)) / (x.var(0) + eps) ** 0.5

    norm.__bncheck__ = {  # type: ignore[attr-defined]  # what users set on a function
        "framework": "numpy", "dtypes": ["float64"], "dialect": {"running_variance": "biased"},
    }  # fmt: skip

    implementation = load(norm)

    assert implementation.capabilities.dtypes == ("float64",)
    assert implementation.dialect.running_variance == "biased"
    assert implementation.name.endswith("norm")


def test_the_users_instance_is_never_touched(make_case: Maker) -> None:
    torch = pytest.importorskip("torch")
    instance = torch.nn.BatchNorm1d(3, eps=7.0, momentum=0.5)
    before = copy.deepcopy(instance.state_dict())

    load(instance).evaluate(make_case())

    assert instance.training
    assert all(torch.equal(before[name], value) for name, value in instance.state_dict().items())


def test_an_instance_is_exact_from_the_state_of_the_case(
    make_case: Maker, differences: Callable[..., list[str]]
) -> None:
    torch = pytest.importorskip("torch")
    implementation = load(torch.nn.BatchNorm1d(3, eps=7.0, momentum=0.5))
    case = make_case()

    outcomes = [implementation.evaluate(case) for _ in range(2)]

    assert [differences(outcome, case) for outcome in outcomes] == [[], []]


def test_float64_in_jax_leaves_the_global_setting_alone(make_case: Maker) -> None:
    jax = pytest.importorskip("jax")

    outcome = load("reference.jax").evaluate(make_case(dtype="float64"))

    assert outcome.y.dtype == np.float64
    assert not jax.config.jax_enable_x64
