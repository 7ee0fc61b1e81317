"""TensorFlow's batch normalization as operations: the fused one, and moments with the formula, in eager mode."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from bncheck.adapter import Config, FrameworkArray, Gradients, Pullback, Second
from bncheck.adapters.arrays import ArraysAdapter, unchangeable
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.tensorflow_arrays import TensorflowArrays
from bncheck.capabilities import Capabilities
from bncheck.dialect import Dialect, usual
from bncheck.direction import Direction
from bncheck.errors import LoadError

_FORMATS = ("NHWC", "NCHW")
_PAIR = "tf.nn.moments and tf.nn.batch_normalization"

# y, and the running statistics after it.
Called = tuple[FrameworkArray, tuple[FrameworkArray, FrameworkArray]]


@dataclass(slots=True)
class _Held:
    """What an operation is given besides x; gamma and beta are None where they are left out."""

    config: Config
    gamma: FrameworkArray | None
    beta: FrameworkArray | None
    running_mean: FrameworkArray
    running_var: FrameworkArray


class TensorflowAdapter(ArraysAdapter):
    """An operation as a pure function of its arrays; a subclass says how it is called."""

    arrays: TensorflowArrays
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, found: Found) -> None:
        self.found, self.arrays = found, TensorflowArrays(found.device)
        for key in found.options:
            if key not in self.options:
                valid = ", ".join(self.options) or "none"
                raise LoadError(f"{found.name} takes no {key!r} here; valid are {valid}")
        self.dialect = found.dialect(usual(self.declared(), found.device))
        offered = self.offered()
        self.capabilities = replace(
            offered,
            ranks=found.ranks_within(offered.ranks),
            dtypes=found.dtypes(found.dtypes_asked_for(offered.dtypes)),
            parameters=True,
            forward_mode=True,
            second_order=True,
            reasons={**unchangeable(self.arrays), **offered.reasons},
        )

    def declared(self) -> Dialect:
        """The conventions of its documentation."""
        return Dialect()

    def offered(self) -> Capabilities:
        """What it can be asked."""
        raise NotImplementedError

    def called(
        self,
        handle: _Held,
        x: FrameworkArray,
        gamma: FrameworkArray | None,
        beta: FrameworkArray | None,
        *,
        training: bool,
    ) -> Called:
        """One call on x, (N, C, ...)."""
        raise NotImplementedError

    def make(self, config: Config) -> _Held:
        """Gamma 1, beta 0, running mean 0 and variance 1."""
        zero = self.place(np.zeros(config.channels, config.parameter_dtype))
        one = tf.ones_like(zero)
        gamma, beta = (one, zero) if config.affine else (None, None)
        return _Held(config, gamma, beta, zero, one)

    def set_momentum(self, handle: _Held, momentum: float | None) -> None:
        """That of the calls from now on."""
        handle.config = replace(handle.config, momentum=momentum)

    def forward(self, handle: _Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call, whose statistics are the next one's."""
        y, kept = self.called(handle, x, handle.gamma, handle.beta, training=training)
        handle.running_mean, handle.running_var = kept
        return y

    def vjp(self, handle: _Held, x: FrameworkArray, training: bool) -> tuple[FrameworkArray, Pullback]:
        """By a tape."""
        y, kept, pull = self.arrays.vjp(self._function(handle, training=training), _arguments(handle, x))
        handle.running_mean, handle.running_var = kept
        return y, lambda dy: Gradients(*pull(dy))

    def tangent(
        self, handle: _Held, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """By a forward accumulator."""
        return self.arrays.jvp(self._function(handle, training=training), _arguments(handle, x), direction)

    def second_order(
        self, handle: _Held, x: FrameworkArray, dy: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, Second]:
        """By a tape of a tape."""
        function = self._function(handle, training=training)
        return self.arrays.second(function, _arguments(handle, x), dy, direction)

    def _function(self, handle: _Held, *, training: bool) -> Any:
        def function(x: FrameworkArray, *parameters: FrameworkArray | None) -> Called:
            return self.called(handle, x, *parameters, training=training)

        return function


class FusedAdapter(TensorflowAdapter):
    """tf.compat.v1.nn.fused_batch_norm, of FusedBatchNormV3.

    Source: the docstring of TensorFlow 2.21.  `exponential_avg_factor` weighs the new batch, and with 1 there may be no
    mean and variance; x of rank 4 or 5, scale and offset of float32; epsilon and that factor are attributes, which are
    float32.  It does not say which variance of the batch is tracked: the unbiased one, as bncheck's default is.
    """

    name = "tensorflow_fused"
    options = ("data_format",)

    def __init__(self, found: Found) -> None:
        self.format = str(found.options.get("data_format", _FORMATS[0]))
        if self.format not in _FORMATS:
            raise LoadError(
                f"{found.name}: data_format is {self.format!r}; valid are {', '.join(_FORMATS)}, for x of rank 5 too"
            )
        super().__init__(found)

    def declared(self) -> Dialect:
        """Of its attributes."""
        return Dialect(eps_storage="float32")

    def offered(self) -> Capabilities:
        """What its types leave open."""
        float32 = "its scale, offset, mean and variance are float32"
        return Capabilities(
            ranks=(4, 5),
            dtypes=("float32", "float16", "bfloat16"),
            uniform=False,
            actions=("momentum",),
            reasons={"uniform": float32, "plain": "scale and offset are arguments that it must have"},
        )

    def called(
        self,
        handle: _Held,
        x: FrameworkArray,
        gamma: FrameworkArray | None,
        beta: FrameworkArray | None,
        *,
        training: bool,
    ) -> Called:
        """The statistics come back changed from training, and are left alone in evaluation."""
        weight, kept = handle.config.momentum, (handle.running_mean, handle.running_var)
        last = self.format == "NHWC"
        called: Any = self.found.callable
        y, mean, var = called(
            _channels_last(x) if last else x,
            gamma,
            beta,
            *((None, None) if training and weight == 1 else kept),
            epsilon=handle.config.eps,
            data_format=self.format if x.ndim == 4 else self.format.replace("HW", "DHW"),
            is_training=training,
            **({"exponential_avg_factor": weight} if training else {}),
        )
        return _channels_second(y) if last else y, (mean, var) if training else kept


class MomentsAdapter(TensorflowAdapter):
    """tf.nn.batch_normalization, by tf.nn.moments in training and by the given statistics in evaluation.

    Source: the docstrings of TensorFlow 2.21: `mean` and `variance` "would typically be the outputs of tf.nn.moments
    during training, or running averages thereof during inference", which it leaves to the caller.
    """

    name = "tensorflow_moments"

    def offered(self) -> Capabilities:
        """Every rank; one dtype for all that it is given."""
        return Capabilities(
            ranks=RANKS,
            dtypes=("float32", "float64"),
            mixed=False,
            plain=True,
            momentum=False,
            statistics=False,
            reasons={
                "mixed": f"{_PAIR} take arrays of one dtype",
                **dict.fromkeys(("statistics", "momentum"), f"{_PAIR} keep no running statistics"),
            },
        )

    def called(
        self,
        handle: _Held,
        x: FrameworkArray,
        gamma: FrameworkArray | None,
        beta: FrameworkArray | None,
        *,
        training: bool,
    ) -> Called:
        """Channels last, so that the vectors are those of the channels."""
        kept = handle.running_mean, handle.running_var
        last = _channels_last(x)
        mean, variance = tf.nn.moments(last, list(range(last.ndim - 1))) if training else kept
        y = self.found.callable(last, mean, variance, beta, gamma, handle.config.eps)
        return _channels_second(y), kept


def _arguments(handle: _Held, x: FrameworkArray) -> tuple[FrameworkArray | None, ...]:
    return x, handle.gamma, handle.beta


def _channels_last(x: FrameworkArray) -> FrameworkArray:
    return tf.transpose(x, [0, *range(2, x.ndim), 1])


def _channels_second(y: FrameworkArray) -> FrameworkArray:
    return tf.transpose(y, [0, y.ndim - 1, *range(1, y.ndim - 1)])
