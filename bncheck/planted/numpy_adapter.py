"""The adapter of the NumPy layers, and how a bug or a variant is made of replaced parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.adapter import Adapter, Config, Gradients, Pullback, Second, State
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.direction import Direction
from bncheck.planted.bug import Maker
from bncheck.planted.numpy_further import RULES, Rules, second_of, tangent_of
from bncheck.planted.numpy_layer import Layer, Made, Rows, Saved, from_rows

CAPABILITIES = Capabilities(
    dtypes=("float32", "float64", "float16", "bfloat16"),
    plain=True,
    cumulative=True,
    actions=("momentum", "reset", "copy", "reload", "move"),
    counter=True,
    layouts=True,
    parameters=True,
    memory=True,
    forward_mode=True,
    second_order=True,
)
DIALECT = Dialect(single="raise", empty="keep")


class NumpyLayerAdapter(Adapter):
    """Judges a `Layer` like any third-party implementation."""

    name = "planted"
    capabilities = CAPABILITIES

    def __init__(
        self,
        layer: Layer,
        *,
        dialect: Dialect = DIALECT,
        capabilities: Capabilities = CAPABILITIES,
        rules: Rules = RULES,
    ) -> None:
        self.layer, self.dialect, self.capabilities, self.rules = layer, dialect, capabilities, rules

    def make(self, config: Config) -> Made:
        """A new layer."""
        return self.layer.fresh(config)

    def set_params(self, handle: Made, gamma: Native, beta: Native) -> None:
        """Copied."""
        handle.gamma, handle.beta = np.array(gamma), np.array(beta)

    def get_state(self, handle: Made) -> State:
        """Copied out."""
        mean, var = (np.array(each).reshape(-1) for each in (handle.running_mean, handle.running_var))
        return State(mean, var, handle.batches)

    def set_state(self, handle: Made, state: State) -> None:
        """As the layer takes it."""
        self.layer.given(handle, state)

    def copy(self, handle: Made) -> Made:
        """As the layer copies itself."""
        return self.layer.copied(handle)

    def save(self, handle: Made) -> dict[str, Any]:
        """As the layer saves itself."""
        return self.layer.saved(handle)

    def load(self, handle: Made, saved: object) -> None:
        """As the layer takes a saved state."""
        assert isinstance(saved, dict)
        self.layer.loaded(handle, saved)

    def reset(self, handle: Made) -> None:
        """As the layer resets itself."""
        self.layer.restarted(handle)

    def set_momentum(self, handle: Made, momentum: float | None) -> None:
        """From now on."""
        self.layer.with_momentum(handle, momentum)

    def move(self, handle: Made, dtype: np.dtype[np.generic]) -> None:
        """As the layer moves itself."""
        self.layer.moved(handle, dtype)

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        """y."""
        with np.errstate(all="ignore"):
            return self._forward(handle, x, training=training, differentiated=False)[0]

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        """y and the pullback of this forward pass."""
        with np.errstate(all="ignore"):
            y, saved = self._forward(handle, x, training=training, differentiated=True)

        def pullback(dy: Native) -> Gradients:
            with np.errstate(all="ignore"):
                return _nothing(handle, x) if saved is None else self._backward(handle, saved, x, dy)

        return y, pullback

    def tangent(self, handle: Made, x: Native, direction: Direction, training: bool) -> tuple[Native, Native]:
        """y, and its derivative by the rules."""
        with np.errstate(all="ignore"):
            y, saved = self._forward(handle, x, training=training, differentiated=True)
            assert saved is not None
            return y, tangent_of(self.rules, self.layer, saved, direction)

    def second_order(
        self, handle: Made, x: Native, dy: Native, direction: Direction, training: bool
    ) -> tuple[Native, Second]:
        """y, and the derivatives by the rules."""
        with np.errstate(all="ignore"):
            y, saved = self._forward(handle, x, training=training, differentiated=True)
            assert saved is not None
            return y, second_of(self.rules, self.layer, saved, dy, direction)

    def _forward(
        self, made: Made, x: Native, *, training: bool, differentiated: bool
    ) -> tuple[Native, Saved | None]:
        layer = self.layer
        layer.checked(made, x, training)
        x = layer.began(made, x, training)
        answer = layer.empty(made, x) if training and x.size == 0 else None
        if answer is not None:
            return answer, None
        training = layer.mode(made, training)
        axis, dtype = layer.axis(x), layer.arithmetic(x)
        rows = layer.read(x, axis).astype(dtype)
        held = tuple(layer.statistic(each, dtype, x) for each in (made.running_mean, made.running_var))
        if training:
            mean, variance = layer.moments(layer, rows, x, made)
        else:
            mean, variance = layer.eval_moments(rows, held[0], held[1], made)
        eps = (layer.eps if training else layer.eval_eps)(made.config.eps, dtype)
        r = layer.inverse(variance, dtype.type(eps))
        unit = np.ones((len(rows), 1), dtype), np.zeros((len(rows), 1), dtype)
        gamma, beta = (
            default if vector is None else layer.parameter(vector, dtype, x)
            for vector, default in zip((made.gamma, made.beta), unit, strict=True)
        )
        saved = Saved(made, x, rows, mean, variance, r, gamma, beta, training)
        y = layer.output(
            from_rows((layer.affine if training else layer.eval_affine)(saved), x.shape, axis), x, made
        )
        for _ in range(layer.updates(made, training, differentiated)):
            self.track(made, saved)
        layer.ended(made, saved)
        return y, saved

    def track(self, made: Made, saved: Saved) -> None:
        """Move the running statistics once towards those of the batch."""
        layer, dtype = self.layer, saved.rows.dtype
        weight = dtype.type(layer.weight(made))
        new_mean, new_var = layer.tracked_mean(saved), layer.tracked(saved)
        old_mean, old_var = (
            layer.statistic(each, dtype, saved.x) for each in (made.running_mean, made.running_var)
        )
        layer.stored(made, "running_mean", layer.blend(old_mean, new_mean, weight)[:, 0])
        layer.stored(made, "running_var", (layer.blend_var or layer.blend)(old_var, new_var, weight)[:, 0])
        made.batches = layer.counted(made)

    def _backward(self, made: Made, saved: Saved, x: Native, dy: Native) -> Gradients:
        layer = self.layer
        own, saved = saved, layer.recalled(made, saved)
        axis = layer.axis(x)
        dy_rows: Rows = layer.read_dy(dy, x, axis).astype(saved.rows.dtype)
        if saved.training:
            rules = layer.dx, layer.dgamma, layer.dbeta
        else:
            rules = layer.eval_dx, layer.eval_dgamma, layer.eval_dbeta
        dx, dgamma, dbeta = (rule(dy_rows, saved) for rule in rules)
        layer.backed(made, own, dy)
        return Gradients(
            layer.dx_output(from_rows(dx, x.shape, axis), x),
            None if made.gamma is None else dgamma[:, 0].astype(made.gamma.dtype),
            None if made.beta is None else dbeta[:, 0].astype(made.beta.dtype),
        )


def _nothing(made: Made, x: Native) -> Gradients:
    """The gradients of a batch without values."""
    zero = None if made.gamma is None else np.zeros_like(made.gamma)
    return Gradients(x.copy(), zero, None if zero is None else zero.copy())


def layer(
    *,
    dialect: Dialect = DIALECT,
    capabilities: Capabilities = CAPABILITIES,
    both: Callable[..., object] | None = None,
    rules: Rules = RULES,
    **parts: Callable[..., object] | None,
) -> Maker:
    """The maker of a layer with some parts or rules replaced; `both`: the affine rule of training and of evaluation."""
    affine = {} if both is None else {"affine": both, "eval_affine": both}
    made = replace(Layer(), **affine, **parts)  # type: ignore[arg-type]  # a part fits its field, or no test passes
    return lambda: NumpyLayerAdapter(made, dialect=dialect, capabilities=capabilities, rules=rules)
