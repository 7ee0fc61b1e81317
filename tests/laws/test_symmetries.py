"""Each law of symmetries, run alone, kills its bugs and holds for sound layers; what has the same bound has it truly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from laws.verdicts import CORPUS, verdicts
from mutants.layers import Layer, LayerAdapter, Made, Rows, sound, total

from bncheck import Dialect
from bncheck.adapter import Pullback
from bncheck.case import Case, Native
from bncheck.implementation import Implementation
from bncheck.properties.arrangements import ARRANGEMENTS, shuffled, with_channels, with_columns
from bncheck.properties.relation import arranged, offered
from bncheck.properties.symmetries import SYMMETRIES, negated
from bncheck.reference.bounds import Bound
from bncheck.regions import TRAINING
from bncheck.trial import Trial
from bncheck.verdict import Status

LAWS = {law.id: law for law in (*SYMMETRIES, *ARRANGEMENTS)}
DTYPES = ("float64", "float32", "float16", "bfloat16")


def _first_half(x: Rows) -> Rows:
    """The mean of a ghost batch: of the first half of the values."""
    half = x[:, : (x.shape[1] + 1) // 2]
    return np.asarray(total(half) / x.dtype.type(half.shape[1]))


def _without_last_value(x: Rows) -> Rows:
    """The tail of the last block is left out."""
    return np.asarray(total(x[:, :-1]) / x.dtype.type(x.shape[1] - 1))


class FusedRectifier(LayerAdapter):
    """Cuts negative values off: an activation that was fused and stayed in."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, pull = super().vjp(handle, x, training)
        return np.maximum(y, y.dtype.type(0)), pull


def _layer(**parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts))  # type: ignore[arg-type]  # parts by their names


KILLED: dict[str, list[LayerAdapter]] = {
    "symmetry.shift": [
        # the second moment for the variance
        _layer(variance=lambda x, mean: total(x * x) / x.dtype.type(x.shape[1])),
        # a fixed mean, as of images between 0 and 1
        _layer(mean=lambda x: np.full((len(x), 1), 0.5, x.dtype)),
        # values that are clipped at an absolute size
        _layer(affine=lambda x, mean, r, g, b: g * (np.clip(x, -8, 8) - mean) * r + b),
    ],
    "symmetry.scale": [
        _layer(inverse=lambda variance, eps: 1 / np.sqrt(variance + variance.dtype.type(1e-5))),
        _layer(inverse=lambda variance, eps: 1 / (np.sqrt(variance) + eps)),
        # the inverse deviation left out of the gradient
        _layer(train_dx=lambda dy, xc, r, g: g * (dy - total(dy) / dy.shape[1])),
    ],
    "symmetry.sign": [
        FusedRectifier(sound()),
        _layer(blend=lambda old, new, w: np.abs((1 - w) * old + w * new)),
    ],
    "symmetry.batch_order": [_layer(mean=_first_half), _layer(mean=_without_last_value)],
    "symmetry.channel_order": [
        _layer(inverse=lambda variance, eps: np.full_like(variance, 1 / np.sqrt(variance[0] + eps))),
        # the last channel of an odd number is beyond the tile
        _layer(dbeta=lambda dy: total(dy) * (np.arange(len(dy)) < max(len(dy) // 2 * 2, 1))[:, np.newaxis]),
    ],
    "symmetry.duplication": [
        _layer(variance=lambda x, mean: total((x - mean) ** 2) / x.dtype.type(x.shape[1] - 1)),
        _layer(mean=_without_last_value),
        _layer(dgamma=lambda dy, xc, r: total(dy * xc) * r / dy.shape[1]),
    ],
    "symmetry.independence": [
        _layer(mean=lambda x: np.full((len(x), 1), x.mean(), x.dtype)),
        _layer(dbeta=lambda dy: np.full((len(dy), 1), dy.sum(), dy.dtype)),
    ],
}


def test_every_law_holds_for_a_biased_running_variance() -> None:
    biased = LayerAdapter(
        replace(Layer(), tracked=lambda variance, m: variance), Dialect(running_variance="biased")
    )
    assert verdicts(biased, *LAWS.values()) == dict.fromkeys(LAWS, Status.HELD)


def _cases(dtype: str) -> list[Case]:
    return CORPUS.examples(CORPUS.drawing(TRAINING, dtype, dtypes=4, ladder=False))


def _same(bound: Bound, other: Bound) -> bool:
    """Up to the order in which float64 sums them."""
    return np.array_equal(bound.judged, other.judged) and np.allclose(
        np.where(bound.judged, bound.largest, 0),
        np.where(other.judged, other.largest, 0),
        rtol=2**-30,
        atol=0,
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_bounds_are_those_of_the_negated_and_the_rearranged_problem(dtype: str) -> None:
    trial = Trial(Implementation("layer", LayerAdapter(sound())))
    with np.errstate(all="ignore"):
        for case in _cases(dtype):
            order, turned = shuffled(case.count), np.roll(np.arange(case.channels), 1)
            bounds = trial.bounds(case)
            negative, moved = trial.bounds(negated(case)), trial.bounds(with_channels(case, turned))
            mixed = trial.bounds(with_columns(case, order, case.x.shape))
            for name in offered(case, trial):
                columns = order if name in {"y", "dx"} else slice(None)
                assert _same(negative[name], bounds[name])
                assert _same(moved[name], arranged(bounds[name], turned))
                assert _same(mixed[name], arranged(bounds[name], slice(None), columns))
