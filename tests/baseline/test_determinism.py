"""Two processes with the same seed, versions and target say the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

LAYERS = Path(__file__).parent / "samples" / "layers.py"


def report(folder: Path, hash_seed: str) -> tuple[str, Any]:
    """What a process of its own prints and writes, seconds left out."""
    folder.mkdir()
    words = [
        f"{LAYERS}:Layer",
        "--profile",
        "smoke",
        "--seed",
        "11",
        "--include",
        "^statistics",
        "--dtype",
        "float32",
    ]
    process = subprocess.run(
        [sys.executable, "-m", "bncheck", "run", *words, "--report", "json"],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 1, process.stderr
    return process.stdout, without_seconds(json.loads((folder / "bncheck-report.json").read_text()))


def without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_seconds(each) for key, each in value.items() if key != "seconds"}
    return [without_seconds(each) for each in value] if isinstance(value, list) else value


def test_two_processes_with_the_same_seed_say_the_same_and_print_how_to_see_it_again(tmp_path: Path) -> None:
    (text, first), (_, second) = report(tmp_path / "first", "1"), report(tmp_path / "second", "2")
    assert first == second
    failing = [law for law in first["targets"][0]["laws"] if law["findings"]]
    assert len(failing) == 3
    assert text.count("--seed 11 ") == text.count("Reproduce with: bncheck replay ") == 3
