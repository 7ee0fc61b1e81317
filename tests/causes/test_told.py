"""What the README and the documentation say of causes is what is measured."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bncheck.causes.probes import directed_probes, probes, with_directions

ROOT = Path(__file__).resolve().parents[2]
README, PAGE = ROOT / "README.md", ROOT / "docs" / "causes.md"
SAMPLE = ROOT / "tests" / "command_line" / "samples" / "layers.py"
# Of lines of the example what is left out.
LEFT_OUT = "..."


def example() -> list[str]:
    """The lines of the finding that the README shows."""
    shown = README.read_text(encoding="utf-8").partition("    violated statistics.variance")[2]
    lines = ("violated statistics.variance" + shown.partition("\n\n")[0]).splitlines()
    return [line.strip().removesuffix(LEFT_OUT).strip() for line in lines]


@pytest.mark.skipif(not README.is_file(), reason="the README is not there")
def test_the_readme_shows_what_is_printed(tmp_path: Path) -> None:
    text = SAMPLE.read_text(encoding="utf-8").replace("class Wrong(", "class MyBatchNorm(")
    (tmp_path / "mylayer.py").write_text(text, encoding="utf-8")
    asked = ["mylayer.py:MyBatchNorm", "--profile", "ci", "--seed", "0", "--dtype", "float32"]

    told = subprocess.run(
        [sys.executable, "-m", "bncheck", "run", *asked, "--include", r"^statistics\.variance$"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    lines = example()
    assert len(lines) > 8
    assert [line for line in lines if line not in told.stdout] == []


def directed(*, few: bool) -> int:
    """How many probes have a direction."""
    return sum(len(list(with_directions(case, few=few))) for case in directed_probes("float32", few=few))


@pytest.mark.skipif(not PAGE.is_file(), reason="the documentation is not there")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_there_are_as_many_probes_as_the_documentation_says(dtype: str) -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert f"a fixed list of {len(probes(dtype, few=False))} small cases" in text
    assert (
        f"asked {len(probes(dtype, few=True))} cases of two shapes, and {directed(few=True)} with a direction"
        in text
    )
    assert f"is asked {directed(few=False)} cases with a direction besides" in text
    most = len(probes(dtype, few=False)) + directed(few=False)
    assert f"on up to {most} probes" in README.read_text(encoding="utf-8")
