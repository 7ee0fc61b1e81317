"""ONNX's operator by OpenVINO."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bncheck
from bncheck.adapters.frameworks import missing_framework
from bncheck.case import Case
from bncheck.errors import LoadError
from bncheck.loading import load
from bncheck.performing import perform
from bncheck.step import Step

if find_spec("openvino") is None:
    pytest.skip("openvino is not installed", allow_module_level=True)
onnx: Any = pytest.importorskip("onnx")


def verdicts(target: str, laws: str) -> dict[str, str]:
    report = bncheck.check(target, profile="smoke", include=laws, dtypes=["float32"])
    return {law.law.id: law.status.value for law in report.targets[0].laws}


@pytest.mark.parametrize("opset", [9, 15])
def test_openvino_is_right_by_the_main_laws(opset: int) -> None:
    laws = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics))$"

    found = verdicts(f"openvino?opset={opset}", laws)

    assert len(found) == 5
    assert set(found.values()) == {"held"}, found


def test_a_model_file_is_judged_with_its_own_attributes(tmp_path: Path) -> None:
    names = ["X", "scale", "B", "mean", "var"]
    node = onnx.helper.make_node("BatchNormalization", names, ["Y"], epsilon=0.5)
    vectors = [onnx.numpy_helper.from_array(np.ones(3, np.float32), name) for name in names[1:]]
    kind = onnx.TensorProto.FLOAT
    x = onnx.helper.make_tensor_value_info("X", kind, ["N", 3, "H", "W"])
    y = onnx.helper.make_tensor_value_info("Y", kind, None)
    graph = onnx.helper.make_graph([node], "model", [x], [y], vectors)
    opset = [onnx.helper.make_opsetid("", 15)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "bn.onnx")
    target = f"openvino+{tmp_path / 'bn.onnx'}"

    implementation = load(target, isolate=False)

    assert (implementation.adapter.name, implementation.capabilities.eps) == ("openvino", 0.5)
    assert verdicts(target, r"^evaluation\.output$") == {"evaluation.output": "held"}


def test_a_layer_that_refused_a_batch_leaves_none_of_it_to_the_next() -> None:
    adapter = load("openvino", isolate=False).adapter
    refused = Step("forward"), Step("wrong")
    vector = np.ones(2, np.float32)
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    of = Case(x, None, vector, vector, vector, vector, eps=0.5, momentum=0.5, mode="train", program=refused)

    first, then = (perform(adapter, of, device="cpu").observations for _ in range(2))

    assert first[1].error is not None
    assert first[0].y is not None
    assert then[0].y is not None
    assert then[0].y.tobytes() == first[0].y.tobytes()


def test_another_device_is_refused() -> None:
    with pytest.raises(LoadError, match="is judged on cpu alone, not on 'cuda'"):
        load("openvino@cuda", isolate=False)


def test_a_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    said = missing_framework(ModuleNotFoundError(name="openvino"), "it")

    assert str(said) == 'it needs openvino, which is not installed here: pip install "bncheck[openvino]"'
