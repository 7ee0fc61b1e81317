"""Cases of plain targets, and scripts run where bncheck cannot be imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from bncheck.case import Case
from bncheck.case_file import SavedCase
from bncheck.properties.catalogue import CATALOGUE
from bncheck.replaying import Replay, replayed
from bncheck.reproducer.reproducing import Reproducer, reproduced

PLAIN = Path(__file__).resolve().parents[1] / "causes" / "plain"
HOSTILE = Path(__file__).resolve().parents[1] / "isolation" / "samples" / "hostile.py"
# Hides bncheck, wherever it stands, from whatever comes after it.
_HIDDEN = """
import runpy, sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "bncheck":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
"""


def floats(*values: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def case(**changed: object) -> Case:
    """Two channels of three values, everything given and nothing symmetric."""
    return Case(
        x=floats([0.0, 1.0], [1.0, 3.0], [4.0, -2.0]),
        dy=floats([1.0, 0.5], [0.0, -1.0], [2.0, 0.25]),
        gamma=floats(2.0, 0.5),
        beta=floats(0.25, -1.0),
        running_mean=floats(1.0, -1.0),
        running_var=floats(4.0, 0.25),
        eps=0.5,
        momentum=0.25,
        mode="train",
    ).changed(**changed)


def saved(target: str, law: str, of: Case) -> SavedCase:
    return SavedCase(target, law, of.x.dtype.name, "violated", "it is wrong", of)


def reproducer(target: str, law: str, of: Case) -> Reproducer:
    asked = Replay(saved(target, law, of))
    with replayed(asked, CATALOGUE) as (found, implementation):
        return reproduced(found, asked, implementation)


def elsewhere(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A script run in an empty folder, where bncheck cannot be imported."""
    path = folder / "reproducer.py"
    path.write_text(text)
    hidden = f"{_HIDDEN}sys.argv[:] = [{str(path)!r}]\nrunpy.run_path({str(path)!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", hidden],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )


def on(other: str, text: str, bug: str) -> str:
    """The script of `bug` on `other`, both `module.name` of the same folder."""
    module, changed = bug.partition(".")[0], re.sub(rf"\b{re.escape(bug)}\b", other, text)
    return changed.replace(f"import {module}\n", f"import {other.partition('.')[0]}\n")
