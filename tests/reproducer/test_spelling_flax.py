"""Scripts for flax's layers: each exits with 1 on a layer that is wrong, with 0 on flax's own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproducer.targets import case, elsewhere, floats, reproducer

from bncheck.case import Case
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.reproducer.claims import Claim, Given, Number
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.script import source_of
from bncheck.reproducer.spelling import spelling_of
from bncheck.reproducer.step_claims import Unchanged
from bncheck.step import Action, Step
from bncheck.trial import Trial, shape_of

pytest.importorskip("flax")
SAMPLE = Path(__file__).resolve().parent / "samples" / "flax_wrong.py"
KINDS = ("Linen", "Nnx")
# Runs scripts in one process, which bncheck cannot be imported in, and tells how each of them ended.
RUNNER = """
import json, runpy, sys, traceback
sys.modules["bncheck"] = None
for path in sys.argv[1:]:
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as ended:
        print(json.dumps([path, int(ended.code)]), file=sys.stderr)
    except Exception:
        traceback.print_exc()
"""


@dataclass(frozen=True)
class Shown:
    """What a script shows of a case.  `step`: of its program.  `given`: statistics given anew before that step.
    `says`: what stands in the script for each kind.
    """

    quantity: str
    of: dict[str, Any] = field(default_factory=dict)
    step: int | None = None
    given: bool = False
    claim: Claim | None = None
    says: tuple[str, str] = ("", "")
    options: str = ""


def steps(*actions: Action) -> dict[str, Any]:
    return {"program": tuple(Step(action) for action in actions)}


def in_dtype(name: str) -> dict[str, Any]:
    dtype = np.dtype(name)
    return {each: getattr(case(), each).astype(dtype) for each in ("x", "dy")}


PLAIN: dict[str, Any] = {"gamma": None, "beta": None, "running_mean": None, "running_var": None}
FRESH = {
    "gamma": floats(1, 1),
    "beta": floats(0, 0),
    "running_mean": floats(0, 0),
    "running_var": floats(1, 1),
}
IMAGES = {name: np.stack([getattr(case(), name)] * 2, axis=2) for name in ("x", "dy")}
DOUBLE = {
    name: getattr(case(), name).astype(np.float64)
    for name in ("x", "dy", "gamma", "beta", "running_mean", "running_var")
}
EVAL: dict[str, Any] = {"mode": "eval"}
MOMENTUM: dict[str, Any] = {
    "dy": None,
    "program": (Step("momentum", value=0.5), Step("other"), Step("single"), Step("train")),
}
HALVES = {
    "program": (
        Step("open"),
        Step("train", batch=1),
        Step("open", batch=1),
        Step("backward"),
        Step("backward"),
    )
}
SHOWN = {
    "output of a new layer": Shown("y", {**FRESH, "dy": None}, says=("layer.init(", "")),
    "output of images": Shown("y", {**IMAGES, "dy": None}, says=("moveaxis", "moveaxis")),
    "output of half precision": Shown("y", in_dtype("float16"), says=("dtype=jnp.float16", "astype")),
    "output without parameters": Shown("y", {**PLAIN, "dy": None}, says=("use_bias=False", "use_bias=False")),
    "running mean": Shown("running_mean", says=("|= changed", "BatchStat")),
    "dx": Shown("dx", says=("jax.vjp", "nnx.vjp")),
    "dx of images": Shown("dx", IMAGES, options="?axis=1", says=("axis=1", "axis=1")),
    "dx without parameters": Shown("dx", {**PLAIN, **IMAGES}),
    "dgamma": Shown("dgamma"),
    "dbeta": Shown("dbeta"),
    "dx in evaluation": Shown("dx", EVAL),
    "evaluation moves the mean": Shown("running_mean", EVAL, claim=Given("running_mean")),
    "a step moves the mean": Shown(
        "running_mean",
        steps("train", "eval"),
        claim=Unchanged("running_mean", 1),
    ),
    "running mean after another momentum": Shown("running_mean", MOMENTUM, step=3),
    "dgamma of a half that is closed later": Shown("dgamma", HALVES, step=3, says=("pull0(dy)", "pull0(dy)")),
    "output from given statistics": Shown("y", steps("train", "eval"), step=1, given=True),
    "dgamma of float64": Shown("dgamma", DOUBLE, says=("enable_x64", "enable_x64")),
}


@cache
def loaded(target: str) -> Implementation:
    return load(target, isolate=False)


def number(of: Case, shown: Shown, target: str) -> Claim:
    """The number that flax's own layer is to have, with its bound."""
    trial = Trial(loaded(target))
    judged, before = of, None
    if shown.step is not None:
        situation = trial.situations(of)[shown.step]
        assert situation.case is not None
        judged, before = situation.case, situation.before
    index = (0,) * len(shape_of(shown.quantity, judged))
    exact, bound = trial.exact(judged, shown.quantity), trial.bounds(judged)[shown.quantity]
    return Number(
        shown.quantity,
        index,
        float(exact.hi[0, 0]),
        float(bound.largest[0, 0]),
        shown.step,
        before=before if shown.given else None,
    )


def script(kind: str, shown: Shown) -> str:
    """For the layer that is wrong."""
    of = case(**shown.of)
    target = f"{SAMPLE}:{{}}{kind}{shown.options}"
    wrong = loaded(target.format("Wrong"))
    claim = shown.claim or number(of, shown, target.format(""))
    scene = Scene(spelling_of(wrong), wrong.capabilities, of)
    return source_of(scene, claim).script(["."])


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    return {f"{name}, {kind}": script(kind, shown) for name, shown in SHOWN.items() for kind in KINDS}


@pytest.fixture(scope="module")
def ended(scripts: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How each script ends, by its name on the layer that is wrong and by `sound` before it on flax's own."""
    folder = tmp_path_factory.mktemp("scripts")
    texts = scripts | {f"sound {name}": text.replace(".Wrong", ".") for name, text in scripts.items()}
    paths = {str(folder / f"{number}.py"): name for number, name in enumerate(texts)}
    for path, name in paths.items():
        Path(path).write_text(texts[name], encoding="utf-8")
    # What needs float64 comes last: the switch is that of the process.
    ordered = sorted(paths, key=lambda path: "enable_x64" in texts[paths[path]])
    command = [sys.executable, "-c", RUNNER, *ordered]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, cwd=folder)
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[")]
    return {paths[path]: status for path, status in told}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SHOWN)
def test_a_script_tells_the_wrong_layer_from_the_sound_one(
    name: str, kind: str, scripts: dict[str, str], ended: dict[str, int]
) -> None:
    named = f"{name}, {kind}"
    assert (ended[named], ended[f"sound {named}"]) == (1, 0)
    assert SHOWN[name].says[KINDS.index(kind)] in scripts[named]
    assert len(scripts[named].splitlines()) <= 40


# Of float16, dx leaves the range of the parts that it is added up from; nnx promotes y to the float32 of its statistics.
FINDINGS = {
    "flax.linen:BatchNorm": ("gradient.dx", "dx[1, 0] is nan, expected "),
    "flax.nnx:BatchNorm": ("forward.dtypes", "y has dtype float32, expected float16"),
}


@pytest.mark.parametrize("target", FINDINGS)
def test_what_flax_itself_gets_wrong_is_shown(target: str, tmp_path: Path) -> None:
    law, prints = FINDINGS[target]
    of = case(
        gamma=None,
        beta=None,
        x=np.array([[0.0], [-0.000424]], np.float16),
        dy=np.array([[0.0], [24.0]], np.float16),
        running_mean=floats(0.0),
        running_var=floats(0.0),
        eps=1e-8,
    )
    made = reproducer(target, law, of).text()
    done = elsewhere(made, tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(prints)
    assert f"layer = {target.replace(':', '.')}(" in made
