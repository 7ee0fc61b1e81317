"""ONNX's BatchNormalization, run by OpenVINO's CPU plugin."""

from __future__ import annotations

from typing import Any

import onnx
import openvino

from bncheck.adapters.found import Found
from bncheck.adapters.onnx_model import OnnxAdapter, Runner
from bncheck.case import Native

# On processors that have it the plugin would take bfloat16 for float32 unless it is told not to.
_SETTINGS = {"INFERENCE_PRECISION_HINT": "f32"}


class OpenvinoAdapter(OnnxAdapter):
    """The conventions of the operator that a model holds.

    Source: OpenVINO's page on the CPU device, which names float32 and half precision, but not float64: that is judged
    where it is asked for.  Of empty batches it says nothing.
    """

    name = "openvino"
    distribution = "openvino"
    dtypes = ("float32",)
    empty = "any"

    def __init__(self, found: Found) -> None:
        self.core: Any = openvino.Core()
        super().__init__(found)

    def runner(self, model: onnx.ModelProto) -> Runner:
        """Compiled once a rank: the plugin wants to know that of x, and no more of its shape."""
        read = self.core.read_model(model.SerializeToString())
        compiled: dict[int, Any] = {}

        def run(given: dict[str, Native]) -> list[Any]:
            rank = given["X"].ndim
            if rank not in compiled:
                read.reshape(
                    {name: openvino.PartialShape([-1] * array.ndim) for name, array in given.items()}
                )
                compiled[rank] = self.core.compile_model(read, "CPU", _SETTINGS)
            found = compiled[rank](given)
            return [found[output] for output in compiled[rank].outputs]

        return run
