"""Causes that real implementations brought into the library: the layer of each is told by it first."""

from __future__ import annotations

import pytest
from causes.failures import BENCH, failure_on, named

from bncheck.case import Case
from bncheck.causes.attribution import Attribution
from bncheck.causes.catalogue import CAUSES
from bncheck.causes.cause import in_dialect, together
from bncheck.causes.explanation import Explanation
from bncheck.causes.probes import PLAIN, probe
from bncheck.dialect import Dialect
from bncheck.implementation import Implementation
from bncheck.step import Step

BY_ID = {cause.id: cause for cause in CAUSES}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("mode.moved_statistics_in_evaluation", "float32"),
        ("mode.moved_biased_statistics_in_evaluation", "float32"),
        ("momentum.old_weight_rounded_through_float32", "float64"),
        ("gradient_dx.parts_in_the_dtype_of_x", "float16"),
        ("layout.backward_reads_gamma_as_if_contiguous", "float32"),
        ("special_values.single_value_passes", "float32"),
        pytest.param("validation.channels_unchecked_without_parameters", "float32", marks=pytest.mark.slow),
    ],
)
def test_the_layer_of_a_cause_is_told_by_it_first(name: str, dtype: str) -> None:
    assert named(Implementation("layer", BY_ID[name].make()), (dtype,))[0].id == name


def of_law(implementation: Implementation, law: str, case: Case) -> tuple[Explanation, ...]:
    found, failure = failure_on(implementation, law, case)
    return Attribution(implementation, bench=BENCH).explanations(found, failure, failure)


def test_gamma_misread_beside_channels_last_alone_is_told_apart() -> None:
    name = "layout.backward_reads_gamma_as_if_contiguous_beside_channels_last"
    case = probe("float32", (4, 3), "train", 5, layouts={"gamma": "step"})

    assert of_law(Implementation("layer", BY_ID[name].make()), "layout.gradients", case)[0].id == name


def test_an_average_that_is_corrected_though_it_starts_at_one_is_told_by_it() -> None:
    name = "running_var.debiased_though_it_starts_at_one"
    dialect = Dialect(single="raise", empty="keep", first_batch="debiased")
    layer = in_dialect(BY_ID[name].layer(), dialect)

    assert named(Implementation("layer", layer), ("float32",))[0].id == name


def test_of_three_causes_those_of_the_quantity_are_told() -> None:
    first = together(BY_ID["momentum.old_weight_rounded_through_float32"], BY_ID["eps.rounded_to_single"])
    assert first is not None
    every = together(first, BY_ID["layout.statistics_updated_in_a_copy"])
    assert every is not None
    case = probe("float64", PLAIN, "train", 5, momentum=0.9)

    found = of_law(Implementation("layer", every.make()), "statistics.variance", case)[0]

    assert found.id == "momentum.old_weight_rounded_through_float32"
    assert found.companions == ("layout.statistics_updated_in_a_copy",)


def test_what_cannot_be_measured_on_a_program_is_no_cause_of_what_it_does() -> None:
    both = together(
        BY_ID["validation.channels_unchecked_without_parameters"],
        BY_ID["layout.statistics_updated_in_a_copy"],
    )
    assert both is not None
    case = probe("float32", (4, 2), "train", 5, gamma=None, beta=None, program=(Step("wrong"),))

    found = of_law(Implementation("layer", both.make()), "program.refusal", case)

    assert found[0].id == "validation.channels_unchecked_without_parameters"
