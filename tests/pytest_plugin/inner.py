"""Pytest runs of users, each in a process and a folder of its own."""

from __future__ import annotations

import sys
from importlib.metadata import distributions

import pytest

import bncheck.pytest_targets  # noqa: F401  # once, not in each run in this process

# Cheap, and the same in every test.
CHEAP = (
    "--bncheck-profile=smoke",
    "--bncheck-include=^statistics[.](mean|variance)$",
    "--bncheck-dtype=float32",
)
IDS = ["bncheck::reference.numpy::statistics.mean", "bncheck::reference.numpy::statistics.variance"]
# A layer that tracks the biased variance.
WRONG = """
import numpy as np


class Wrong:
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.eps, self.momentum, self.training = eps, momentum, True
        self.weight, self.bias = np.ones(num_features, "f4"), np.zeros(num_features, "f4")
        self.running_mean, self.running_var = np.zeros(num_features, "f4"), np.ones(num_features, "f4")

    def forward(self, x):
        if not self.training:
            return self.normalised(x, self.running_mean, self.running_var)
        mean, variance = x.mean(0, dtype="f8"), x.var(0, dtype="f8")
        kept, w = 1 - self.momentum, self.momentum
        self.running_mean = (kept * self.running_mean + w * mean).astype("f4")
        self.running_var = (kept * self.running_var + w * variance).astype("f4")
        return self.normalised(x, mean, variance)

    def normalised(self, x, mean, variance):
        return ((x - mean) / np.sqrt(variance + self.eps) * self.weight + self.bias).astype(x.dtype)
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Pytest in a process of its own, where warnings are errors and unknown markers too."""
    return pytester.run(
        sys.executable,
        "-m",
        "pytest",
        *plugged(pytester),
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--strict-markers",
        *arguments,
    )


def look(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Pytest in this process, for what it says before any test runs."""
    plugin = () if _is_installed() else ("-p", "bncheck.pytest_plugin")
    return pytester.runpytest_inprocess(*plugin, "-p", "no:cacheprovider", "--strict-markers", *arguments)


def _is_installed() -> bool:
    """As pytest looks for it: in every distribution, a second one of the same name too."""
    points = [point for each in distributions() for point in each.entry_points]
    return any((point.group, point.name) == ("pytest11", "bncheck") for point in points)


def plugged(pytester: pytest.Pytester) -> tuple[str, ...]:
    """What a run needs to have the plugin by its name: nothing, where bncheck was installed with its entry point."""
    if _is_installed():
        return ()
    folder = pytester.path / "bncheck_entry-0.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: bncheck-entry\nVersion: 0\n", encoding="utf-8"
    )
    (folder / "entry_points.txt").write_text(
        "[pytest11]\nbncheck = bncheck.pytest_plugin\n", encoding="utf-8"
    )
    return ()


def node_ids(result: pytest.RunResult) -> list[str]:
    """What -q --collect-only names."""
    return [line for line in result.outlines if "::" in line]
