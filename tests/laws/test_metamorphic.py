"""The laws of weights, populations, ranges and entry points, each alone: it kills its bugs and passes sound layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from laws.verdicts import CORPUS, verdicts
from mutants.layers import Layer, LayerAdapter, Made, sound, total

from bncheck import Dialect
from bncheck.case import Native
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.properties.entry_points import forward_pass_is_the_same_without_gradients
from bncheck.properties.populations import statistics_of_small_batches_are_unbiased
from bncheck.properties.ranges import RANGES
from bncheck.properties.weights import scale_of_the_weights_does_not_matter, weights_of
from bncheck.regions import TRAINING
from bncheck.trial import Trial
from bncheck.verdict import Status

METAMORPHIC: tuple[Law, ...] = (
    scale_of_the_weights_does_not_matter,
    statistics_of_small_batches_are_unbiased,
    *RANGES,
    forward_pass_is_the_same_without_gradients,
)
BIASED = Dialect(running_variance="biased")


class TracksWithGradients(LayerAdapter):
    """Updates its statistics only where gradients are asked for."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        kept = handle.mean, handle.var, handle.batches
        y = super().forward(handle, x, training)
        handle.mean, handle.var, handle.batches = kept
        return y


class EvaluatesWithoutGradients(LayerAdapter):
    """Takes a forward pass without gradients for evaluation."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        del training
        return super().forward(handle, x, training=False)


def _layer(**parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts))  # type: ignore[arg-type]  # parts by their names


KILLED: dict[str, list[LayerAdapter]] = {
    "weights.scale": [
        _layer(inverse=lambda variance, eps: 1 / np.sqrt(variance + variance.dtype.type(1e-3))),
        # the inverse deviation left out of the gradient
        _layer(
            train_dx=lambda dy, xc, r, g: (
                g * (dy - total(dy) / dy.shape[1] - xc * (r * r * (total(dy * xc) / dy.shape[1])))
            )
        ),
    ],
    "statistics.unbiased": [
        _layer(tracked=lambda variance, m: variance),
        _layer(tracked=lambda variance, m: variance * variance.dtype.type((m + 1) / m)),
        _layer(tracked=lambda variance, m: np.sqrt(variance)),
        LayerAdapter(Layer(), BIASED),
    ],
    "range.normalised": [
        _layer(inverse=lambda variance, eps: 1 / (variance + eps)),
        _layer(variance=lambda x, mean: total((x - mean) ** 2) / x.dtype.type(x.shape[1] + 1)),
        # a variance that is taken off in place of added
        _layer(tracked=lambda variance, m: -variance),
        _layer(affine=lambda x, mean, r, g, b: g * (x * r) + b),
    ],
    "forward.entry_points": [TracksWithGradients(sound()), EvaluatesWithoutGradients(sound())],
}


def test_statistics_are_unbiased_in_a_biased_dialect_up_to_its_factor() -> None:
    biased = LayerAdapter(replace(Layer(), tracked=lambda variance, m: variance), BIASED)
    law = statistics_of_small_batches_are_unbiased
    assert verdicts(biased, law) == {law.id: Status.HELD}


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_population_is_drawn_for_any_number_of_channels(channels: int) -> None:
    adapter = LayerAdapter(sound())
    adapter.capabilities = replace(adapter.capabilities, channels=channels)
    case = CORPUS.examples(CORPUS.drawing(TRAINING, "float32", dtypes=4, ladder=False))[0]
    vectors = {
        name: np.resize(getattr(case, name), channels)
        for name in ("gamma", "beta", "running_mean", "running_var")
    }
    fixed = case.changed(
        x=np.resize(np.arange(6, dtype=np.float32), (6, channels)), dy=None, momentum=0.5, **vectors
    )
    law = statistics_of_small_batches_are_unbiased
    found = list(law.check(fixed, Trial(Implementation("layer", adapter))))
    assert [comparison.quantity for comparison in found] == ["sum(running_mean)", "sum(running_var)"]
    assert not any(comparison.fails for comparison in found)


@pytest.mark.parametrize("channels", range(1, 18))
def test_weights_are_integers_that_no_channel_cancels_in(channels: int) -> None:
    weights = weights_of(channels)
    assert np.array_equal(weights, np.round(weights))
    assert abs(np.linalg.det(weights)) >= 1
