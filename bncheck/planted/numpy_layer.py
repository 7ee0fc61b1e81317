"""A sound layer in NumPy, every part of which can be replaced: what most planted bugs and sound variants are made of."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck.adapter import Config, State
from bncheck.case import Native
from bncheck.reference.formats import at_least_float32, dtype_of, format_of

Rows = NDArray[Any]
Dtype = np.dtype[Any]


@dataclass(slots=True)
class Made:
    """One layer made for a configuration, with its state.  `extra`: what only a planted bug keeps."""

    config: Config
    running_mean: Native
    running_var: Native
    gamma: Native | None = None
    beta: Native | None = None
    batches: int = 0
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Saved:
    """What a forward pass keeps for its backward pass: rows (C, m), and (C, 1) a channel, in the arithmetic dtype."""

    made: Made
    x: Native
    rows: Rows
    mean: Rows
    variance: Rows
    r: Rows
    gamma: Rows
    beta: Rows
    training: bool

    @property
    def xc(self) -> Rows:
        """x - mean."""
        return np.asarray(self.rows - self.mean)

    @property
    def xhat(self) -> Rows:
        """(x - mean) r."""
        return np.asarray((self.rows - self.mean) * self.r)


def total(rows: Rows) -> Rows:
    """The sum over a channel, (C, 1), in the order that NumPy likes."""
    return np.asarray(rows.sum(axis=1, keepdims=True))


def average(rows: Rows) -> Rows:
    """The mean over a channel, (C, 1)."""
    return np.asarray(total(rows) / rows.dtype.type(rows.shape[1]))


def squares(rows: Rows, mean: Rows) -> Rows:
    """The biased variance about a mean, (C, 1), in a second pass."""
    return average((rows - mean) ** 2)


def bessel(variance: Rows, m: int) -> Rows:
    """The unbiased variance of m values."""
    return np.asarray(variance * variance.dtype.type(m / (m - 1)))


def column(vector: Native, dtype: Dtype) -> Rows:
    """(C,) as (C, 1) in the arithmetic dtype."""
    return np.asarray(vector.astype(dtype).reshape(-1, 1))


def to_rows(array: Native, axis: int = 1) -> Rows:
    """(N, C, ...) as (C, m) of the same dtype; the channels may stand on another axis."""
    return array.transpose(_outward(array.ndim, axis)).reshape(array.shape[axis], -1)


def from_rows(rows: Rows, shape: tuple[int, ...], axis: int = 1) -> Native:
    """(C, m) as (N, C, ...)."""
    outer = (shape[axis], *shape[:axis], *shape[axis + 1 :])
    return rows.reshape(outer).transpose(_inward(len(shape), axis))


@cache
def _outward(rank: int, axis: int) -> tuple[int, ...]:
    """Axes in the order that has one of them first."""
    return (axis, *range(axis), *range(axis + 1, rank))


@cache
def _inward(rank: int, axis: int) -> tuple[int, ...]:
    """Axes in the order that puts the first one back in its place."""
    return (*range(1, axis + 1), 0, *range(axis + 1, rank))


def closed_form_dx(dy: Rows, s: Saved) -> Rows:
    """gamma r (dy - mean(dy) - xhat mean(dy xhat))."""
    return np.asarray(s.gamma * s.r * (dy - average(dy) - s.xc * (s.r * s.r * average(dy * s.xc))))


def weight_of(made: Made) -> float:
    """The weight of the new batch: momentum, or one over the batches seen, this one counted."""
    momentum = made.config.momentum
    return 1 / (made.batches + 1) if momentum is None else momentum


def at_least_single(x: Native) -> Dtype:
    """The dtype that arithmetic is done in: float32, or float64 for float64 x."""
    return dtype_of(at_least_float32(format_of(x.dtype)).name)


def fresh(config: Config) -> Made:
    """Running statistics 0 and 1."""
    zero = np.zeros(config.channels).astype(config.parameter_dtype)
    return Made(config, zero, np.ones_like(zero))


def given(made: Made, state: State) -> None:
    """Take copies of the statistics given."""
    if state.mean is not None and state.var is not None:
        made.running_mean, made.running_var = np.array(state.mean), np.array(state.var)
    made.batches = state.batches or 0


def stored(made: Made, name: str, values: Native) -> None:
    """Write a running statistic where it lies, rounded to its dtype."""
    old: Native = getattr(made, name)
    old[...] = values.astype(old.dtype).reshape(old.shape)


def checked(made: Made, x: Native, training: bool) -> None:
    """ValueError for another number of channels, and for training on one value a channel."""
    channels = len(made.running_mean)
    if x.shape[1] != channels:
        raise ValueError(f"x has {x.shape[1]} channels, expected {channels}")
    if training and x.size == channels:
        raise ValueError(f"x of shape {x.shape} has one value per channel; training needs at least two")


def saved_state(made: Made) -> dict[str, Any]:
    """Everything that training and evaluation depend on, copied."""
    names = ("running_mean", "running_var", "gamma", "beta", "batches")
    return {name: deepcopy(getattr(made, name)) for name in names}


def loaded(made: Made, saved: dict[str, Any]) -> None:
    """Take over a saved state."""
    for name, value in saved.items():
        setattr(made, name, deepcopy(value))


def restarted(made: Made) -> None:
    """The statistics and the count of a new layer."""
    made.running_mean[...] = 0
    made.running_var[...] = 1
    made.batches = 0


def with_momentum(made: Made, momentum: float | None) -> None:
    """Another momentum from now on."""
    made.config = replace(made.config, momentum=momentum)


def moved(made: Made, dtype: Dtype) -> None:
    """Parameters and statistics in another dtype."""
    for name in ("running_mean", "running_var", "gamma", "beta"):
        held = getattr(made, name)
        setattr(made, name, None if held is None else held.astype(dtype))
    made.config = replace(made.config, parameter_dtype=dtype)


@dataclass(frozen=True, slots=True)
class Layer:
    """Every field is a part that can be replaced.  Rows are (C, m) in the arithmetic dtype, statistics (C, 1).

    Reading and writing: `arithmetic`, `axis` of the channels, `read` x, `read_dy`, `parameter` of gamma and beta,
    `statistic` of the running ones, `output`.  Forward: `moments` (`mean`, then `variance`), `eps` in training and
    `eval_eps`, `inverse`, `affine`, `eval_affine`, `eval_moments`.  Backward, each of dy and what was saved: `dx`,
    `dgamma`, `dbeta` and those of evaluation; `recalled`: what the backward pass takes as saved.  Tracking: `weight`,
    `tracked` and `tracked_mean`, `blend` and `blend_var` (old, new, weight), `updates` (how often statistics move in a
    forward pass), `stored`, `counted`.  State: `fresh`, `given`, `copied`, `saved`, `loaded`, `restarted`,
    `with_momentum`, `moved`.  `checked` raises for what is refused; `empty` answers a batch without values, None where
    it goes on; `began` hands x on; `ended` and `backed` run beside.
    """

    arithmetic: Callable[[Native], Dtype] = at_least_single
    axis: Callable[[Native], int] = lambda _x: 1
    read: Callable[[Native, int], Rows] = to_rows
    read_dy: Callable[[Native, Native, int], Rows] = lambda dy, _x, axis: to_rows(dy, axis)
    parameter: Callable[[Native, Dtype, Native], Rows] = lambda vector, dtype, _x: column(vector, dtype)
    statistic: Callable[[Native, Dtype, Native], Rows] = lambda vector, dtype, _x: column(vector, dtype)
    output: Callable[[Native, Native, Made], Native] = lambda y, x, _made: y.astype(x.dtype)
    mean: Callable[[Rows], Rows] = average
    variance: Callable[[Rows, Rows], Rows] = squares
    moments: Callable[[Layer, Rows, Native, Made], tuple[Rows, Rows]] = lambda layer, rows, _x, _made: (
        mean := layer.mean(rows),
        layer.variance(rows, mean),
    )
    eps: Callable[[float, Dtype], float] = lambda eps, _dtype: eps
    eval_eps: Callable[[float, Dtype], float] = lambda eps, _dtype: eps
    inverse: Callable[[Rows, Any], Rows] = lambda variance, eps: 1 / np.sqrt(variance + eps)
    affine: Callable[[Saved], Rows] = lambda s: s.gamma * (s.xc * s.r) + s.beta
    eval_affine: Callable[[Saved], Rows] = lambda s: s.gamma * (s.xc * s.r) + s.beta
    eval_moments: Callable[[Rows, Rows, Rows, Made], tuple[Rows, Rows]] = lambda _x, mean, var, _made: (
        mean,
        var,
    )
    dx: Callable[[Rows, Saved], Rows] = closed_form_dx
    dgamma: Callable[[Rows, Saved], Rows] = lambda dy, s: total(dy * s.xc) * s.r
    dbeta: Callable[[Rows, Saved], Rows] = lambda dy, _s: total(dy)
    eval_dx: Callable[[Rows, Saved], Rows] = lambda dy, s: s.gamma * s.r * dy
    eval_dgamma: Callable[[Rows, Saved], Rows] = lambda dy, s: total(dy * s.xc) * s.r
    eval_dbeta: Callable[[Rows, Saved], Rows] = lambda dy, _s: total(dy)
    dx_output: Callable[[Native, Native], Native] = lambda dx, x: dx.astype(x.dtype)
    recalled: Callable[[Made, Saved], Saved] = lambda _made, saved: saved
    weight: Callable[[Made], float] = weight_of
    tracked_mean: Callable[[Saved], Rows] = lambda s: s.mean
    tracked: Callable[[Saved], Rows] = lambda s: bessel(s.variance, s.rows.shape[1])
    blend: Callable[[Rows, Rows, Any], Rows] = lambda old, new, w: (1 - w) * old + w * new
    blend_var: Callable[[Rows, Rows, Any], Rows] | None = None
    updates: Callable[[Made, bool, bool], int] = lambda _made, training, _differentiated: int(training)
    stored: Callable[[Made, str, Native], None] = stored
    counted: Callable[[Made], int] = lambda made: made.batches + 1
    fresh: Callable[[Config], Made] = fresh
    given: Callable[[Made, State], None] = given
    copied: Callable[[Made], Made] = deepcopy
    saved: Callable[[Made], dict[str, Any]] = saved_state
    loaded: Callable[[Made, dict[str, Any]], None] = loaded
    restarted: Callable[[Made], None] = restarted
    with_momentum: Callable[[Made, float | None], None] = with_momentum
    moved: Callable[[Made, Dtype], None] = moved
    checked: Callable[[Made, Native, bool], None] = checked
    empty: Callable[[Made, Native], Native | None] = lambda _made, x: x.copy()
    mode: Callable[[Made, bool], bool] = lambda _made, training: training
    began: Callable[[Made, Native, bool], Native] = lambda _made, x, _training: x
    ended: Callable[[Made, Saved], None] = lambda _made, _saved: None
    backed: Callable[[Made, Saved, Native], None] = lambda _made, _saved, _dy: None
