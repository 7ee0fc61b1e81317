"""Scripts for TensorFlow, paddle, MLX and tinygrad: on a planted bug, on what the library gives, and of findings that it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from reproducer.scripts_apart import KNOWN, SHOWN
from reproducer.targets import elsewhere

TESTS = Path(__file__).resolve().parents[1]
JUDGED_APART = """
from reproducer.scripts_apart import KNOWN
from reproducer.targets import case, reproducer
target, law, changed = KNOWN["paddle"]
print(reproducer(target, law, case(**changed)).text(), end="")
"""
EMPTY = "np.zeros((0, 2), np.float32)"


@cache
def scripts(library: str) -> dict[str, Any]:
    """What a process of the library's own tells of its scripts; skips without the library."""
    # Not imported here: TensorFlow and paddle come in one order alone.
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-m", "reproducer.scripts_apart", library, str(file)]
        environment = {**os.environ, "PYTHONPATH": str(TESTS), "TF_CPP_MIN_LOG_LEVEL": "3"}
        if which("clang") is None:
            environment.setdefault("DEV", "PYTHON")  # tinygrad's device that needs no compiler
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("library", "name"), [(library, name) for library, shown in SHOWN.items() for name in shown]
)
def test_a_script_exits_1_on_the_bug_and_0_on_the_sound_one(library: str, name: str) -> None:
    text, bug, sound = scripts(library)[name]

    assert (bug, sound) == (1, 0), text
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("library", KNOWN)
def test_a_script_of_a_finding_that_the_library_has_exits_1(library: str) -> None:
    text, status, _ = scripts(library)["known"]

    assert status == 1, text
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("library", [each for each in SHOWN if each != "tinygrad"])
def test_these_libraries_count_no_batches(library: str) -> None:
    assert scripts(library)["counts"] == ["None"]


def test_tinygrad_counts_its_batches() -> None:
    assert scripts("tinygrad")["counts"] == ["layer.num_batches_tracked.item()"]


def test_a_script_is_written_for_a_layer_that_is_judged_in_another_process(tmp_path: Path) -> None:
    if find_spec("paddle") is None:
        pytest.skip("paddle is not installed")
    done = subprocess.run(
        [sys.executable, "-c", JUDGED_APART],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert done.returncode == 0, done.stderr

    assert "layer = paddle.nn.BatchNorm1D(2, epsilon=0.1, momentum=0.75)\n" in done.stdout
    assert "import paddle.nn\n" not in done.stdout
    assert elsewhere(done.stdout, tmp_path).returncode == 1


def test_a_sum_of_mlx_that_may_not_return_is_watched_from_another_process(tmp_path: Path) -> None:
    text, *_ = scripts("mlx")["empty"]
    quick = text.replace("timeout=20", "timeout=10")

    # In about every second process it does not.
    assert any(elsewhere(quick, tmp_path).returncode == 1 for _ in range(12))
    assert EMPTY in text
    assert elsewhere(text.replace(EMPTY, "np.zeros((3, 2), np.float32)"), tmp_path).returncode == 0
