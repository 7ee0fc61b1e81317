"""Tangents and second derivatives that autograd makes of a composed layer keep their bounds, whatever its form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING

import pytest
from laws.verdicts import tallies

from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.properties.second_order import SECOND_ORDER
from bncheck.verdict import Status

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from bncheck.planted import torch_layer as layers
else:
    torch = pytest.importorskip("torch")
    layers = pytest.importorskip("bncheck.planted.torch_layer")

# Fewer than for other tests of laws: every form has its turn on them.
CORPUS = Corpus(4711, replace(SMOKE, examples=16, per_dtype=8))


def rows(values: Tensor) -> Tensor:
    """(N, C, ...) as (C, m)."""
    return values.movedim(1, 0).reshape(values.shape[1], -1)


SUMS: dict[str, Callable[[Tensor], Tensor]] = {
    "torch's": lambda values: values.sum(layers.along(values)),
    "in order": lambda values: rows(values).cumsum(1)[:, -1],
    "backwards": lambda values: rows(values).flip(1).cumsum(1)[:, -1],
    "a product": lambda values: rows(values) @ torch.ones(rows(values).shape[1], dtype=values.dtype),
}
VARIANCES = ("squares", "products", "one-pass")
# Of x, mean, variance + eps, gamma and beta, all but x beside x.
FORMS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    "centred": lambda x, mean, w, g, b: g * ((x - mean) * torch.rsqrt(w)) + b,
    "reciprocal": lambda x, mean, w, g, b: g * ((x - mean) * (1 / torch.sqrt(w))) + b,
    "power": lambda x, mean, w, g, b: (g * (x - mean)) * w**-0.5 + b,
    "divided": lambda x, mean, w, g, b: g * ((x - mean) / torch.sqrt(w)) + b,
    "divided last": lambda x, mean, w, g, b: (g * (x - mean)) / torch.sqrt(w) + b,
    "folded": lambda x, mean, w, g, b: x * (g * torch.rsqrt(w)) + (b - mean * (g * torch.rsqrt(w))),
    "folded, divided": lambda x, mean, w, g, b: x * (g / torch.sqrt(w)) + (b - mean * (g / torch.sqrt(w))),
    "normalised": lambda x, mean, w, g, b: g * (x / torch.sqrt(w) - mean / torch.sqrt(w)) + b,
}
# Every seventh of 96: a stride without a common factor meets every part.
SAMPLE = tuple(islice(product(SUMS, VARIANCES, FORMS), 0, None, 7))


def composed(
    total: Callable[[Tensor], Tensor], variance: str, form: Callable[..., Tensor]
) -> type[torch.nn.Module]:
    """A module of these parts."""

    class Composed(layers.BatchNorm):
        def moments(self, values: Tensor) -> tuple[Tensor, Tensor]:
            m = values.numel() // values.shape[1]
            mean = total(values) / m
            if variance == "one-pass":
                return mean, (total(values * values) / m - mean * mean).clamp(min=0)
            centred = values - layers.beside(mean, values)
            return mean, total(centred**2) / m if variance == "squares" else total(centred * centred) * (
                1 / m
            )

        def normalised(self, values: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
            one = torch.ones_like(mean)
            gamma, beta = (self.weight, self.bias) if self.affine else (one, 0 * one)
            given = (mean, variance + self.eps, gamma.to(values.dtype), beta.to(values.dtype))
            return form(values, *(layers.beside(each, values) for each in given))

    return Composed


@pytest.mark.parametrize(("total", "variance", "form"), SAMPLE)
def test_autograd_through_a_composed_layer_keeps_the_bounds(total: str, variance: str, form: str) -> None:
    adapter = layers.PlantedTorchAdapter(composed(SUMS[total], variance, FORMS[form]))
    if variance == "one-pass":
        adapter.dialect = replace(adapter.dialect, variance="one_pass")

    found = tallies(adapter, *SECOND_ORDER, corpus=CORPUS)

    assert {law: {tally.status for tally in each.values()} for law, each in found.items()} == {
        law.id: {Status.HELD} for law in SECOND_ORDER
    }


def test_every_part_is_in_the_sample() -> None:
    assert {part for parts in SAMPLE for part in parts} == {*SUMS, *VARIANCES, *FORMS}
