"""Planted bugs of answers that vary, of what leaks between calls, and of what a pass does besides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.adapter import Adapter
from bncheck.case import Native
from bncheck.planted.bug import Bug, Maker
from bncheck.planted.classes import DETERMINISM, VALIDATION
from bncheck.planted.numpy_adapter import NumpyLayerAdapter, layer
from bncheck.planted.numpy_layer import Layer, Made, Rows, average, stored, total


def _varying(parts: Callable[[np.random.Generator], dict[str, Callable[..., object]]]) -> Maker:
    """The maker of a layer that varies from call to call, and from adapter to adapter in the same way."""

    def made() -> Adapter:
        varied = parts(np.random.default_rng(0))
        return NumpyLayerAdapter(replace(Layer(), **varied))  # type: ignore[arg-type]  # a part fits its field

    return made


def _dithered(chance: np.random.Generator) -> dict[str, Callable[..., object]]:
    """Noise of a few ulps, as sums in an order that varies."""

    def output(y: Native, x: Native, _made: Made) -> Native:
        noise = chance.integers(-2, 3, y.shape) * np.finfo(np.float32).eps
        return np.asarray((y * (1 + noise).astype(y.dtype)).astype(x.dtype))

    return {"output": output}


def _random_sample(chance: np.random.Generator) -> dict[str, Callable[..., object]]:
    """The mean of half of the values, drawn anew each time."""

    def mean(rows: Rows) -> Rows:
        chosen = chance.permutation(rows.shape[1])[: (rows.shape[1] + 1) // 2]
        return average(rows[:, np.sort(chosen)])

    return {"mean": mean}


def _races(chance: np.random.Generator) -> dict[str, Callable[..., object]]:
    """Now and then the write of a channel is lost."""

    def racing(made: Made, name: str, values: Native) -> None:
        old: Native = getattr(made, name)
        kept = chance.integers(0, 4, len(old)) > 0
        stored(made, name, np.where(kept, values, old.astype(values.dtype)))

    return {"stored": racing}


def _scratch_sum() -> Adapter:
    """Sums are added to a scratch that the last call of the same shape did not clear."""
    scratch: dict[tuple[Any, ...], Rows] = {}

    def mean(rows: Rows) -> Rows:
        key = rows.shape, rows.dtype.name
        left = scratch.get(key, np.zeros((len(rows), 1), rows.dtype))
        scratch[key] = total(rows) * rows.dtype.type(2**-10)
        return np.asarray((total(rows) + left) / rows.dtype.type(rows.shape[1]))

    return NumpyLayerAdapter(replace(Layer(), mean=mean))


def _reseeds(made: Made, x: Native, _training: bool) -> Native:
    np.random.seed(made.batches)  # noqa: NPY002 - the global state is what is spoilt
    return x


def _prints(_made: Made, x: Native, _training: bool) -> Native:
    print("batch of", len(x))  # noqa: T201 - what is planted
    return x


DETERMINISM_BUGS = (
    Bug(
        "determinism.varying_bits",
        "The last bits of the output differ from call to call.",
        DETERMINISM,
        "pytorch/pytorch#53691",
        _varying(_dithered),
    ),
    Bug(
        "determinism.varying_sample",
        "The mean is that of half of the values, drawn anew in each call.",
        DETERMINISM,
        "FluxML/NNlib.jl#757",
        _varying(_random_sample),
    ),
    Bug(
        "determinism.lost_updates",
        "Now and then the update of a channel is lost.",
        DETERMINISM,
        "tile-ai/TileOPs#1727",
        _varying(_races),
    ),
    Bug(
        "determinism.scratch_of_the_call_before",
        "The sum begins with a trace of the one that the call before it left.",
        DETERMINISM,
        "pytorch/pytorch#13765",
        _scratch_sum,
    ),
    Bug(
        "state.seeds_the_global_generator",
        "A training pass seeds the global random generator.",
        DETERMINISM,
        "pytorch/pytorch#53691",
        layer(began=_reseeds),
    ),
    Bug(
        "state.prints",
        "A pass prints to standard output.",
        VALIDATION,
        "pytorch/pytorch#43774",
        layer(began=_prints),
    ),
)
