"""Adapters for the sessions of odd_sessions, which say how their scripts name them."""

# As users write: no types.
# mypy: ignore-errors

import json
from pathlib import Path
from types import SimpleNamespace

import odd_sessions

from bncheck.adapters.found import Found
from bncheck.adapters.onnx_model import OnnxruntimeAdapter
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.onnx_nodes import RUNTIMES, OnnxNode, Runtime

PATH = f"sys.path.insert(0, {json.dumps(str(Path(__file__).parent))})"


class Planted(OnnxruntimeAdapter):
    """onnxruntime with another session."""

    session = None

    def __init__(self):
        super().__init__(Found(None, "planted", options={"opset": 15}))
        options = self.runtime.SessionOptions
        self.runtime = SimpleNamespace(SessionOptions=options, InferenceSession=self.session)

    def spelling(self):
        """In which the session has its own name."""
        sound, own = RUNTIMES["onnxruntime"], f"odd_sessions.{self.session.__name__}"
        compiled = [line.replace("onnxruntime.InferenceSession", own) for line in sound.compiled]
        runtime = Runtime(("import sys", PATH, "import odd_sessions"), tuple(compiled), sound.called)
        return OnnxNode(self, Naming((), own), "cpu", runtime)


def __getattr__(name):
    """The adapter of the session of that name."""
    return type(name, (Planted,), {"session": getattr(odd_sessions, name)})
