"""Small NumPy layers: a sound one whose parts can be replaced, sound variants of it, and planted bugs."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bncheck import Adapter, Capabilities, Config, Dialect, Gradients, State
from bncheck.case import Native
from bncheck.reference.formats import at_least_float32, dtype_of, format_of

Rows = NDArray[Any]


def total(rows: Rows) -> Rows:
    """The sum over a channel, in the order that NumPy likes."""
    return np.asarray(rows.sum(axis=1, keepdims=True))


@dataclass(slots=True)
class Layer:
    """A layer on rows (C, m) in its arithmetic dtype; every field that is a function is a part that can be replaced."""

    mean: Callable[[Rows], Rows] = lambda x: total(x) / x.dtype.type(x.shape[1])
    variance: Callable[[Rows, Rows], Rows] = lambda x, mean: total((x - mean) ** 2) / x.dtype.type(x.shape[1])
    inverse: Callable[[Rows, Any], Rows] = lambda variance, eps: 1 / np.sqrt(variance + eps)
    affine: Callable[[Rows, Rows, Rows, Rows, Rows], Rows] = lambda x, mean, r, g, b: g * ((x - mean) * r) + b
    blend: Callable[[Rows, Rows, Any], Rows] = lambda old, new, w: (1 - w) * old + w * new
    tracked: Callable[[Rows, int], Rows] = lambda variance, m: variance * variance.dtype.type(m / (m - 1))
    train_dx: Callable[..., Rows] = lambda dy, xc, r, g: (
        g * r * (dy - total(dy) / dy.shape[1] - xc * (r * r * (total(dy * xc) / dy.shape[1])))
    )
    eval_dx: Callable[..., Rows] = lambda dy, xc, r, g: g * r * dy
    dgamma: Callable[..., Rows] = lambda dy, xc, r: total(dy * xc) * r
    dbeta: Callable[[Rows], Rows] = total
    eval_dgamma: Callable[..., Rows] = lambda dy, xc, r: total(dy * xc) * r
    eval_dbeta: Callable[[Rows], Rows] = total
    eval_moments: Callable[..., tuple[Rows, Rows]] = lambda x, mean, var: (mean, var)
    eval_eps: Callable[[float], float] = lambda eps: eps
    after_eval: Callable[[Native], Native] = lambda old: old
    before_step: Callable[[Any], None] = lambda handle: None
    touched: Callable[[Native], None] = lambda x: None
    touched_in_eval: Callable[[Native], None] = lambda x: None
    output: Callable[[Rows, Any], Rows] = lambda y, dtype: y.astype(dtype)
    rows: Callable[[Native], Rows] | None = None


def sound() -> Layer:
    """Two-pass, centred, closed form."""
    return Layer()


@dataclass(slots=True)
class Made:
    """One layer made for a configuration, with its state."""

    config: Config
    gamma: Native | None = None
    beta: Native | None = None
    mean: Native | None = None
    var: Native | None = None
    batches: int = 0
    first: tuple[Native, Native] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class LayerAdapter(Adapter):
    """Judges a `Layer` like any third-party implementation."""

    name = "layer"
    capabilities = Capabilities(
        dtypes=("float32", "float64", "float16", "bfloat16"),
        plain=True,
        cumulative=True,
        actions=("momentum", "reset", "copy", "reload", "move"),
        counter=True,
        layouts=True,
        parameters=True,
        memory=True,
    )

    def __init__(self, layer: Layer, dialect: Dialect | None = None) -> None:
        self.layer = layer
        self.dialect = Dialect() if dialect is None else dialect

    def make(self, config: Config) -> Made:
        made = Made(config)
        made.mean, made.var, made.batches = self._fresh(config)
        return made

    def set_params(self, handle: Made, gamma: Native, beta: Native) -> None:
        handle.gamma, handle.beta = gamma.copy(), beta.copy()

    def set_state(self, handle: Made, state: State) -> None:
        assert state.mean is not None
        assert state.var is not None
        handle.mean, handle.var, handle.batches = state.mean.copy(), state.var.copy(), state.batches or 0
        handle.first = handle.mean, handle.var

    def get_state(self, handle: Made) -> State:
        return State(handle.mean, handle.var, handle.batches)

    def save(self, handle: Made) -> object:
        return deepcopy((handle.gamma, handle.beta, handle.mean, handle.var, handle.batches))

    def load(self, handle: Made, saved: Any) -> None:
        handle.gamma, handle.beta, handle.mean, handle.var, handle.batches = deepcopy(saved)

    def reset(self, handle: Made) -> None:
        handle.mean, handle.var, handle.batches = self._fresh(handle.config)

    def set_momentum(self, handle: Made, momentum: float | None) -> None:
        handle.config = replace(handle.config, momentum=momentum)

    def move(self, handle: Made, dtype: Any) -> None:
        for name in ("gamma", "beta", "mean", "var"):
            vector = getattr(handle, name)
            setattr(handle, name, None if vector is None else vector.astype(dtype))

    @staticmethod
    def _fresh(config: Config) -> tuple[Native, Native, int]:
        zero = np.zeros(config.channels).astype(config.parameter_dtype)
        return zero, np.ones_like(zero), 0

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        y: Native = self.vjp(handle, x, training)[0]
        return y

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Callable[[Native], Gradients]]:
        layer, config = self.layer, handle.config
        dtype = dtype_of(at_least_float32(format_of(x.dtype)).name)
        rows = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1).astype(dtype)
        gamma = np.ones((len(rows), 1), dtype) if handle.gamma is None else column(handle.gamma, dtype)
        beta = np.zeros((len(rows), 1), dtype) if handle.beta is None else column(handle.beta, dtype)
        if training:
            mean = layer.mean(rows) if layer.rows is None else layer.mean(layer.rows(x).astype(dtype))
            variance = layer.variance(rows, mean)
            r = layer.inverse(variance, dtype.type(config.eps))
            self._track(handle, mean, variance, rows.shape[1])
        else:
            assert handle.mean is not None
            assert handle.var is not None
            mean, variance = layer.eval_moments(rows, column(handle.mean, dtype), column(handle.var, dtype))
            r = layer.inverse(variance, dtype.type(layer.eval_eps(config.eps)))
            handle.mean, handle.var = layer.after_eval(handle.mean), handle.var
        y = layer.output(back(layer.affine(rows, mean, r, gamma, beta), x.shape), x.dtype)

        def pullback(dy: Native) -> Gradients:
            dy_rows = np.moveaxis(dy, 1, 0).reshape(rows.shape).astype(dtype)
            xc = rows - mean
            dx = (layer.train_dx if training else layer.eval_dx)(dy_rows, xc, r, gamma)
            dgamma = (layer.dgamma if training else layer.eval_dgamma)(dy_rows, xc, r)
            dbeta = (layer.dbeta if training else layer.eval_dbeta)(dy_rows)
            (layer.touched if training else layer.touched_in_eval)(x)
            return Gradients(
                back(dx, x.shape).astype(x.dtype),
                None if handle.gamma is None else dgamma[:, 0].astype(handle.gamma.dtype),
                None if handle.beta is None else dbeta[:, 0].astype(handle.beta.dtype),
            )

        return y, pullback

    def _track(self, handle: Made, mean: Rows, variance: Rows, count: int) -> None:
        if handle.mean is None or handle.var is None:
            return
        self.layer.before_step(handle)
        momentum = handle.config.momentum
        weight = mean.dtype.type(1 / (handle.batches + 1) if momentum is None else momentum)
        old_mean, old_var = column(handle.mean, mean.dtype), column(handle.var, mean.dtype)
        stored = handle.mean.dtype
        handle.mean = self.layer.blend(old_mean, mean, weight)[:, 0].astype(stored)
        handle.var = self.layer.blend(old_var, self.layer.tracked(variance, count), weight)[:, 0].astype(
            stored
        )
        handle.batches += 1


def column(vector: Native, dtype: Any) -> Rows:
    """(C,) as (C, 1) in the arithmetic dtype."""
    return vector.astype(dtype).reshape(-1, 1)


def back(rows: Rows, shape: tuple[int, ...]) -> Rows:
    """(C, m) as (N, C, ...)."""
    return np.moveaxis(rows.reshape(shape[1], shape[0], *shape[2:]), 0, 1)


def _from_first(handle: Made) -> None:
    assert handle.first is not None
    handle.mean, handle.var = handle.first


def _per_position(x: Native) -> Rows:
    """Statistics of the first sample only, for ranks above 2."""
    kept = x if x.ndim == 2 else x[:1]
    return np.moveaxis(kept, 1, 0).reshape(x.shape[1], -1)


def _staged_dx(dy: Rows, xc: Rows, r: Rows, g: Rows) -> Rows:
    """Node by node, as the chain rule is taught."""
    m = dy.dtype.type(dy.shape[1])
    dxhat = dy * g
    dvar = total(dxhat * xc * dy.dtype.type(-0.5) * (r * r * r))
    dmean = total(-dxhat * r) + dvar * total(-2 * xc) / m
    return np.asarray(dxhat * r + dvar * 2 * xc / m + dmean / m)


def _welford(rows: Rows) -> tuple[Rows, Rows]:
    mean, squares = np.zeros_like(rows[:, :1]), np.zeros_like(rows[:, :1])
    for index in range(rows.shape[1]):
        delta = rows[:, index : index + 1] - mean
        mean = mean + delta / rows.dtype.type(index + 1)
        squares = squares + delta * (rows[:, index : index + 1] - mean)
    return mean, squares / rows.dtype.type(rows.shape[1])


def _sequential(rows: Rows) -> Rows:
    return np.add.accumulate(rows, axis=1)[:, -1:]


SOUND: dict[str, Layer] = {
    "two-pass": sound(),
    "sequential sums": replace(sound(), mean=lambda x: _sequential(x) / x.dtype.type(x.shape[1])),
    "reversed sums": replace(sound(), mean=lambda x: _sequential(x[:, ::-1]) / x.dtype.type(x.shape[1])),
    "welford": replace(sound(), mean=lambda x: _welford(x)[0], variance=lambda x, mean: _welford(x)[1]),
    "folded": replace(sound(), affine=lambda x, mean, r, g, b: x * (g * r) + (b - mean * (g * r))),
    "division": replace(sound(), affine=lambda x, mean, r, g, b: g * ((x - mean) / (1 / r)) + b),
    "staged": replace(sound(), train_dx=_staged_dx),
    "lerp": replace(sound(), blend=lambda old, new, w: old + w * (new - old)),
}
ONE_PASS = replace(
    sound(),
    variance=lambda x, mean: np.maximum(
        total(x * x) / x.dtype.type(x.shape[1]) - mean * mean, x.dtype.type(0)
    ),
)

# Each law, run alone, must kill the bug planted for it.
PLANTED: dict[str, Layer] = {
    "forward.output": replace(sound(), inverse=lambda variance, eps: 1 / (np.sqrt(variance) + eps)),
    "forward.moments": replace(
        sound(), variance=lambda x, mean: total((x - mean) ** 2) / x.dtype.type(x.shape[1] - 1)
    ),
    "forward.shapes": replace(sound(), rows=_per_position),
    "forward.dtypes": replace(sound(), output=lambda y, dtype: y.astype(np.float64)),
    "statistics.mean": replace(sound(), blend=lambda old, new, w: w * old + (1 - w) * new),
    "statistics.variance": replace(sound(), tracked=lambda variance, m: variance),
    "statistics.convergence": replace(sound(), before_step=_from_first),
    "evaluation.output": replace(
        sound(),
        eval_moments=lambda x, mean, var: (x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)),
    ),
    "evaluation.statistics": replace(sound(), after_eval=lambda old: np.nextafter(old, old.dtype.type(9))),
    "evaluation.consistency": replace(sound(), eval_eps=lambda eps: 0.0),
    "evaluation.zero_eps": replace(sound(), eval_eps=lambda eps: max(eps, 1e-5)),
    "gradient.dx": replace(
        sound(), train_dx=lambda dy, xc, r, g: g * r * (dy - xc * (r * r * (total(dy * xc) / dy.shape[1])))
    ),
    "gradient.dgamma": replace(sound(), dgamma=lambda dy, xc, r: total(dy * xc) * r / dy.shape[1]),
    "gradient.dbeta": replace(sound(), dbeta=lambda dy: total(dy) / dy.dtype.type(dy.shape[1])),
    "gradient.identities": replace(
        sound(), train_dx=lambda dy, xc, r, g: g * r * (dy - total(dy) / dy.shape[1])
    ),
    "evaluation_gradient.dx": replace(sound(), eval_dx=Layer().train_dx),
    "evaluation_gradient.dgamma": replace(
        sound(), eval_dgamma=lambda dy, xc, r: total(dy * (xc - total(xc) / xc.shape[1])) * r
    ),
    "evaluation_gradient.dbeta": replace(sound(), eval_dbeta=lambda dy: -total(dy)),
    "gradient.differences": replace(
        sound(),
        train_dx=lambda dy, xc, r, g: (
            g * r * (dy - total(dy) / dy.shape[1] - xc * (r * r * (total(dy * xc) / (dy.shape[1] - 1))))
        ),
    ),
    "purity.inputs": replace(sound(), touched=lambda x: x.fill(0)),
    "purity.surroundings": replace(sound(), before_step=lambda handle: np.random.seed(handle.batches)),  # noqa: NPY002
    "purity.evaluation": replace(sound(), touched_in_eval=lambda x: x.fill(0)),
    "devices.agreement": replace(sound(), inverse=lambda variance, eps: 1 / np.sqrt(variance + 2 * eps)),
}
