"""Scripts for haiku.BatchNorm: what it gets wrong itself, and planted bugs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproducer.targets import case, elsewhere, floats, reproducer

from bncheck.step import Step

pytest.importorskip("haiku")

SAMPLES = Path(__file__).resolve().parent / "samples" / "haiku_modules.py"
IMAGES = np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3) ** 2
BUGS = [
    ("AddsOne", "", "forward.output", {"dy": None}),
    ("AddsOne", "", "evaluation.output", {"x": IMAGES, "dy": None, "mode": "eval"}),
    ("AddsOne", "?data_format=NCHW", "evaluation.output", {"x": IMAGES, "dy": None, "mode": "eval"}),
    ("DoublesGradients", "", "gradient.dx", {}),
    ("ShiftsMean", "", "statistics.mean", {"x": IMAGES, "dy": None, "batches": 2}),
    ("CountsTwice", "", "program.counter", {"dy": None, "program": (Step("train"), Step("eval"))}),
]


def on_the_library(text: str, bug: str) -> str:
    """The script on haiku's own module, under the name that haiku gives to it."""
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", bug).lower()
    return text.replace(f"haiku_modules.{bug}(", "haiku.BatchNorm(").replace(f'"{snake}', '"batch_norm')


def test_a_variance_that_is_lost_in_its_mean_is_shown(tmp_path: Path) -> None:
    """docs/findings.md."""
    given = case(x=floats([20002.0], [19998.0]), dy=None, gamma=None, beta=None)
    given = given.changed(running_mean=floats(0.0), running_var=floats(1.0))
    made = reproducer("haiku:BatchNorm", "forward.output", given)
    done = elsewhere(made.text(), tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "import haiku\n" in made.test()
    # The same batch about 0, where nothing is lost.
    near = made.text().replace("20002.0", "2.0").replace("19998.0", "-2.0")
    assert elsewhere(near, tmp_path).returncode == 0


@pytest.mark.parametrize(("bug", "options", "law", "changed"), BUGS)
def test_a_script_exits_1_on_a_planted_bug_and_0_on_the_library(
    bug: str, options: str, law: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    made = reproducer(f"{SAMPLES}:{bug}{options}", law, case(**changed)).text()
    bad, good = elsewhere(made, tmp_path), elsewhere(on_the_library(made, bug), tmp_path)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert (good.returncode, good.stderr) == (0, "")
    assert len(made.splitlines()) <= 40
