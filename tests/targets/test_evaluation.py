"""Every kind of target gives the numbers that are worked out by hand, where it can be asked for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bncheck.case import Case
from bncheck.loading import load
from bncheck.outcome import Outcome

Maker = Callable[..., Case]
Differences = Callable[..., list[str]]

STATISTICS = ("running_mean", "running_var")
PARAMETERS = ("dgamma", "dbeta")
GRADIENTS = ("dx", *PARAMETERS)
FORMATS = ("float64", "float32", "float16", "bfloat16")


def framework_of(target: str) -> None:
    """Skip where the framework of a target, told by its name, is not installed."""
    for framework in ("torch", "jax"):
        if framework in target:
            pytest.importorskip(framework)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(
    "target", ["reference.numpy", "reference.torch", "reference.jax", "torch.nn:BatchNorm1d", "torch.nn.functional:batch_norm"]
)  # fmt: skip
def test_what_knows_every_dtype_is_exact_in_each(
    target: str, mode: str, dtype: str, make_case: Maker, differences: Differences
) -> None:
    framework_of(target)
    case = make_case(mode, dtype=dtype)

    outcome = load(target).evaluate(case)

    assert differences(outcome, case) == []
    assert outcome.y.dtype == case.x.dtype


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "target", ["reference.numpy", "reference.torch", "reference.jax", "torch.nn:BatchNorm1d"]
)
def test_half_precision_goes_with_parameters_in_float32(
    target: str, dtype: str, make_case: Maker, differences: Differences
) -> None:
    framework_of(target)
    case = make_case(dtype=dtype, parameters="float32")

    outcome = load(target).evaluate(case)

    assert differences(outcome, case) == []
    assert outcome.running_mean is not None
    assert [outcome.y.dtype, outcome.running_mean.dtype] == [case.x.dtype, np.dtype(np.float32)]


@pytest.mark.parametrize(
    ("target", "rank"),
    [
        ("reference.numpy", 4),
        ("reference.torch", 5),
        ("reference.jax", 3),
        ("torch.nn:BatchNorm1d", 3),
        ("torch.nn:BatchNorm2d", 4),
        ("torch.nn:BatchNorm3d", 5),
        ("torch.nn:LazyBatchNorm2d", 4),
        ("torch.nn.functional:batch_norm", 5),
    ],
)
def test_every_rank_is_normalised_channel_by_channel(
    target: str, rank: int, make_case: Maker, differences: Differences
) -> None:
    framework_of(target)
    case = make_case(rank=rank)

    assert differences(load(target).evaluate(case), case) == []


@pytest.mark.parametrize(
    ("sample", "absent"),
    [
        ("torch_columns.py:WithEvalAlone", ()),
        ("torch_layer.py:BatchNorm1d", ()),
        ("torch_modules.py:make_layer", ()),
        ("torch_functions.py:in_place", ()),
        ("torch_functions.py:returning", ()),
        ("torch_columns.py:with_parameters", STATISTICS),
        ("numpy_layers.py:forward", (*STATISTICS, *GRADIENTS)),
        ("jax_layers.py:batch_norm", ()),
        ("jax_layers.py:Layer", STATISTICS),
    ],
)
def test_a_user_file_is_exact_in_training(
    sample: str,
    absent: tuple[str, ...],
    samples: Path,
    make_case: Maker,
    differences: Differences,
) -> None:
    framework_of(sample)
    case = make_case()

    outcome = load(f"{samples}/{sample}").evaluate(case)

    assert differences(outcome, case, absent=absent) == []


@pytest.mark.parametrize(
    ("sample", "absent"),
    [
        ("torch_columns.py:WithEvalAlone", ()),
        ("torch_layer.py:BatchNorm1d", ()),
        ("torch_modules.py:make_layer", ()),
        ("torch_functions.py:in_place", ()),
        ("numpy_layers.py:evaluate", (*STATISTICS, *GRADIENTS)),
        ("numpy_layers.py:Layer", GRADIENTS),
        ("jax_layers.py:batch_norm", ()),
    ],
)
def test_a_user_file_is_exact_in_evaluation(
    sample: str,
    absent: tuple[str, ...],
    samples: Path,
    make_case: Maker,
    differences: Differences,
) -> None:
    framework_of(sample)
    case = make_case("eval")

    outcome = load(f"{samples}/{sample}").evaluate(case)

    assert differences(outcome, case, absent=absent) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_class_that_weighs_the_old_statistics_is_given_one_minus_momentum(
    dtype: str, samples: Path, make_case: Maker, differences: Differences
) -> None:
    case = make_case(dtype=dtype, momentum=0.25)
    new = {"running_mean": np.array([1.0, -2.0, 0.0]), "running_var": np.full(3, 18.0)}
    old = {"running_mean": case.running_mean, "running_var": case.running_var}
    blended = {
        name: 0.75 * value.astype(np.float64) + 0.25 * new[name]
        for name, value in old.items()
        if value is not None
    }

    implementation = load(f"{samples}/numpy_layers.py:Layer", dialect={"momentum": "old"})

    assert differences(implementation.evaluate(case), case, changed=blended) == []


def test_gradients_by_name_and_parameters_in_a_dictionary_are_understood(
    samples: Path, make_case: Maker, differences: Differences
) -> None:
    implementation = load(f"{samples}/numpy_layers.py:WithDictionary?eps=7.0")
    case = make_case()

    outcome = implementation.evaluate(case)

    assert differences(outcome, case, absent=STATISTICS) == []


def test_a_strangers_adapter_of_two_methods_is_exact(
    samples: Path, make_case: Maker, differences: Differences
) -> None:
    case = make_case("eval", rank=4)

    outcome = load(f"{samples}/adapter.py:Mine").evaluate(case)

    assert differences(outcome, case, absent=GRADIENTS) == []


@pytest.mark.parametrize(
    "target", ["reference.numpy", "torch.nn:BatchNorm1d", "torch.nn.functional:batch_norm"]
)
def test_gamma_and_beta_can_be_left_out(target: str, make_case: Maker, differences: Differences) -> None:
    framework_of(target)
    case = make_case(affine=False)

    assert differences(load(target).evaluate(case), case, absent=PARAMETERS) == []


@pytest.mark.parametrize(
    "target", ["reference.numpy", "reference.torch", "reference.jax", "torch.nn:BatchNorm1d"]
)
def test_the_cumulative_average_counts_the_batches_seen(target: str, make_case: Maker) -> None:
    framework_of(target)
    case = make_case(momentum=None, batches=3)

    outcome = load(target).evaluate(case)

    assert outcome.running_mean is not None
    assert outcome.running_mean.tolist() == [2 - 1 / 4, -1 - 1 / 4, 3]
    assert outcome.batches == 4


def test_each_of_several_steps_updates_the_statistics(make_case: Maker) -> None:
    pytest.importorskip("torch")
    case = make_case(steps=2)

    outcome: Outcome = load("torch.nn:BatchNorm1d").evaluate(case)

    assert outcome.running_mean is not None
    assert outcome.running_mean.tolist() == [1.25, -1.75, 1.0]


@pytest.mark.parametrize("target", ["reference.numpy", "torch.nn:BatchNorm1d", "reference.jax"])
def test_the_arrays_of_a_case_are_left_as_they_were(target: str, make_case: Maker) -> None:
    framework_of(target)
    case, before = make_case(), make_case()

    load(target).evaluate(case)

    for name in ("x", "dy", "gamma", "beta", "running_mean", "running_var"):
        np.testing.assert_array_equal(getattr(case, name), getattr(before, name))
