"""What is measured of layers whose source is known: it agrees with that source, and with nothing else wrong."""

from __future__ import annotations

import numpy as np
import pytest
from identify.planted import PLANTED as PLANTED_LAYERS
from identify.planted import card_of

from bncheck.identify.identifying import MEASURES, identified
from bncheck.identify.measurement import Card
from bncheck.loading import load

SOUND = {
    "update": "forward",
    "momentum": "new",
    "momentum_none": "cumulative",
    "running_variance": "unbiased",
    "first_batch": "blends",
    "training_output": "batch",
    "eps": "inside the root",
    "eps_evaluation": "inside the root",
    "eps_storage": "exact",
    "axes": "all but the channels",
    "untrained": "statistics 0 and 1",
    "affine_terms": "gamma xhat + beta",
    "output": "input",
    "float64": "honoured",
    "variance": "two_pass",
    "affine": "centred",
    "clipped": "yes",
    "single": "raise",
    "empty": "keep",
    "repeatable": "bitwise",
}
# What each planted layer does instead, as its source says; nothing else differs from the sound one, but where a
# measurement rests on what is wrong.
PLANTED = {
    "momentum.swapped": {"momentum": "old"},
    "momentum.squared": {"momentum": "new, squared"},
    "momentum.doubled": {"momentum": "new, doubled"},
    "momentum.ignored": {"momentum": "ignored: the weight is always 0.1"},
    "momentum.old_statistics_do_not_fade": {"momentum": "no average"},
    "momentum.none_is_a_tenth": {"momentum_none": "an ordinary 0.1"},
    "momentum.cumulative_counts_one_too_many": {"momentum_none": "cumulative, one batch too many"},
    "momentum.swapped_for_the_variance": {
        "running_variance": "unbiased, with the weights of new and old exchanged"
    },
    "running_var.biased": {"running_variance": "biased"},
    "running_var.unbiased_by_samples": {
        "running_variance": "by rank: unbiased at 2, unbiased by the number of samples at 3, "
        "unbiased by the number of samples at 4, unbiased by the number of samples at 5"
    },
    "running_var.unbiased_for_images_alone": {"running_variance": "by_rank"},
    "running_var.biased_when_long": {"running_variance": "by length: unbiased at m = 8, biased at m = 64"},
    "running_var.bessel_inverted": {"running_variance": "biased times (m - 1) / m"},
    "running_var.bessel_twice": {"running_variance": "unbiased twice"},
    "running_var.deviation": {"running_variance": "the deviation"},
    "running_var.inverse_deviation": {"running_variance": "the inverse deviation"},
    "running_var.mean_of_squares": {"running_variance": "the mean of the squares, unbiased"},
    "running_mean.first_batch_replaces": {"first_batch": "replaces"},
    "variance.unbiased": {
        "training_output": "batch, with the unbiased variance",
        "eps": "inside the root, beside the unbiased variance",
    },
    "eps.outside_the_root": {"eps": "outside the root", "eps_evaluation": "outside the root"},
    "eps.squared": {"eps": "inside the root, squared", "eps_evaluation": "inside the root, squared"},
    "eps.missing": {"eps": "missing", "eps_evaluation": "missing"},
    "eps.missing_in_evaluation": {"eps_evaluation": "missing"},
    "eps.doubled": {"eps": "inside the root, doubled"},
    "eps.hard_coded": {
        "eps": "ignored: 0.001 whatever is given",
        "eps_evaluation": "ignored: 0.001 whatever is given",
    },
    "eps.in_place_of_a_smaller_variance": {
        "eps": "a floor of the variance",
        "eps_evaluation": "a floor of the variance",
    },
    "eps.in_the_running_variance": {"running_variance": "variance plus eps, unbiased"},
    "eps.rounded_to_single": {"eps_storage": "float32"},
    "eps.rounded_to_half": {"eps_storage": "float16"},
    "numerics.one_pass": {"variance": "one_pass", "affine": "folded"},
    "numerics.one_pass_unclipped": {"variance": "one_pass", "affine": "folded", "clipped": "no"},
    "mode.running_statistics_in_training": {"training_output": "running, before the update"},
    "mode.updated_statistics_in_training": {"training_output": "running, after the update"},
    "mode.tracks_with_gradients_alone": {"update": "backward"},
    "mode.tracks_without_gradients_alone": {"update": "forward without gradients alone"},
    "state.updated_in_backward_alone": {"update": "backward"},
    "state.updated_again_in_backward": {"update": "forward and again in backward"},
    "running_mean.never_updated": {"update": "never", "momentum": "ignored: nothing moves"},
    "running_var.starts_at_zero": {"untrained": "statistics 0 and 0"},
    "special_values.one_value_has_variance_zero": {"single": "beta"},
    "special_values.one_value_passes": {"single": "identity"},
    "special_values.empty_batch_makes_nan": {"empty": "nan"},
    "crash.empty_batch": {"empty": "raise"},
    "dtype.float64_in_float32": {"float64": "demoted"},
    "dtype.output_of_the_parameters": {"output": "promoted"},
    "affine.gamma_fixed": {"affine_terms": "xhat + beta, without gamma"},
    "affine.gamma_absolute": {"affine_terms": "|gamma| xhat + beta"},
    "affine.gamma_plus_one": {"affine_terms": "(1 + gamma) xhat + beta"},
    "affine.no_beta": {"affine_terms": "gamma xhat, without beta"},
    "affine.beta_before_gamma": {"affine_terms": "gamma (xhat + beta)"},
    "axes.all_channels": {"axes": "NC, NCDHW, NCHW, NCL"},
    "numpy.old_momentum": {"momentum": "old"},
    "numpy.biased": {"running_variance": "biased"},
    "numpy.one_pass": {"variance": "one_pass", "affine": "folded"},
    "numpy.one_value": {"single": "beta", "empty": "raise"},
}
# Layers that are wrong in one respect only, and in a way that no other measurement rests on.
APART = (
    "momentum.none_is_a_tenth",
    "running_var.biased",
    "running_var.bessel_twice",
    "running_mean.first_batch_replaces",
    "eps.missing_in_evaluation",
    "eps.rounded_to_single",
    "mode.tracks_with_gradients_alone",
    "special_values.one_value_passes",
    "affine.gamma_fixed",
    "numpy.old_momentum",
)


def values(card: Card) -> dict[str, str | None]:
    return {name: card.value(name) for name in SOUND}


def test_a_sound_layer_is_told_as_such() -> None:
    assert values(card_of("numpy.two_pass")) == SOUND


@pytest.mark.parametrize("id_", PLANTED)
def test_the_card_agrees_with_the_source(id_: str) -> None:
    found = values(card_of(id_))
    assert {name: found[name] for name in PLANTED[id_]} == PLANTED[id_]


@pytest.mark.parametrize("id_", APART)
def test_what_is_right_is_not_told_wrong_beside_it(id_: str) -> None:
    assert values(card_of(id_)) == SOUND | PLANTED[id_]


@pytest.mark.parametrize("target", ["torch.nn:BatchNorm2d", "torch.nn.functional:batch_norm"])
def test_torch_is_told_as_its_documentation_does(target: str) -> None:
    pytest.importorskip("torch")
    card = identified(load(target), sweeps=False)
    absent = {"momentum_none": None} if target.endswith("batch_norm") else {}
    assert values(card) == SOUND | absent
    assert (card.value("eps_default"), card.value("momentum_default")) == ("1e-05", "0.1")


def test_the_reference_is_told_as_it_is_written() -> None:
    card = identified(load("reference.numpy"), sweeps=False)
    raising = {"empty": "raise", "untrained": "raises", "first_batch": None}
    assert values(card) == SOUND | raising


def test_every_value_comes_with_its_evidence() -> None:
    card = card_of("running_var.biased")
    evidence = {each.name: each.evidence for each in card.measurements}
    assert set(evidence) == set(MEASURES)
    assert evidence["running_variance"] == "ratio to the biased one 1 at m = 8 and rank 2"
    assert "8/7 at m = 8" in next(
        each.evidence for each in card_of("numpy.two_pass").measurements if each.name == "running_variance"
    )
    assert all(evidence.values())


def test_what_cannot_be_measured_says_why() -> None:
    found = {each.name: each for each in card_of("numpy.two_pass").measurements}
    assert found["eps_default"].value is None
    assert found["eps_default"].evidence == "not measured: its signature names none"


@pytest.mark.parametrize(
    ("id_", "contradicted"),
    [
        ("numpy.two_pass", set()),
        ("numpy.old_momentum", set()),
        ("numpy.one_pass", set()),
        ("running_var.biased", {"running_variance"}),
        ("running_var.unbiased_against_its_dialect", {"running_variance"}),
        ("numerics.one_pass", {"variance"}),
        ("special_values.one_value_passes", {"single"}),
    ],
)
def test_a_measurement_contradicts_what_it_is_not_judged_by(id_: str, contradicted: set[str]) -> None:
    assert {each.name for each in card_of(id_).measurements if each.contradicts} == contradicted


def test_an_instance_of_one_channel_and_a_tiny_eps_hides_nothing() -> None:
    torch = pytest.importorskip("torch")
    card = identified(load(torch.nn.BatchNorm2d(1, eps=1e-12, affine=False)), sweeps=False)
    names = ("running_variance", "eps", "eps_evaluation", "axes", "momentum", "training_output")
    assert {name: card.value(name) for name in names} == {name: SOUND[name] for name in names}


def test_a_function_of_rows_that_is_given_images_is_told_the_axes_that_it_takes() -> None:
    card = identified(load(over_samples), sweeps=False)
    assert card.value("axes") == "N"
    assert "N of NC, N of NCL" in str(card.of("axes"))


@pytest.mark.parametrize(
    "wrong", [lambda x: x.dtype.type(3), lambda x: np.zeros((2, 2), x.dtype), lambda x: x.astype(int)]
)
def test_an_output_that_is_none_of_x_is_told_and_no_convention_is_read_from_it(wrong: object) -> None:
    card = identified(load(wrong))
    assert "y has " in str(card.of("training_output"))
    assert not any(each.value for each in card.measurements if each.name not in {"variance", "affine"})
    assert card.value("variance") is None
    assert card.crashed


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
@pytest.mark.parametrize(("id_", "value"), [("numpy.two_pass", "unbiased"), ("running_var.biased", "biased")])
def test_every_format_tells_the_biased_variance_from_the_unbiased_one(
    dtype: str, id_: str, value: str
) -> None:
    card = identified(load(PLANTED_LAYERS[id_].make()), sweeps=False, dtypes=(dtype,))
    assert card.value("running_variance") == value


def over_samples(x: np.ndarray) -> np.ndarray:
    normalised: np.ndarray = (x - x.mean(0)) / np.sqrt(x.var(0))
    return normalised
