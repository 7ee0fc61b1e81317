"""equinox.nn.BatchNorm, mapped over the batch, with the state that it hands on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import equinox
import jax
import jax.numpy as jnp

from bncheck.adapter import Config, FrameworkArray
from bncheck.adapters.found import Found
from bncheck.adapters.jax_layers import JaxLayerAdapter, Kept, Layer, Numbers, Shown
from bncheck.capabilities import Capabilities
from bncheck.dialect import Dialect
from bncheck.errors import LoadError

_AXIS = "batch"
# x has the batch in its first axis; there is one state for all of it.
_AXES = (0, None)


class EquinoxAdapter(JaxLayerAdapter):
    """One example a call under `jax.vmap` with an axis name, which is how the layer sees a batch.

    Source: the docstring of equinox 0.13.8.  In mode "batch" "during training the batch mean and variance are used for
    normalization.  For inference the exponential running mean and unbiased variance are used": what is tracked is the
    biased variance (docs/findings.md), and that is what is declared.  What it keeps starts at zero and is corrected in
    evaluation, says a comment in its source, "Zero-debias approach", and that is what is declared too.  In mode "ema"
    training normalises by the running statistics, into which the first batch is filled; there it is batch normalization
    for that batch alone.
    """

    name = "equinox"
    distribution = "equinox"
    roles: ClassVar[dict[str, str]] = {"channels": "input_size", "eps": "eps", "momentum": "momentum"}
    forbidden: ClassVar[tuple[str, ...]] = ("axis_name", "channelwise_affine", "inference")
    conventions: ClassVar[dict[str, str]] = {
        "momentum": "old",
        "running_variance": "biased",
        "single": "beta",
        "empty": "nan",
    }

    def __init__(self, found: Found) -> None:
        mode = found.options.get("mode")
        if mode not in ("batch", "ema"):
            raise LoadError(f"{found.name}: mode is {mode!r}; say ?mode=batch or ?mode=ema")
        self.debiased = mode == "batch"
        super().__init__(found)

    def declared(self, dialect: Dialect) -> Dialect:
        """The average of mode "batch" is corrected for its start."""
        dialect = super().declared(dialect)
        return dialect.declared("first_batch", "debiased") if self.debiased else dialect

    def offered(self) -> Capabilities:
        """One dtype for all that it makes; in mode "ema" the first batch alone, which weighs 1."""
        offered = super().offered()
        reasons = {
            "mixed": "equinox makes gamma, beta and the statistics in one dtype",
            "frozen": "the momentum is between 0 and 1 exclusive, says equinox",
        }
        if not self.debiased:
            why = "in mode 'ema' training normalises by the running statistics: judged where the batch replaces them"
            reasons["momentum"] = why
            offered = replace(offered, momentum=False, fixed_momentum=1.0, actions=())
        return replace(
            offered,
            mixed=False,
            uniform=True,
            frozen=False,
            counter=self.debiased,
            reasons={**offered.reasons, **reasons},
        )

    def start(self, config: Config) -> Kept:
        """As `make_with_state` makes it."""
        x = jnp.zeros(config.shape, config.dtype)
        module = self._module(
            x, jnp.zeros(0, config.parameter_dtype), Layer(None, None, None), Numbers(1.0, 0.5, 0.5)
        )
        state = equinox.nn.State(module)
        return tuple(state.get(index) for index in self._indices(module))

    def given(self, kept: Kept, shown: Shown) -> Kept:
        """The averages that start at zero, behind those given; in mode "ema" the first batch is still to come."""
        seen, _ = kept
        if not self.debiased:
            return seen, (shown.mean, shown.var)
        seen = jnp.full_like(seen, shown.batches)
        scale = 1 - (1 - shown.weight) ** seen
        return seen, (shown.mean * scale, shown.var * scale)

    def statistics(self, kept: Kept, momentum: float | None) -> tuple[FrameworkArray, FrameworkArray]:
        """The averages as evaluation corrects them."""
        seen, (mean, var) = kept
        if not self.debiased or momentum is None:
            return mean, var
        scale = jnp.where(seen == 0, 1, 1 - (1 - momentum) ** seen)
        return mean / scale, var / scale

    def counted(self, kept: Kept) -> int | None:
        """In mode "batch"."""
        return int(kept[0]) if self.debiased else None

    def apply(
        self, x: jax.Array, layer: Layer, numbers: Numbers, *, training: bool
    ) -> tuple[jax.Array, Kept]:
        """One mapped call."""
        module = self._module(x, layer.kept[1][0], layer, numbers)
        if layer.gamma is not None:
            module = equinox.tree_at(
                lambda module: (module.weight, module.bias), module, (layer.gamma, layer.beta)
            )
        state = equinox.nn.State(module)
        for index, value in zip(self._indices(module), layer.kept, strict=True):
            state = state.set(index, value)
        mapped = jax.vmap(partial(module, inference=not training), _AXES, _AXES, axis_name=_AXIS)
        y, state = mapped(x, state)
        return y, tuple(state.get(index) for index in self._indices(module))

    def _module(self, x: jax.Array, like: jax.Array, layer: Layer, numbers: Numbers) -> Any:
        words = self.words(x, layer, numbers) | {"channelwise_affine": layer.gamma is not None}
        return self.found.callable(axis_name=_AXIS, **{"dtype": like.dtype, **words, **self.found.options})

    def _indices(self, module: Any) -> tuple[Any, Any]:
        """What has been seen, and the averages."""
        if self.debiased:
            return module.batch_counter, module.batch_state_index
        return module.ema_first_time_index, module.ema_state_index
