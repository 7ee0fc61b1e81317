"""A script shows its finding without bncheck: it exits with 1 on the bug, with 0 on sound code, with 2 otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from reproducer.targets import HOSTILE, PLAIN, case, elsewhere, floats, on, reproducer

from bncheck.errors import UsageError
from bncheck.step import Step


class Shown(NamedTuple):
    """`bug`: module.name beside its `sound` counterpart.  `prints`: what the script says about it."""

    law: str
    bug: str
    sound: str
    prints: str
    changed: dict[str, Any]


EVAL = {"mode": "eval"}
# Of four values a channel, for which the law takes another momentum than 0.
X4 = floats([0.0, 1.0], [1.0, 3.0], [4.0, -2.0], [2.0, 0.0])
NUMPY, LAYER = "numpy_functions.batch_norm", "numpy_layers.BatchNorm"


def steps(*actions: str) -> dict[str, Any]:
    return {"program": tuple(Step(action) for action in actions)}  # type: ignore[arg-type]  # names of actions


SHOWN = (
    Shown("forward.output", "numpy_layers.EpsOutside", LAYER, "y[", {}),
    Shown("forward.moments", "numpy_layers.EpsOutside", LAYER, "y[", {}),
    Shown("range.normalised", "numpy_layers.GammaPlusOne", LAYER, "y[", {"gamma": floats(0.01, 0.01)}),
    Shown("statistics.mean", "numpy_layers.MomentumReversed", LAYER, "running_mean[", {}),
    Shown("statistics.variance", "numpy_layers.BiasedRunningVariance", LAYER, "running_var[", {}),
    Shown("statistics.convergence", "numpy_layers.BiasedRunningVariance", LAYER, "running_", {"steps": 3}),
    Shown("statistics.unbiased", "numpy_layers.BiasedRunningVariance", LAYER, "running_var[", {}),
    Shown("evaluation.statistics", "numpy_layers.TracksInEvaluation", LAYER, "running_", EVAL),
    Shown("evaluation.output", "numpy_layers.EpsOutside", LAYER, "y[", EVAL),
    Shown("gradient.dx", "numpy_backward.DxWithoutMeanTerm", LAYER, "dx[", {}),
    Shown("gradient.dgamma", "numpy_backward.DgammaMean", LAYER, "dgamma[", {}),
    Shown("evaluation_gradient.dbeta", "numpy_backward.DbetaMean", LAYER, "dbeta[", EVAL),
    Shown("parameters.eps", "numpy_layers.EpsFixed", LAYER, "y[", {}),
    Shown("parameters.momentum", "numpy_states.UpdatesTwice", LAYER, "running_mean[", {"x": X4, "dy": X4}),
    Shown("symmetry.scale", "numpy_layers.EpsFixed", LAYER, "[", {}),
    Shown(
        "special_values.propagation",
        "numpy_layers.NanToNum",
        LAYER,
        "expected a NaN",
        {"x": floats([np.nan, 1.0], [1.0, 3.0], [4.0, -2.0])},
    ),
    Shown("purity.inputs", "numpy_states.InPlace", LAYER, "x was written into: True", {}),
    Shown("purity.aliasing", "numpy_states.InPlace", LAYER, "shares memory", {}),
    Shown("layout.forward", "numpy_layers.MemoryOrder", LAYER, "y[", {"layouts": {"x": "transposed"}}),
    Shown("program.output", "numpy_states.StaleInverse", LAYER, "y[", steps("eval", "train", "eval")),
    Shown("program.statistics", "numpy_states.UpdatesTwice", LAYER, "running_", steps("eval", "train")),
    Shown("program.rest", "numpy_layers.TracksInEvaluation", LAYER, "after eval", steps("train", "eval")),
    Shown("program.refusal", "numpy_states.FitsGammaToBatch", LAYER, "it is taken", steps("train", "wrong")),
    Shown("forward.output", "numpy_functions.whole_batch", NUMPY, "y[", {}),
    Shown("statistics.mean", "numpy_functions.mean_over_batch_size", NUMPY, "running_", {"x": None}),
)


def shown(each: Shown) -> tuple[str, str]:
    """The scripts on the bug and on the sound counterpart."""
    module, _, name = each.bug.partition(".")
    changed = each.changed
    if "x" in changed and changed["x"] is None:
        x = floats([[0.0, 1.0], [2.0, 5.0]], [[1.0, 3.0], [1.0, -1.0]])
        changed = {"x": x, "dy": None}
    made = reproducer(f"{PLAIN / module}.py:{name}", each.law, case(**changed)).text()
    return made, on(each.sound, made, each.bug)


@pytest.mark.parametrize("each", SHOWN, ids=lambda each: f"{each.law}-{each.bug}")
def test_a_script_exits_1_on_the_bug_and_0_on_sound_code(each: Shown, tmp_path: Path) -> None:
    made, sound = shown(each)
    bad, good = elsewhere(made, tmp_path), elsewhere(sound, tmp_path)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert (good.returncode, good.stderr) == (0, "")
    assert each.prints in bad.stdout
    assert "import bncheck" not in made
    assert len(made.splitlines()) <= 40


def test_bncheck_cannot_be_imported_where_scripts_run(tmp_path: Path) -> None:
    assert elsewhere("import bncheck", tmp_path).stderr.endswith("No module named 'bncheck'\n")


def test_a_script_that_cannot_run_exits_2(tmp_path: Path) -> None:
    made, _ = shown(SHOWN[0])
    assert elsewhere(made.replace("numpy_layers", "nowhere"), tmp_path).returncode == 2


def test_a_script_that_shows_nothing_is_not_written() -> None:
    target = f"{PLAIN / 'numpy_layers.py'}:BatchNorm"
    with pytest.raises(UsageError, match=r"no script shows a violation of forward\.output"):
        reproducer(target, "forward.output", case())


def test_a_target_that_is_right_has_no_script() -> None:
    with pytest.raises(UsageError, match="no script"):
        reproducer("reference.numpy", "forward.output", case())


def test_an_exception_is_expected_by_its_name(tmp_path: Path) -> None:
    one = {name: getattr(case(), name)[..., :1] for name in ("x", "dy")}
    vectors = {name: getattr(case(), name)[:1] for name in ("gamma", "beta", "running_mean", "running_var")}
    target = f"{PLAIN / 'numpy_layers.py'}:SqueezedChannel"
    made = reproducer(target, "forward.output", case(**one, **vectors)).text()
    assert "except TypeError as error:" in made
    assert elsewhere(made, tmp_path).returncode == 1
    assert elsewhere(on(LAYER, made, "numpy_layers.SqueezedChannel"), tmp_path).returncode == 0


def test_a_process_that_dies_is_watched_from_another(tmp_path: Path) -> None:
    one = {name: getattr(case(), name)[..., :1] for name in ("x", "dy")}
    vectors = {name: getattr(case(), name)[:1] for name in ("gamma", "beta", "running_mean", "running_var")}
    found = reproducer(f"{HOSTILE}:Exits", "forward.output", case(**one, **vectors))
    done = elsewhere(found.text(), tmp_path)
    assert (done.returncode, done.stdout) == (1, "the evaluation ended with 3, expected 0\n")
    assert elsewhere(on("hostile.Sound", found.text(), "hostile.Exits"), tmp_path).returncode == 0
    with pytest.raises(UsageError, match="take the script"):
        found.test()
