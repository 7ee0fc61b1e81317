"""Scripts for torch and JAX: the known findings of torch.nn, a module, a function and a gradient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproducer.targets import PLAIN, case, elsewhere, floats, on, reproducer

from bncheck.step import Step


def test_a_strided_running_variance_of_torch_is_spelled_out(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    given = case(
        mode="eval",
        layouts={"running_var": "step"},
        dy=np.ones((3, 2), np.float32),
        running_var=floats(1.0, 4.0),
    )
    made = reproducer("torch.nn:BatchNorm1d", "layout.evaluation", given).text()
    assert "running_var = torch.tensor([1.0, nan, 4.0, nan], dtype=torch.float32).as_strided" in made
    assert len(made.splitlines()) <= 40
    done = elsewhere(made, tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    # What a release without the bug would do: the arrays one number after the other.
    sound = made.replace("run(*arrays)", "run(*map(contiguous, arrays))")
    assert elsewhere(sound, tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("bug", "sound", "law", "changed"),
    [
        ("torch_modules.DetachedStatistics", "torch_modules.BatchNorm", "gradient.dx", {}),
        ("torch_functions.running_mean_stuck", "torch_functions.batch_norm", "statistics.mean", {}),
        ("jax_functions.detached_variance", "jax_functions.batch_norm", "gradient.dx", {}),
        ("torch_modules.DetachedStatistics", "torch_modules.BatchNorm", "second_order.x", {}),
        ("jax_functions.detached_variance", "jax_functions.batch_norm", "second_order.x", {}),
    ],
)
def test_a_script_of_a_framework_exits_1_on_the_bug_and_0_on_sound_code(
    bug: str, sound: str, law: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip(bug.partition("_")[0])
    module, _, name = bug.partition(".")
    made = reproducer(f"{PLAIN / module}.py:{name}", law, case(**changed)).text()
    bad, good = elsewhere(made, tmp_path), elsewhere(on(sound, made, bug), tmp_path)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert (good.returncode, good.stderr) == (0, "")
    assert len(made.splitlines()) <= 40


def test_a_float32_script_leaves_the_precision_of_jax_as_it_is(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    given = case(program=(Step("train"), Step("eval")))
    target = Path(__file__).parent / "samples" / "jax_drift.py"
    made = reproducer(f"{target}:drifts", "program.rest", given).text()
    assert "np.float64" in made  # of NumPy, to read the bits
    assert "jax_enable_x64" not in made
    assert elsewhere(made, tmp_path).returncode == 1
    assert elsewhere(on("jax_drift.sound", made, "jax_drift.drifts"), tmp_path).returncode == 0


def test_a_torch_module_is_given_the_statistics_that_a_number_follows_from(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    given = case(program=(Step("train"), Step("eval"), Step("train"), Step("eval")))
    target = Path(__file__).parent / "samples" / "torch_memory.py"
    made = reproducer(f"{target}:Remembers", "program.output", given).text()
    assert "layer.running_mean.data.copy_(running_mean_before)" in made
    assert elsewhere(made, tmp_path).returncode == 1
    assert elsewhere(made.replace("torch_memory.Remembers", "torch.nn.BatchNorm1d"), tmp_path).returncode == 0
