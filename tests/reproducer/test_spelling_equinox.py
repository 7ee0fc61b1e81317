"""Scripts for equinox.nn.BatchNorm: what it gets wrong itself, and planted bugs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproducer.targets import case, elsewhere, floats, reproducer

from bncheck.step import Step

pytest.importorskip("equinox")

SAMPLES = Path(__file__).resolve().parent / "samples" / "equinox_modules.py"
IMAGES = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3) ** 2
BUGS = [
    ("AddsOne", "batch", "forward.output", {"dy": None}),
    ("AddsOne", "batch", "evaluation.output", {"x": IMAGES, "dy": None, "mode": "eval", "batches": 3}),
    ("AddsOne", "ema", "evaluation.output", {"dy": None, "mode": "eval"}),
    ("DoublesGradients", "batch", "gradient.dx", {}),
    ("DoublesGradients", "ema", "gradient.dgamma", {"mode": "eval"}),
    ("ShiftsMean", "batch", "statistics.mean", {"x": IMAGES, "dy": None, "batches": 2}),
    ("ShiftsMean", "ema", "statistics.mean", {"dy": None, "gamma": None, "beta": None}),
    ("CountsTwice", "batch", "program.counter", {"dy": None, "program": (Step("train"), Step("eval"))}),
]


def test_a_new_layer_whose_variance_starts_at_one_is_shown(tmp_path: Path) -> None:
    """docs/findings.md."""
    given = case(x=floats([1.0], [3.0]), dy=None, gamma=None, beta=None, momentum=0.5, steps=2)
    given = given.changed(running_mean=floats(0.0), running_var=floats(0.0))
    made = reproducer("equinox.nn:BatchNorm?mode=batch", "statistics.convergence", given)
    done = elsewhere(made.text(), tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "import equinox\n" in made.test()
    # A layer that starts at 0.
    start = 'mode="batch")\nstate = state.set(layer.batch_state_index, (jnp.zeros(1), jnp.zeros(1)))\n'
    sound = made.text().replace('mode="batch")\n', start, 1)
    assert elsewhere(sound, tmp_path).returncode == 0


@pytest.mark.parametrize(("bug", "mode", "law", "changed"), BUGS)
def test_a_script_exits_1_on_a_planted_bug_and_0_on_the_library(
    bug: str, mode: str, law: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    made = reproducer(f"{SAMPLES}:{bug}?mode={mode}", law, case(**changed)).text()
    sound = made.replace(f"(equinox_modules.{bug})", "(equinox.nn.BatchNorm)")
    bad, good = elsewhere(made, tmp_path), elsewhere(sound, tmp_path)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert (good.returncode, good.stderr) == (0, "")
    assert len(made.splitlines()) <= 40
