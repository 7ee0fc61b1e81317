"""How a script comes by the target: its imports, and the expression that names it."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from bncheck.target import Target

# What stands there as soon as torch is imported.
_OF_TORCH = ("torch", "torch.nn", "torch.nn.functional")
_TAKEN = ("numpy", "torch", "jax", "ml_dtypes")


@dataclass(frozen=True, slots=True)
class Naming:
    """`imports`: lines; `name`: the expression; `file`: what the script needs besides the library, None for nothing."""

    imports: tuple[str, ...]
    name: str
    file: str | None = None


def naming_of(target: Target) -> Naming:
    """A module by its name; a file by its place, as the user gave it, with its neighbours importable."""
    if target.is_file:
        return _of_file(target)
    name = f"{target.locator}.{target.attribute}"
    if target.locator in _OF_TORCH:
        return Naming((), name)
    return Naming((*_beside(target.locator), f"import {target.locator}"), name)


def _beside(locator: str) -> tuple[str, ...]:
    """What a module takes to be found that stands in the current directory."""
    root = locator.partition(".")[0]
    here = (Path(root) / "__init__.py").is_file() or Path(f"{root}.py").is_file()
    return ("import sys", 'sys.path.append(".")') if here else ()


def _of_file(target: Target) -> Naming:
    path = Path(target.locator).expanduser()
    stem, folder = path.stem, str(path.parent)
    lines = ["import sys", f"sys.path.insert(0, {json.dumps(folder)})"]
    if stem.isidentifier() and stem not in sys.stdlib_module_names and stem not in _TAKEN:
        return Naming((*lines, f"import {stem}"), f"{stem}.{target.attribute}", str(path))
    lines += [
        "import importlib.util",
        f'spec = importlib.util.spec_from_file_location("target", {json.dumps(str(path))})',
        "target = importlib.util.module_from_spec(spec)",
        "spec.loader.exec_module(target)",
    ]
    return Naming(tuple(lines), f"target.{target.attribute}", str(path))
