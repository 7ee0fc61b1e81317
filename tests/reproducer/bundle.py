"""The planted layers as a library that needs nothing of bncheck, and a virtual environment that holds nothing of it."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import bncheck.planted
import bncheck.reference.formats

NAME = "planted_library"
LIBRARY = Path(__file__).parent / "library"
# What is about all layers at once, and knows references and adapters.
LEFT_OUT = ("catalogue.py", "framework_sound.py")


def write_library(folder: Path) -> None:
    """The package `planted_library`: sources of bncheck.planted and of `library`, importing each other alone."""
    package = folder / NAME
    package.mkdir()
    planted = Path(bncheck.planted.__file__).parent
    sources = [path for path in planted.glob("*.py") if path.name not in LEFT_OUT]
    for path in (*sources, *LIBRARY.glob("*.py"), Path(bncheck.reference.formats.__file__)):
        (package / path.name).write_text(_apart(path.read_text(encoding="utf-8")), encoding="utf-8")


def _apart(source: str) -> str:
    """The same with `planted_library` where it imports from bncheck, whose adapters `conventions` stands in for."""
    source = re.sub(r"\bbncheck\.(planted|reference)\.", f"{NAME}.", source)
    return re.sub(r"from bncheck(\.\w+)+ import", f"from {NAME}.conventions import", source)


def environment_without_bncheck(folder: Path) -> Path:
    """The Python of a virtual environment with all that is installed here but bncheck."""
    venv.create(folder, symlinks=True)
    paths = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    for each in {sysconfig.get_path(kind) for kind in ("purelib", "platlib")}:
        for entry in Path(each).iterdir():
            if "bncheck" not in entry.name and not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    return Path(sysconfig.get_path("scripts", "venv", paths)) / Path(sys.executable).name


def run_in(python: Path, script: Path, library: Path) -> subprocess.CompletedProcess[str]:
    """A script in an environment, with a library beside it."""
    return subprocess.run(
        [python, script],
        cwd=script.parent,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env={"PYTHONPATH": str(library)},
    )
