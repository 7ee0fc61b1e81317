"""Writes scripts on one backend of Keras, of which a process has but one, and runs them where bncheck cannot be imported."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from reproducer.targets import case, floats

from bncheck.case import Case
from bncheck.comparison import native_index
from bncheck.direction import Direction
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.properties.catalogue import CATALOGUE
from bncheck.reproducer.claims import Number
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.script import source_of
from bncheck.reproducer.spelling import spelling_of
from bncheck.reproducer.witness import Recording, Witness, witnesses
from bncheck.step import Step
from bncheck.trial import shape_of

SAMPLE = Path(__file__).parent / "samples" / "keras_twofold.py"
BUG, SOUND = "keras_twofold.Twofold", "keras.layers.BatchNormalization"
# Two channels of four values in images of 1 by 2.
IMAGES = floats([[[0.0, 4.0]], [[1.0, -2.0]]], [[[1.0, 3.0]], [[3.0, 0.5]]])
BFLOAT16 = np.array([[0.0, 1.0], [1.0, 3.0], [4.0, -2.0]], ml_dtypes.bfloat16)
V = floats([1.0, 0.0], [0.0, -2.0], [0.5, 1.0])
ALONG = Direction(np.zeros_like(V), floats(1.0, -1.0), floats(0.5, 2.0))
NOT_AFFINE = {"gamma": None, "beta": None}
CHANGES = (Step("train"), Step("copy"), Step("momentum", value=0.5), Step("eval", 1))
REPLACED = (Step("train"), Step("reload"), Step("eval"))
BESIDE = (Step("train"), Step("other", 1), Step("eval"))
HALVES = (Step("open"), Step("open", 1), Step("copy"), Step("backward"))
# By what they show: a law, and what the case has that others have not.
FORWARD: dict[str, tuple[str, dict[str, Any]]] = {
    "y in training": ("forward.output", {"dy": None}),
    "y in evaluation": ("evaluation.output", {"dy": None, "mode": "eval"}),
    "y of images": ("forward.output", {"x": IMAGES, "dy": None}),
    "y without gamma and beta": ("forward.output", {"dy": None, **NOT_AFFINE}),
    "y in bfloat16": ("forward.output", {"x": BFLOAT16, "dy": None}),
    "the statistics": ("statistics.mean", {"dy": None}),
    "the output of a changed layer": ("program.output", {"dy": None, "program": CHANGES}),
    "the output of a new layer": ("program.output", {"dy": None, "program": REPLACED}),
    "the output beside another layer": ("program.output", {"dy": None, "program": BESIDE}),
}
GRADIENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "dx": ("gradient.dx", {}),
    "dx of images": ("gradient.dx", {"x": IMAGES, "dy": IMAGES[::-1]}),
    "dx without gamma and beta": ("gradient.dx", NOT_AFFINE),
    "dgamma": ("gradient.dgamma", {}),
    "dbeta in evaluation": ("evaluation_gradient.dbeta", {"mode": "eval"}),
    "the statistics beside gradients": ("statistics.mean", {}),
    "the gradients of halves": ("program.gradients", {"program": HALVES}),
}
# By the quantity; the adapter of JAX offers none of them, for which the spelling has words all the same.
FURTHER: dict[str, dict[str, Any]] = {
    "tangent": {"dy": None, "direction": Direction(V)},
    "second_dy": {"direction": Direction(V)},
    "second_x": {"direction": Direction(V)},
    "second_gamma": {"direction": Direction(V)},
    "tangent of images": {"x": IMAGES, "dy": None, "direction": Direction(IMAGES[::-1])},
    "second_x without gamma and beta": {"direction": Direction(V), **NOT_AFFINE},
    "tangent along gamma and beta": {"dy": None, "direction": ALONG},
    "second_x along gamma and beta": {"direction": ALONG},
}
# Along gamma and beta they are those of a layer whose gamma and beta are that direction.
EXCHANGED = {"tangent": "y", "second_x": "dx"}
# Keras's own layer is wrong there: TensorFlow cuts the mean within a variance off from what is differentiated.
WRONG = {("tensorflow", "second_x"), ("tensorflow", "second_x without gamma and beta")}
LAYOUTS = {"x": "transposed", "gamma": "step", "running_mean": "step"}


def names(backend: str) -> list[str]:
    """Of the scripts on a backend."""
    more = [*GRADIENTS, *FURTHER, "y in float64"] if backend != "numpy" else []
    strided = ["y of strided arrays"] if backend == "torch" else []
    return [name for name in (*FORWARD, *more, *strided) if (backend, name) not in WRONG]


def written(backend: str) -> Iterator[tuple[str, str]]:
    """The scripts for the sample, by name."""
    implementation = load(f"{SAMPLE}:Twofold", dtypes=("float32", "float64", "bfloat16"), isolate=False)
    laws = {**FORWARD, **GRADIENTS}
    laws["y of strided arrays"] = "evaluation.output", {"mode": "eval", "layouts": LAYOUTS}
    for name in names(backend):
        if name == "y in float64":
            wide = {each: getattr(case(), each).astype(np.float64) for each in ("x", "gamma", "beta")}
            statistics = {each: np.ones(2) for each in ("running_mean", "running_var")}
            given = case(**wide, **statistics, dy=None)
            found = _exact("y", given, implementation)
        elif name in laws:
            law, changed = laws[name]
            found = _failing(law, _offered(case(**changed), implementation), implementation)
        else:
            found = _exact(name.partition(" ")[0], case(**FURTHER[name]), implementation)
        scene = Scene(spelling_of(implementation), implementation.capabilities, found.case)
        yield name, source_of(scene, found.claim).script([name])


def _offered(of: Case, implementation: Implementation) -> Case:
    """Its program without steps that the adapter does not offer."""
    missing = {"copy", "reload"} - set(implementation.capabilities.actions)
    return of.changed(program=tuple(step for step in of.program if step.action not in missing))


def _failing(law: str, of: Case, implementation: Implementation) -> Witness:
    """What fails first, of a program in the last step that does."""
    (judged,) = (each for each in CATALOGUE if each.id == law)
    found = [*witnesses(judged, of, Recording(implementation))]
    return found[-1 if of.program else 0]


def _exact(quantity: str, of: Case, implementation: Implementation) -> Witness:
    """The largest exact number."""
    trial, direction = Recording(implementation), of.direction
    if direction is None or direction.gamma is None:
        exact = trial.exact(of, quantity).hi
    else:
        exchanged = of.changed(direction=None, gamma=direction.gamma, beta=direction.beta)
        exact = trial.exact(exchanged, EXCHANGED[quantity]).hi
    row, column = divmod(int(np.argmax(np.abs(exact))), exact.shape[1])
    expected = float(exact[row, column])
    index = native_index(row, column, shape_of(quantity, of))
    return Witness(of, Number(quantity, index, expected, 1e-6 * abs(expected)))


class _Hidden:
    """Hides bncheck from what is imported from now on."""

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] == "bncheck":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def ends(script: str) -> int | str:
    """Its exit status, or what it raises."""
    hook = sys.excepthook
    try:
        with redirect_stdout(StringIO()):
            exec(compile(script, "script.py", "exec"), {"__name__": "__main__"})
    except SystemExit as ended:
        return int(ended.code or 0)
    except Exception as error:  # noqa: BLE001 - whatever it raises is told
        return f"{type(error).__name__}: {error}"
    finally:
        sys.excepthook = hook
    return "it did not end by itself"


def main() -> None:
    """Writes to a file, by name, a script, and how it ends on the bug and on Keras's own layer."""
    backend = sys.argv[1]
    os.environ["KERAS_BACKEND"] = backend
    scripts = dict(written(backend))
    for name in [each for each in sys.modules if each.partition(".")[0] == "bncheck"]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Hidden())
    found = {name: (text, ends(text), ends(text.replace(BUG, SOUND))) for name, text in scripts.items()}
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
