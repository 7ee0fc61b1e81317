"""Probes: the small cases on which an implementation is held against every cause, each evaluated once a target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck.case import Case, Mode
from bncheck.direction import Direction
from bncheck.layout import Layout
from bncheck.recipes import ChannelRecipe, rows
from bncheck.reference.formats import dtype_of
from bncheck.regions import DIRECTIONS
from bncheck.step import Step

PLAIN = (6, 3, 2, 2)
# Of those that are compiled for other targets anyway.
COMPILED = ((2, 3, 2, 3), (8, 2))
# In which derivatives along a direction are asked.
DIRECTED, DIRECTED_COMPILED = ((4, 3, 2), (5, 3)), ((8, 2),)
SHAPES = ((5, 3), (4, 3, 3), (2, 4), (3, 2, 2, 2, 2), (3, 3, 3, 3), (2, 6, 5), (40, 2))

PROGRAM = (
    Step("eval", 1),
    Step("open"),
    Step("open", 2),
    Step("backward"),
    Step("backward"),
    Step("momentum", value=0.7),
    Step("train", 3),
    Step("forward", 1),
    Step("open", 1),
    Step("eval", 2),
    Step("backward"),
    Step("copy"),
    Step("train", 1),
    Step("empty"),
    Step("single"),
    Step("wrong"),
    Step("reload"),
    Step("train", 1),
    Step("move"),
    Step("other", 2),
    Step("train"),
    Step("train"),
    Step("eval"),
    Step("reset"),
    Step("train"),
    Step("eval"),
)
SHORT = (Step("train"), Step("train", 1), Step("eval", 2), Step("forward"), Step("eval"))


@lru_cache(maxsize=8)
def probes(dtype: str, *, few: bool) -> tuple[Case, ...]:
    """The probes for x of a dtype; `few`: of two shapes alone, for a target that compiles for each."""
    return tuple(_probes(dtype, few=few))


@lru_cache(maxsize=8)
def directed_probes(dtype: str, *, few: bool) -> tuple[Case, ...]:
    """The probes that are then given directions: of the dtypes in which laws ask for derivatives along them."""
    if dtype not in (DIRECTIONS.dtypes or ()):
        return ()
    modes: tuple[Mode, ...] = ("train", "eval")
    shapes = DIRECTED_COMPILED if few else DIRECTED
    return tuple(
        probe(dtype, shape, mode, seed) for mode in modes for seed, shape in enumerate(shapes, start=90)
    )


def with_directions(case: Case, *, few: bool) -> Iterator[Case]:
    """A case with a direction of x; with one of gamma and beta too, and, unless `few`, with one of these alone."""
    along = _batch(case.x.shape, 0.3, 1.0, 95_000).astype(case.x.dtype)
    if case.gamma is None or not few:
        yield case.changed(direction=Direction(along))
    if case.gamma is not None:
        yield case.changed(direction=Direction(along, case.beta, case.gamma))
        if not few:
            yield case.changed(direction=Direction(np.zeros_like(along), case.beta, case.gamma))


def _probes(dtype: str, *, few: bool) -> Iterator[Case]:
    shapes = COMPILED if few else (PLAIN, *SHAPES)
    plain = shapes[0]
    modes: tuple[Mode, ...] = ("train", "eval")
    for mode in modes:
        yield from (probe(dtype, shape, mode, seed) for seed, shape in enumerate(shapes))
        for seed, changes in enumerate(_changes(plain[1], affine=not few), start=20):
            yield probe(dtype, plain, mode, seed, **changes)
        yield from (_special(probe(dtype, plain, mode, 40), value) for value in (np.nan, np.inf, 1.0))
    # What cancels a thousand times over, but not all digits of float32.
    yield probe(dtype, plain, "train", 61, offset=300.0, scale=1.0)
    yield _exact(dtype, plain[1])
    yield probe(dtype, plain, "train", 50, program=SHORT)
    yield probe(dtype, plain, "train", 51, program=SHORT, momentum=None)
    if not few:
        yield from (probe(dtype, (1, 3, 4), mode, 53) for mode in modes)
        yield probe(dtype, (1, 3), "eval", 52)
        yield probe(dtype, plain, "train", 54, program=PROGRAM)
        yield from _laid_out(dtype)


def probe(
    dtype: str,
    shape: tuple[int, ...],
    mode: Mode,
    seed: int,
    *,
    offset: float = 1.0,
    scale: float = 2.0,
    **changes: Any,
) -> Case:
    """Ordinary numbers, another in every place; eps and the weight of the batch are large enough to be seen."""
    x_dtype, parameters = dtype_of(dtype), dtype_of("float64" if dtype == "float64" else "float32")

    def vector(place: int, low: float, high: float) -> NDArray[Any]:
        recipe = ChannelRecipe("uniform", (low + high) / 2, (high - low) / 2, 1000 * seed + place)
        return recipe.values(shape[1], np.dtype(np.float64)).astype(parameters)

    case = Case(
        x=_batch(shape, offset, scale, 1000 * seed + 10).astype(x_dtype),
        dy=_batch(shape, 0.2, 1.0, 1000 * seed + 500).astype(x_dtype),
        gamma=vector(0, 0.5, 2),
        beta=vector(1, -1, 1),
        running_mean=vector(2, offset - 1, offset + 1),
        running_var=vector(3, 0.5, 2),
        eps=2.0**-5,
        momentum=0.3,
        mode=mode,
    )
    if changes.get("gamma") is not None:
        changes["gamma"] = changes["gamma"].astype(parameters)
    return case.changed(**changes)


def _batch(shape: tuple[int, ...], offset: float, scale: float, seed: int) -> NDArray[np.float64]:
    """Normal numbers of a scale of its own in each channel, (N, C, ...)."""
    channels, count = shape[1], int(np.prod(shape)) // shape[1]
    recipes = tuple(
        ChannelRecipe("normal", offset * (1 + channel / 4), scale * (1 + channel / 8), seed + channel)
        for channel in range(channels)
    )
    values = rows(recipes, count, np.dtype(np.float64))
    return np.moveaxis(values.reshape(channels, shape[0], *shape[2:]), 0, 1)


def _changes(channels: int, *, affine: bool) -> Iterator[Mapping[str, Any]]:
    yield from ({"momentum": None, "batches": 4}, {"momentum": 0.0}, {"momentum": 0.1}, {"momentum": 0.9})
    yield from (
        {"eps": 1e-5},
        {"eps": 1e-3, "scale": 1e-2, "offset": 0.0},
        {"eps": 1.0},
        {"eps": 1e-8, "scale": 1e-3, "offset": 0.0},
    )
    yield from ({"offset": 20.0}, {"offset": 300.0, "scale": 400.0}, {"steps": 3})
    yield {"gamma": np.resize(np.array([-1.5, 0.0, 0.7], np.float32), channels)}
    if affine:
        yield {"gamma": None, "beta": None}


def _special(case: Case, value: float) -> Case:
    """The first channel: one number that is not finite, or the same number everywhere."""
    x = np.array(case.x)
    x[slice(None) if np.isfinite(value) else 0, 0] = value
    return case.changed(x=x)


def _exact(dtype: str, channels: int) -> Case:
    """Numbers on which every step of the computation is exact in every format, so that only another formula errs."""
    signs = np.array([[-1.0], [1.0]]) * np.ones(channels)
    case = probe(dtype, (2, channels), "train", 60)
    one = np.ones(channels).astype(case.running_var.dtype) if case.running_var is not None else None
    return case.changed(
        x=(2 + signs / 2).astype(case.x.dtype),
        dy=(np.array([[3.0], [1.0]]) * np.ones(channels)).astype(case.x.dtype),
        gamma=one if one is None else 2 * one,
        beta=one,
        running_mean=one,
        running_var=one,
        eps=0.75,
        momentum=0.5,
    )


def _laid_out(dtype: str) -> Iterator[Case]:
    layouts: tuple[Layout, ...] = ("channels_last", "offset", "step")
    for layout in layouts:
        for name in ("x", "dy"):
            yield probe(dtype, PLAIN, "train", 70, layouts={name: layout})
    for mode in ("train", "eval"):
        for names in (("gamma", "beta"), ("running_mean", "running_var")):
            yield probe(dtype, PLAIN, mode, 71, layouts=dict.fromkeys(names, "step"))


def enriched(case: Case) -> Case:
    """The shape, mode, layouts and program of a case with ordinary numbers: what a shrunk case has lost."""
    name = case.x.dtype.name
    rich = probe(name, case.x.shape, case.mode, 80)
    parameters = next((each.dtype for each in (case.gamma, case.running_mean) if each is not None), None)
    given = {
        field: None
        if getattr(case, field) is None or parameters is None
        else getattr(rich, field).astype(parameters)
        for field in ("gamma", "beta", "running_mean", "running_var")
    }
    return case.changed(x=rich.x, dy=None if case.dy is None else rich.dy, **given)
