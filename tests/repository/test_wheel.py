"""The wheel: everything ships inside `bncheck`, and nothing else lands in site-packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("bncheck", "reference", "properties")
FILES = ("pyproject.toml", "README.md", "LICENSE")

pytestmark = pytest.mark.skipif(
    not all((ROOT / name).exists() for name in FOLDERS + FILES),
    reason=f"{ROOT} is not a checkout: there is nothing to build a wheel from",
)


def copy_of_the_sources(target: Path, *, links: bool) -> Path:
    """The sources in `target`, where a build may leave its traces; `links=False` as a zip or Windows hands them over."""
    left_out = shutil.ignore_patterns("__pycache__")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, target / name, symlinks=True, ignore=left_out)
    for name in FILES:
        shutil.copy(ROOT / name, target / name)
    if not links:
        for name in FOLDERS[1:]:
            (target / "bncheck" / name).unlink(missing_ok=True)
    return target


def names_in_the_wheel(source: Path) -> set[str]:
    """Build the wheel of `source` with what is installed here (no isolation, so no network), and list its files."""
    built = source / "dist"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", f"--outdir={built}", str(source)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = built.glob("*.whl")
    return set(ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return names_in_the_wheel(copy_of_the_sources(tmp_path_factory.mktemp("checkout"), links=True))


def test_only_bncheck_and_its_metadata_stand_at_the_top_of_the_wheel(names: set[str]) -> None:
    tops = {name.split("/")[0] for name in names}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"bncheck"}


@pytest.mark.parametrize("folder", ["reference", "properties"])
def test_every_module_at_the_top_of_the_repository_ships_inside_bncheck(names: set[str], folder: str) -> None:
    modules = {f"bncheck/{folder}/{path.name}" for path in (ROOT / folder).glob("*.py")}

    assert f"bncheck/{folder}/__init__.py" in modules
    assert modules == {name for name in names if name.startswith(f"bncheck/{folder}/")}


def test_every_module_of_the_corridor_ships(names: set[str]) -> None:
    links = {ROOT / "bncheck" / folder for folder in FOLDERS[1:]}
    paths = (path for path in (ROOT / "bncheck").rglob("*.py") if links.isdisjoint(path.parents))

    assert {path.relative_to(ROOT).as_posix() for path in paths} <= names


def test_the_wheel_says_that_it_is_typed(names: set[str]) -> None:
    assert "bncheck/py.typed" in names


def test_the_wheel_is_the_same_where_the_links_are_lost(names: set[str], tmp_path: Path) -> None:
    assert names_in_the_wheel(copy_of_the_sources(tmp_path, links=False)) == names
