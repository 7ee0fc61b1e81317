"""Writes scripts for a library that has a process of its own, and runs them where bncheck cannot be imported."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from reproducer.targets import case, floats

from bncheck.case import Case
from bncheck.direction import Direction
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.properties.catalogue import CATALOGUE
from bncheck.reproducer.claims import Dies, Number
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.script import source_of
from bncheck.reproducer.spelling import spelling_of
from bncheck.reproducer.witness import Recording, Witness, witnesses
from bncheck.step import Step

SAMPLES = Path(__file__).parent / "samples"
# Two channels of four values: in rows, in images of 1 by 2, and in volumes.
ROWS = floats([[0.0, 4.0], [1.0, -2.0]], [[1.0, 3.0], [3.0, 0.5]])
IMAGES, VOLUMES = ROWS[:, :, None], ROWS[:, :, None, None]
NOT_AFFINE = {"gamma": None, "beta": None}
EVALUATED = {"mode": "eval"}
ALONG = Direction(floats([1.0, 0.0], [0.0, -2.0], [0.5, 1.0]))
HALVES = (Step("open"), Step("open", 1), Step("backward"), Step("backward"))
REPLACED = (Step("train"), Step("reload"), Step("eval"))
BESIDE = (Step("other", 1), Step("eval"))
MOVED = (Step("train"), Step("copy"), Step("move"), Step("eval", 1))
MOMENTUM = (Step("train"), Step("momentum", value=0.5), Step("train", 1))

WIDE = {
    each: getattr(case(), each).astype(np.float64)
    for each in ("x", "dy", "gamma", "beta", "running_mean", "running_var")
}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown on a planted `bug` and on the `sound` one: that a law fails there, or else an exact number."""

    bug: str
    sound: str
    law: str = ""
    quantity: str = ""
    changed: dict[str, Any] = field(default_factory=dict)


def _of(bug: str, sound: str, ranked: dict[str, Any]) -> dict[str, Shown]:
    """What is shown of every target, with an x of its rank."""
    unranked = {**ranked, "dy": None}
    return {
        "y in training": Shown(bug, sound, "forward.output", changed=unranked),
        "y in evaluation": Shown(bug, sound, "evaluation.output", changed={**unranked, **EVALUATED}),
        "dx": Shown(bug, sound, "gradient.dx", changed=ranked),
        "dbeta in evaluation": Shown(
            bug, sound, "evaluation_gradient.dbeta", changed={**ranked, **EVALUATED}
        ),
        "gradients of halves": Shown(bug, sound, "program.gradients", changed={**ranked, "program": HALVES}),
    }


def _of_layer(bug: str, sound: str) -> dict[str, Shown]:
    """What a layer has besides."""
    rows = {"x": ROWS, "dy": ROWS[::-1].copy()}
    return {
        **_of(bug, sound, {}),
        "dx of rows": Shown(bug, sound, "gradient.dx", changed=rows),
        "dx without gamma and beta": Shown(bug, sound, "gradient.dx", changed=NOT_AFFINE),
        "dx in float64": Shown(bug, sound, "gradient.dx", changed=WIDE),
        "the running mean": Shown(bug, sound, "statistics.mean"),
        "output of a new layer": Shown(
            bug, sound, "program.output", changed={"program": REPLACED, "dy": None}
        ),
        "output beside another layer": Shown(
            bug, sound, "program.output", changed={"program": BESIDE, "dy": None}
        ),
        "output of a moved layer": Shown(
            bug, sound, "program.output", changed={"program": MOVED, "dy": None}
        ),
    }


def _of_tensorflow() -> dict[str, Shown]:
    fused, moments = "tensorflow_twofold.fused", "tensorflow_twofold.moments"
    sound, formula = "tf.compat.v1.nn.fused_batch_norm", "tf.nn.batch_normalization"
    images = {"x": IMAGES, "dy": IMAGES[::-1].copy()}
    along = {**images, "direction": Direction(IMAGES[:, ::-1].copy())}
    other = {"x": IMAGES, "dy": None, "program": BESIDE}
    return {
        **{f"fused, {name}": each for name, each in _of(fused, sound, images).items()},
        **{f"moments, {name}": each for name, each in _of(moments, formula, {}).items()},
        "fused, y of volumes": Shown(fused, sound, "forward.output", changed={"x": VOLUMES, "dy": None}),
        "fused, y of a momentum of 1": Shown(
            fused, sound, "forward.output", changed={"x": IMAGES, "dy": None, "momentum": 1.0}
        ),
        "fused, the running mean": Shown(fused, sound, "statistics.mean", changed=images),
        "fused, changed momentum": Shown(
            fused, sound, "program.statistics", changed={**images, "program": MOMENTUM, "dy": None}
        ),
        "fused, beside another": Shown(fused, sound, "program.output", changed=other),
        "fused, tangent": Shown(fused, sound, quantity="tangent", changed={**along, "dy": None}),
        "moments, tangent": Shown(
            moments, formula, quantity="tangent", changed={"dy": None, "direction": ALONG}
        ),
        "fused, second_x": Shown(fused, sound, quantity="second_x", changed=along),
        "moments, dx of rows": Shown(
            moments, formula, "gradient.dx", changed={"x": ROWS, "dy": ROWS[::-1].copy()}
        ),
        "moments, dx without gamma and beta": Shown(moments, formula, "gradient.dx", changed=NOT_AFFINE),
        "moments, second_dy": Shown(
            moments, formula, quantity="second_dy", changed={"direction": ALONG, **NOT_AFFINE}
        ),
        "moments, second_gamma": Shown(
            moments, formula, quantity="second_gamma", changed={"direction": ALONG}
        ),
    }


def _of_tinygrad(bug: str, sound: str) -> dict[str, Shown]:
    """What a layer has that is neither copied nor moved, and the derivatives of its gradients."""
    along = {"direction": ALONG}
    return {
        **{name: each for name, each in _of_layer(bug, sound).items() if name != "output of a moved layer"},
        "changed momentum": Shown(
            bug, sound, "program.statistics", changed={"program": MOMENTUM, "dy": None}
        ),
        "second_gamma": Shown(bug, sound, quantity="second_gamma", changed=along),
        "second_dy": Shown(bug, sound, quantity="second_dy", changed={**along, **NOT_AFFINE}),
    }


_PADDLE = ("paddle_twofold.Twofold", "paddle.nn.BatchNorm1D")
_MLX = ("mlx_twofold.Twofold", "mlx.nn.BatchNorm")
_TINYGRAD = ("tinygrad_twofold.Twofold", "tinygrad.nn.BatchNorm")
_STRIDED = {"dy": None, **EVALUATED, "layouts": {"x": "transposed", "gamma": "step", "running_mean": "step"}}
SHOWN = {
    "paddle": {
        **_of_layer(*_PADDLE),
        "y of strided arrays": Shown(*_PADDLE, "evaluation.output", changed=_STRIDED),
        "y of channels last": Shown(
            f"{_PADDLE[0]}?data_format='NLC'", _PADDLE[1], "forward.output", changed={"x": ROWS, "dy": None}
        ),
    },
    "tensorflow": _of_tensorflow(),
    "mlx": {
        **_of_layer(*_MLX),
        "changed momentum": Shown(*_MLX, "program.statistics", changed={"program": MOMENTUM, "dy": None}),
    },
    "tinygrad": _of_tinygrad(*_TINYGRAD),
}
# A finding that each library has: its target, the law, and what the case has that others have not.
KNOWN: dict[str, tuple[str, str, dict[str, Any]]] = {
    "paddle": ("paddle.nn:BatchNorm1D", "gradient.dx", {**WIDE, "eps": 0.1}),
    "tensorflow": ("tensorflow.nn:batch_normalization", "second_order.x", {"direction": ALONG}),
    "tinygrad": ("tinygrad.nn:BatchNorm", "second_order.x", {"direction": ALONG}),
}
_ADAPTERS = {"fused": "tensorflow_fused+", "moments": "tensorflow_moments+"}


def loaded(target: str) -> Implementation:
    """A target in this very process, one of the samples as `module.name`."""
    if ":" in target:
        return load(target, dtypes=("float32", "float64"), isolate=False)
    module, _, name = target.partition(".")
    place = f"{_ADAPTERS.get(name, '')}{SAMPLES / module}.py:{name}"
    return load(place, dtypes=("float32", "float64"), isolate=False)


def written(implementation: Implementation, shown: Shown, name: str) -> str:
    """The script of a witness: of a law the last one, which of a program has all its steps."""
    of = case(**shown.changed)
    if shown.law:
        (law,) = (each for each in CATALOGUE if each.id == shown.law)
        *_, found = witnesses(law, of, Recording(implementation))
    else:
        found = _exact(shown.quantity, of, implementation)
    return _script(implementation, found, name)


def _script(implementation: Implementation, found: Witness, name: str) -> str:
    scene = Scene(spelling_of(implementation), implementation.capabilities, found.case)
    return source_of(scene, found.claim).script([name])


def _exact(quantity: str, of: Case, implementation: Implementation) -> Witness:
    """The largest exact number, of (C, m), or of (C,) for second_gamma."""
    exact = Recording(implementation).exact(of, quantity).hi
    channel, *rest = (int(each) for each in np.unravel_index(np.argmax(np.abs(exact)), exact.shape))
    value = float(exact[channel, *rest])
    index: tuple[int, ...] = (channel,)
    if quantity != "second_gamma":
        first, *place = np.unravel_index(rest[0], (of.x.shape[0], *of.x.shape[2:]))
        index = (int(first), channel, *map(int, place))
    return Witness(of, Number(quantity, index, value, 1e-5 * abs(value)))


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


def _scripts(library: str) -> Iterator[tuple[str, str, str]]:
    """Each by its name, on the bug and on the sound one."""
    for name, shown in SHOWN[library].items():
        text = written(loaded(shown.bug), shown, name)
        sound = text.replace(shown.bug.partition("?")[0], shown.sound)
        yield name, text, sound.replace("import mlx_twofold\n", "import mlx.nn\n")
    if library in KNOWN:
        target, law, changed = KNOWN[library]
        text = written(loaded(target), Shown(target, target, law, changed=changed), law)
        yield "known", text, text
    if library == "mlx":
        empty = case(x=np.zeros((0, 2), np.float32), dy=np.zeros((0, 2), np.float32))
        text = _script(loaded("mlx.nn:BatchNorm"), Witness(empty, Dies("no answer")), "empty")
        yield "empty", text, text


def main() -> None:
    """Writes to a file, by name, a script, how it ends on the bug and how on the sound one; and the words for counts."""
    library, place = sys.argv[1:]
    scripts = list(_scripts(library))
    counts = {spelling_of(loaded(each.bug)).count() for each in SHOWN[library].values()}
    for name in [each for each in sys.modules if each.partition(".")[0] == "bncheck"]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Hidden())
    found: dict[str, object] = {"counts": sorted(counts)}
    for name, bug, sound in scripts:
        found[name] = (bug, "not run", "not run") if name == "empty" else (bug, ends(bug), ends(sound))
    Path(place).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
