"""ONNX's BatchNormalization as it is written down: a model of one node, and the library that runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from bncheck.case import Case
from bncheck.errors import UsageError
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import Lines, Making, parameter_dtype
from bncheck.step import Step

_INPUTS = {"gamma": "scale", "beta": "B", "running_mean": "mean", "running_var": "var"}
_STATISTICS = ("running_mean", "running_var")
_KINDS = {"float16": "float16", "bfloat16": "bfloat16", "float32": "float", "float64": "double"}
_FRESH = {"gamma": "ones", "beta": "zeros", "running_mean": "zeros", "running_var": "ones"}
# From here on an attribute asks for training; before, it is a node's five outputs that do.
_WITH_MODE = 14
# That of a script.
WIDTH = 100


@dataclass(frozen=True, slots=True)
class Runtime:
    """`compiled`: lines that make of a model {1} what runs it, {0}.  `called`: the outputs that {0} makes of inputs {1}.

    `ranked`: whether the rank of each input has to be known.
    """

    imports: tuple[str, ...]
    compiled: tuple[str, ...]
    called: str
    ranked: bool = False


RUNTIMES: Mapping[str, Runtime] = {
    "onnx.reference": Runtime(
        ("from onnx.reference import ReferenceEvaluator",),
        ("{0} = ReferenceEvaluator({1})",),
        "{0}.run(None, {1})",
    ),
    "onnxruntime": Runtime(
        ("import onnxruntime",),
        ('{0} = onnxruntime.InferenceSession({1}.SerializeToString(), providers=["CPUExecutionProvider"])',),
        "{0}.run(None, {1})",
    ),
    "openvino": Runtime(
        ("import openvino",),
        (
            "read = openvino.Core().read_model({1}.SerializeToString())",
            '{0} = openvino.compile_model(read, "CPU", dict(INFERENCE_PRECISION_HINT="f32"))',
        ),
        "{0}({1}).to_tuple()",
        ranked=True,
    ),
}


class OnnxNode:
    """`adapter`: an OnnxAdapter, of which the operator set is read, and whether its node stands in a file.

    The layer is a dictionary of the node's inputs but for X; what runs it, and a second layer, is one compiled model a mode.
    """

    def __init__(self, adapter: Any, naming: Naming, device: str, runtime: Runtime | None = None) -> None:
        self.runtime = RUNTIMES[adapter.name] if runtime is None else runtime
        self.opset: int = adapter.opset
        self.file = None if adapter.sketch is None else naming.file
        self.naming = Naming(("import onnx.parser", *self.runtime.imports), "BatchNormalization", self.file)
        self.words: Words = words_of("numpy", device)

    def made(self, making: Making) -> Lines:
        """Its inputs, and what runs the node in each mode that the case asks for."""
        inputs = ", ".join(f"{_INPUTS[role]}={self._given(making, role)}" for role in _INPUTS)
        lines = [f"{making.to} = dict({inputs})"]
        if making.to != "layer":
            return [*lines, f"{_runner(making, training=True)} = train"]
        for training in _modes(making.case):
            lines += [*self._model(making, training=training), *self._compiled(making, training=training)]
        return lines

    def _given(self, making: Making, role: str) -> str:
        case = making.case
        if getattr(case, role) is None:
            return f"np.{_FRESH[role]}({case.channels}, {self.words.dtype(parameter_dtype(case))})"
        copied = making.own and role in _STATISTICS and role not in case.layouts
        return self.words.copied.format(role) if copied else role

    def _compiled(self, making: Making, *, training: bool) -> Lines:
        names = _runner(making, training=training), _model_of(training=training)
        return [line.format(*names) for line in self.runtime.compiled]

    def _model(self, making: Making, *, training: bool) -> Lines:
        """A model in ONNX's own syntax; a file's node lends it the attributes."""
        named = _model_of(training=training)
        outputs = ["Y"]
        if training:
            saved = () if self.opset >= _WITH_MODE else ("saved_mean", "saved_var")
            outputs += ["new_mean", "new_var", *saved]
        inputs = ["X", *_INPUTS.values()]
        attributes = self._attributes(making, training=training) if self.file is None else ""
        takes, gives = (self._typed(making.case, names) for names in (inputs, outputs))
        signature = [f"    model ({takes}) => ({gives})"]
        if len(signature[0]) > WIDTH:
            signature = [f"    model ({takes})", f"    => ({gives})"]
        lines = [
            f'{named} = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["": {self.opset}]>',
            *signature,
            f'    {{ {", ".join(outputs)} = BatchNormalization{attributes}({", ".join(inputs)}) }}""")',
        ]
        if self.file is None:
            return lines
        return [
            f"nodes = onnx.load({json.dumps(self.file)}).graph.node",
            'node = next(each for each in nodes if each.op_type == "BatchNormalization")',
            *lines,
            f"{named}.graph.node[0].attribute.extend(node.attribute)",
        ]

    def _typed(self, case: Case, names: Lines) -> str:
        """Names with their dtypes, and their ranks where these matter."""
        kinds = {True: _KINDS[case.x.dtype.name], False: _KINDS[parameter_dtype(case)]}
        axes = {True: ", ".join("NCDHW"[: case.x.ndim]), False: "C"}
        if not self.runtime.ranked:
            axes = dict.fromkeys(axes, "")
        batches = [(name, name in ("X", "Y")) for name in names]
        return ", ".join(f"{kinds[batch]}[{axes[batch]}] {name}" for name, batch in batches)

    def _attributes(self, making: Making, *, training: bool) -> str:
        """Those of a node, the momentum second."""
        values = [f"epsilon={making.case.eps!r}", f"momentum={_weight(making.momentum)}"]
        values += ["training_mode=1"] if training and self.opset >= _WITH_MODE else []
        return f"<{', '.join(values)}>"

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One run of the node; in training its outputs are the next one's statistics."""
        to = making.to
        call = self.runtime.called.format(_runner(making, training=training), f"dict({to}, X={x})")
        if not training:
            return [f"y = {call}[0]"]
        rest = "" if self.opset >= _WITH_MODE else ", *_"
        return [f'y, {to}["mean"], {to}["var"]{rest} = {call}']

    def changed(self, making: Making, step: Step, _number: int, /) -> Lines:
        """Another momentum, which is the only step of this kind, takes other models."""
        lines: Lines = []
        for training in _modes(making.case):
            lines.append(
                f"{_model_of(training=training)}.graph.node[0].attribute[1].f = {_weight(step.value)}"
            )
            lines += self._compiled(making, training=training)
        return lines

    def given(self, role: str, value: str) -> str:
        """The next run is given it."""
        return f"{self.held(role)} = {self.words.copied.format(value)}"

    def held(self, role: str, of: str = "layer") -> str:
        """The input of the next run."""
        return f'{of}["{_INPUTS[role]}"]'

    def both(self, _making: Making, _x: str, _dy: str, *, training: bool) -> NoReturn:
        """Not offered: raises UsageError."""
        raise UsageError(f"an ONNX model computes no gradients in {'training' if training else 'evaluation'}")

    def opened(self, _making: Making, _x: str, _number: int) -> NoReturn:
        """Not offered: raises UsageError."""
        raise UsageError("an ONNX model has no backward pass that could come later")

    def closed(self, _making: Making, _dy: str, _number: int) -> NoReturn:
        """Not offered: raises UsageError."""
        raise UsageError("an ONNX model has no backward pass")

    def count(self) -> NoReturn:
        """Not offered: raises UsageError."""
        raise UsageError("an ONNX model counts no batches")


def _runner(making: Making, *, training: bool) -> str:
    """The name of what runs a layer's node in a mode."""
    return f"{'' if making.to == 'layer' else f'{making.to}_'}{'train' if training else 'infer'}"


def _model_of(*, training: bool) -> str:
    """The name of the model of a mode."""
    return "train_model" if training else "infer_model"


def _weight(momentum: float | None) -> str:
    """That of the old statistics."""
    return repr(1 - (momentum or 0.0))


def _modes(case: Case) -> tuple[bool, ...]:
    """Those that a case asks for, as whether it trains."""
    if not case.program:
        return (case.training,)
    actions = {step.action for step in case.program} - {"momentum"}
    return (*((True,) if actions - {"eval"} else ()), *((False,) if "eval" in actions else ()))
