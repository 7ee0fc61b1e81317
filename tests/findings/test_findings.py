"""Every script of docs/findings.md shows its finding on the versions that are tested, with the library alone."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
SCRIPTS = dict(re.findall(r"^## (.+?)$.*?^```python\n(.+?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL))


def test_every_finding_has_a_script() -> None:
    assert len(SCRIPTS) == PAGE.read_text().count("\n## ") > 0


@pytest.mark.parametrize(
    "title", [pytest.param(title, marks=pytest.mark.gpu if "CUDA" in title else ()) for title in SCRIPTS]
)
def test_the_script_exits_1_and_needs_no_bncheck(title: str, tmp_path: Path) -> None:
    framework = title.split(maxsplit=1)[0]
    if find_spec(framework) is None:  # not imported: some libraries cannot be imported after others
        pytest.skip(f"{framework} is not installed")
    if framework == "tinygrad" and which("clang") is None:
        pytest.skip("tinygrad compiles for the CPU with clang")
    if "CUDA" in title and not import_module(framework).cuda.is_available():
        pytest.skip("no GPU")
    assert "bncheck" not in SCRIPTS[title]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPTS[title]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Error" not in done.stderr
