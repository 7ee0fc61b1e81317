"""Which causes are named: the family of every planted bug, pairs, and none where none is true."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from causes.failures import family, named

from bncheck.adapter import Adapter
from bncheck.causes.attribution import Attribution
from bncheck.causes.catalogue import CAUSES
from bncheck.causes.cause import together
from bncheck.causes.explanation import Explanation
from bncheck.errors import LoadError
from bncheck.implementation import Implementation
from bncheck.planted.bug import Bug
from bncheck.planted.catalogue import BUGS
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.planted.numpy_layer import Layer, bessel

# One of each family and of each framework.
SOME = (
    "momentum.swapped",
    "running_var.biased",
    "eps.missing",
    "numerics.one_pass",
    "gradient_dx.without_the_mean_term",
    "mode.updates_in_evaluation",
    "state.load_forgets_the_counter",
    "layout.x_read_as_if_contiguous",
    "axes.first_sample",
    "dtype.float64_in_float32",
    "mean.last_value_twice",
    "affine.gamma_absolute",
    "special_values.nan_is_zero",
    "validation.channels_cut",
    "crash.without_gamma",
    "determinism.varying_bits",
    "aliasing.clears_dy",
    "gradient_dgamma.mean_for_sum",
    "gradient_dbeta.mean_for_sum",
    "running_mean.never_updated",
    "variance.unbiased",
    "state.statistics_of_the_class",
    "eps.outside_the_root_in_torch",
    "second_order.constant_deviation",
    "dtype.statistics_in_the_default_dtype",
    "eps.of_the_first_call",
)


def named_in_single(adapter: Adapter) -> tuple[Explanation, ...]:
    return named(Implementation("layer", adapter), ("float32",))


def test_what_is_computed_in_one_format_is_not_told_to_be_computed_in_a_narrower_one() -> None:
    single = np.dtype(np.float32)
    layer = Layer(
        arithmetic=lambda _x: single,
        variance=lambda rows, mean: np.maximum(np.mean(rows * rows, axis=1, keepdims=True) - mean * mean, 0),
    )
    found = named(Implementation("layer", NumpyLayerAdapter(layer)), ("float64",))
    assert not [each.id for each in found if "float16" in each.id]


def named_for(bug: Bug) -> tuple[Explanation, ...]:
    try:
        adapter = bug.make()
    except (ModuleNotFoundError, LoadError) as error:
        pytest.skip(str(error))
    return named(Implementation(bug.id, adapter), bug.dtypes)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.id in SOME], ids=lambda bug: bug.id)
def test_the_first_cause_is_of_the_family_of_the_planted_bug(bug: Bug) -> None:
    found = named_for(bug)

    assert found
    assert family(found[0]) == bug.id.partition(".")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "bug",
    [bug for bug in BUGS if bug.id not in SOME],
    ids=lambda bug: bug.id,
)
def test_so_is_that_of_every_other(bug: Bug) -> None:
    found = named_for(bug)

    assert found
    assert family(found[0]) == bug.id.partition(".")[0]


def test_a_cause_reproduces_every_deviation_of_its_own_bug() -> None:
    first = named_in_single(NumpyLayerAdapter(replace(Layer(), tracked=lambda s: s.variance)))[0]

    assert first.id == "running_var.biased"
    assert first.explains == first.of > 10


@pytest.mark.parametrize(
    "layer",
    [
        replace(
            Layer(), inverse=lambda variance, eps: (1 + 0.01 * np.sin(variance)) / np.sqrt(variance + eps)
        ),
        replace(Layer(), tracked=lambda s: bessel(s.variance, s.rows.shape[1]) ** 1.01),
        replace(Layer(), affine=lambda s: s.gamma * np.tanh(s.xhat) + s.beta),
        replace(Layer(), dx=lambda dy, s: Layer().dx(dy, s) * (1 + 0.001 * np.cos(s.xhat))),
        replace(Layer(), output=lambda y, x, _made: (y * 1.0003).astype(x.dtype)),
    ],
    ids=["variance", "tracked", "output", "dx", "factor"],
)
def test_no_cause_is_named_where_none_is_true(layer: Layer) -> None:
    assert named_in_single(NumpyLayerAdapter(layer)) == ()


def test_no_fixed_probe_is_evaluated_before_a_finding_asks() -> None:
    class Unwilling(NumpyLayerAdapter):
        def make(self, config: object) -> None:  # type: ignore[override]  # it is never called
            raise AssertionError(config)

    assert Attribution(Implementation("unwilling", Unwilling(Layer()))).laboratory.fixed == {}


def test_two_causes_together_replace_the_parts_of_both() -> None:
    by_id = {cause.id: cause for cause in CAUSES}
    pair = together(by_id["eps.outside_the_root"], by_id["affine.gamma_absolute"])

    assert pair is not None
    assert together(by_id["eps.outside_the_root"], by_id["eps.squared"]) is None
    first = named_in_single(pair.make())[0]
    assert first.id == "eps.outside_the_root"
    assert first.companions == ("affine.gamma_absolute",)
    assert by_id["affine.gamma_absolute"].text in first.text
