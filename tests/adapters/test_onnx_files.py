"""Models in files: what their one node says is judged, and what is no such model is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bncheck
from bncheck.errors import LoadError
from bncheck.loading import load

onnx: Any = pytest.importorskip("onnx")
NAMES = ["X", "scale", "B", "mean", "var"]


def written(
    folder: Path, *, operator: str = "BatchNormalization", training: bool = False, opset: int = 15
) -> str:
    """A model file as an exporter writes it: gamma, beta and the statistics of three channels are constants in it."""
    outputs = ["Y", "new_mean", "new_var"] if training else ["Y"]
    attributes = {"epsilon": 0.5, "momentum": 0.75} if operator == "BatchNormalization" else {}
    if training:
        attributes["training_mode"] = 1
    inputs = NAMES if operator == "BatchNormalization" else ["X"]
    node = onnx.helper.make_node(operator, inputs, outputs, **attributes)
    kind = onnx.TensorProto.FLOAT
    x = onnx.helper.make_tensor_value_info("X", kind, ["N", 3, "H", "W"])
    vectors = [onnx.numpy_helper.from_array(np.ones(3, np.float32), name) for name in NAMES[1:]]
    made = [onnx.helper.make_tensor_value_info(name, kind, None) for name in outputs]
    graph = onnx.helper.make_graph([node], "model", [x], made, vectors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)
    path = folder / "bn.onnx"
    onnx.save(model, path)
    return str(path)


@pytest.mark.parametrize("runner", ["onnxruntime", "onnx.reference"])
def test_a_model_file_is_judged_with_its_own_attributes(runner: str, tmp_path: Path) -> None:
    pytest.importorskip(runner)
    target = f"{runner}+{written(tmp_path)}"

    capabilities = load(target, isolate=False).capabilities
    report = bncheck.check(target, profile="smoke", include=r"^evaluation\.output$", isolate=False)

    assert (capabilities.eps, capabilities.fixed_momentum, capabilities.channels) == (0.5, 0.25, 3)
    assert (capabilities.ranks, capabilities.dtypes) == ((4,), ("float32",))
    assert capabilities.why_not("train") == "training_mode is 0"
    assert [law.status.value for law in report.targets[0].laws] == ["held"]


def test_a_model_in_training_mode_is_judged_in_training(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    target = written(tmp_path, training=True)

    report = bncheck.check(
        target, profile="smoke", include=r"^(statistics\.variance|evaluation\.output)$", isolate=False
    )

    assert [law.status.value for law in report.targets[0].laws] == ["held", "not_applicable"]


def test_another_model_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="holds Relu; bncheck judges a model of one BatchNormalization node"):
        load(f"onnx.reference+{written(tmp_path, operator='Relu')}", isolate=False)


def test_a_model_whose_node_says_its_mode_in_an_older_way_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="is of opset 6; bncheck judges those from 7 on"):
        load(f"onnx.reference+{written(tmp_path, opset=6)}", isolate=False)
