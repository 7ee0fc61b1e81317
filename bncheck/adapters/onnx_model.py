"""ONNX's BatchNormalization, run by onnxruntime or by the reference evaluator of onnx itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from typing import Any, ClassVar, Literal

import numpy as np
import onnx

from bncheck.adapter import Adapter, Config, FrameworkArray, State
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.onnx_node import Node, Sketch, read
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.dialect import Dialect
from bncheck.errors import LoadError

Runner = Callable[[dict[str, Native]], list[Any]]
_Key = tuple[float, float | None, bool, tuple[np.dtype[Any], ...]]
_OPSETS = (7, 9, 14, 15)
# What a run refuses is raised, and need not be on the terminal too.
_FATAL = 4


@dataclass(slots=True)
class _Held:
    """What the node is given besides x, and what has run it."""

    config: Config
    gamma: Native
    beta: Native
    mean: Native
    var: Native
    runs: dict[_Key, Runner] = field(default_factory=dict)


class OnnxAdapter(Adapter):
    """A node built for each case, or with the attributes of a file's; gamma, beta and the statistics are its inputs.

    Source: the operator's documentation.  `momentum` weighs the old statistics; the running variance is that of the
    population; epsilon and momentum are float32.  Before opset 14 a node trains where all five outputs are asked for.
    """

    name = "onnx"
    distribution = "onnx"
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float64")
    # What becomes of an empty batch: the mean over nothing, by NumPy's definition, as the reference implementation has it.
    empty: ClassVar[Literal["any", "nan"]] = "nan"

    def __init__(self, found: Found) -> None:
        if found.device != "cpu":
            raise LoadError(f"{found.name} is judged on cpu alone, not on {found.device!r}")
        self.sketch: Sketch | None = None if found.thing is None else read(str(found.thing))
        self.opset = _opset(found) if self.sketch is None else self.sketch.node.opset
        conventions = Dialect(momentum="old", running_variance="biased", eps_storage="float32")
        self.dialect = found.dialect(replace(conventions, single="beta", empty=self.empty))
        self.capabilities = self._offered(found)
        self.run_of = lru_cache(maxsize=64)(self._run_of)

    def runner(self, model: onnx.ModelProto) -> Runner:
        """What runs a model on named inputs."""
        raise NotImplementedError

    def make(self, config: Config) -> _Held:
        """Gamma 1, beta 0, running mean 0 and variance 1."""
        zero = np.zeros(config.channels, config.parameter_dtype)
        one = zero + zero.dtype.type(1)
        return _Held(config, one, zero, zero.copy(), one.copy())

    def set_params(self, handle: _Held, gamma: Native, beta: Native) -> None:
        """Copied."""
        handle.gamma, handle.beta = self.place(gamma), self.place(beta)

    def set_momentum(self, handle: _Held, momentum: float | None) -> None:
        """That of the calls from now on."""
        handle.config = replace(handle.config, momentum=momentum)

    def forward(self, handle: _Held, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One run of the node; its outputs are the next one's statistics."""
        dtypes = x.dtype, handle.gamma.dtype, handle.mean.dtype
        key = handle.config.eps, handle.config.momentum, training, dtypes
        if key not in handle.runs:
            handle.runs[key] = self.run_of(*key)
        given = {"X": x, "scale": handle.gamma, "B": handle.beta, "input_mean": handle.mean}
        try:
            y, *statistics = handle.runs[key]({**given, "input_var": handle.var})
        except Exception:
            # What has refused a batch may refuse good ones from then on: this layer keeps it, and no other one meets it.
            self.run_of.cache_clear()
            raise
        if training:
            handle.mean, handle.var = statistics[:2]
        return y

    def get_state(self, handle: _Held) -> State:
        """Copied out."""
        return State(self.fetch(handle.mean), self.fetch(handle.var))

    def versions(self) -> dict[str, str]:
        """Those of ONNX, of what runs it, and of NumPy."""
        told = {name: version(name) for name in ("onnx", self.distribution)}
        return {**told, "numpy": np.__version__}

    def _run_of(
        self, eps: float, momentum: float | None, training: bool, dtypes: tuple[np.dtype[Any], ...]
    ) -> Runner:
        node = Node(self.opset, eps, 1 - (momentum or 0.0), training)
        return self.runner(node.model(dict(zip(("x", "parameters", "statistics"), dtypes, strict=True))))

    def _offered(self, found: Found) -> Capabilities:
        reasons = {
            "plain": "scale and B are inputs that a node must have",
            **dict.fromkeys(("gradient", "eval_gradient"), f"{self.distribution} computes no gradients"),
        }
        offered = Capabilities(
            ranks=found.ranks_within(RANKS),
            dtypes=found.dtypes_asked_for(self.dtypes),
            mixed=self.opset > 14,
            gradient=False,
            eval_gradient=False,
            actions=("momentum",),
            layouts=True,
            parameters=True,
            memory=True,
            reasons=reasons,
        )
        if self.sketch is None:
            return offered
        node, sketch = self.sketch.node, self.sketch
        absent = "eval" if node.training else "train"
        return replace(
            offered,
            ranks=offered.ranks if sketch.rank is None else found.ranks_within((sketch.rank,)),
            dtypes=offered.dtypes if sketch.dtype is None else (sketch.dtype,),
            channels=sketch.channels,
            eps=node.epsilon,
            momentum=False,
            fixed_momentum=1 - node.momentum,
            train=node.training,
            eval=not node.training,
            actions=(),
            reasons={
                **reasons,
                absent: f"training_mode is {int(node.training)}",
                "momentum": "it is the file's",
            },
        )


class OnnxruntimeAdapter(OnnxAdapter):
    """onnxruntime's CPU provider."""

    name = "onnxruntime"
    distribution = "onnxruntime"

    def __init__(self, found: Found) -> None:
        self.runtime = import_module("onnxruntime")
        super().__init__(found)

    def runner(self, model: onnx.ModelProto) -> Runner:
        """A session."""
        options = self.runtime.SessionOptions()
        options.log_severity_level = _FATAL
        # Threads that wait for the next run do so asleep: those of the sessions before would take the processors.
        for threads in ("intra_op", "inter_op"):
            options.add_session_config_entry(f"session.{threads}.allow_spinning", "0")
        session = self.runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return lambda given: list(session.run(None, given))


class OnnxReferenceAdapter(OnnxAdapter):
    """onnx.reference.ReferenceEvaluator, which defines what an operator computes."""

    name = "onnx.reference"

    def runner(self, model: onnx.ModelProto) -> Runner:
        """An evaluator."""
        evaluator = import_module("onnx.reference").ReferenceEvaluator(model)
        return lambda given: list(evaluator.run(None, given))


def _opset(found: Found) -> int:
    """The operator set that the user names, 15 where none."""
    for key in found.options:
        if key != "opset":
            raise LoadError(f"{found.name} has no argument {key!r}; valid is opset")
    opset = found.options.get("opset", _OPSETS[-1])
    if opset not in _OPSETS:
        raise LoadError(f"{found.name}: opset is {opset!r}; valid are {', '.join(map(str, _OPSETS))}")
    return int(str(opset))
