"""One BatchNormalization node of ONNX: as a model of its own, and as it is found in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from bncheck.errors import LoadError

OPERATOR = "BatchNormalization"
_INPUTS = ("X", "scale", "B", "input_mean", "input_var")
_STATISTICS = ("running_mean", "running_var")
# From here on a training mode is asked for by an attribute; before, by asking for all five outputs.
_WITH_MODE = 14
# Before, an attribute is_test chose the mode, and others the layout.
_WITHOUT_IS_TEST = 7


@dataclass(frozen=True, slots=True)
class Node:
    """`epsilon` and `momentum`, the weight of the old statistics, are attributes in float32."""

    opset: int
    epsilon: float
    momentum: float
    training: bool

    def model(self, dtypes: Mapping[str, np.dtype[np.generic]]) -> onnx.ModelProto:
        """A model of this node alone; `dtypes` of x, of the parameters and of the statistics."""
        kinds = {role: helper.np_dtype_to_tensor_dtype(dtype) for role, dtype in dtypes.items()}
        inputs = dict(
            zip(_INPUTS, ("x", "parameters", "parameters", "statistics", "statistics"), strict=True)
        )
        outputs = {"Y": "x"} | (dict.fromkeys(_STATISTICS, "statistics") if self.training else {})
        extra = ("saved_mean", "saved_var") if self.training and self.opset < _WITH_MODE else ()
        outputs |= dict.fromkeys(extra, "statistics")
        attributes: dict[str, Any] = {"epsilon": self.epsilon, "momentum": self.momentum}
        if self.opset >= _WITH_MODE:
            attributes["training_mode"] = int(self.training)
        node = helper.make_node(OPERATOR, list(inputs), list(outputs), **attributes)
        graph = helper.make_graph(
            [node],
            "batch_normalization",
            [helper.make_tensor_value_info(name, kinds[role], None) for name, role in inputs.items()],
            [helper.make_tensor_value_info(name, kinds[role], None) for name, role in outputs.items()],
        )
        # The oldest format that knows all of these operator sets, so that older runtimes read it too.
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a file says of its node; `channels`, `rank` and `dtype` where it says so."""

    node: Node
    channels: int | None
    rank: int | None
    dtype: str | None


def read(path: str) -> Sketch:
    """The one node of a model file; LoadError where there is no file, or another model in it."""
    if not Path(path).is_file():
        raise LoadError(f"there is no file {path}")
    graph_of = onnx.load(path)
    graph = graph_of.graph
    nodes = [each for each in graph.node if each.op_type not in ("Constant", "Identity")]
    if [each.op_type for each in nodes] != [OPERATOR]:
        told = ", ".join(each.op_type for each in nodes) or "no node"
        raise LoadError(f"{path} holds {told}; bncheck judges a model of one {OPERATOR} node")
    (found,) = nodes
    given = {each.name: helper.get_attribute_value(each) for each in found.attribute}
    opset = next((each.version for each in graph_of.opset_import if each.domain in ("", "ai.onnx")), 1)
    if opset < _WITHOUT_IS_TEST:
        raise LoadError(f"{path} is of opset {opset}; bncheck judges those from {_WITHOUT_IS_TEST} on")
    training = bool(given.get("training_mode", opset < _WITH_MODE and len(found.output) > 1))
    node = Node(opset, given.get("epsilon", 1e-5), given.get("momentum", 0.9), training)
    vectors = {each.name: each for each in graph.initializer}
    sizes = [vectors[name].dims[0] for name in found.input[1:] if name in vectors]
    x = next((each for each in graph.input if each.name == found.input[0]), None)
    tensor = None if x is None else x.type.tensor_type
    return Sketch(
        node,
        sizes[0] if sizes else None,
        len(tensor.shape.dim) if tensor is not None and tensor.HasField("shape") else None,
        None if tensor is None else helper.tensor_dtype_to_np_dtype(tensor.elem_type).name,
    )
