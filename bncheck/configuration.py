"""Conventions that a project declares in its pyproject.toml: a table tool.bncheck.dialect."TARGET" for each target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bncheck.dialect import Dialect
from bncheck.errors import UsageError
from bncheck.project_file import nearest, table_in
from bncheck.target import Target, parse_target


def declared_for(target: Target) -> dict[str, str]:
    """The conventions declared for a target in the nearest pyproject.toml, here or above; none where it names none.

    Options and device of a target do not matter; files are looked for beside that pyproject.toml.
    Raises UsageError for what is no convention, and for a file that is no TOML.
    """
    path = nearest()
    if path is None:
        return {}
    found: dict[str, str] = {}
    for name, conventions in _tables(path).items():
        if _same(_named(path, name), target, path.parent):
            found |= _checked(path, name, conventions)
    return found


def _named(path: Path, name: str) -> Target:
    try:
        return parse_target(name)
    except UsageError as error:
        raise UsageError(f"tool.bncheck.dialect in {path} is wrong: {error}") from None


def _tables(path: Path) -> Mapping[str, Any]:
    return table_in(path, ("tool", "bncheck", "dialect"))


def _checked(path: Path, name: str, conventions: object) -> dict[str, str]:
    if not isinstance(conventions, dict):
        raise UsageError(f"{name!r} in {path} is {conventions!r}, expected a table of conventions")
    for key, value in conventions.items():
        try:
            Dialect().declared(key, str(value))
        except UsageError as error:
            raise UsageError(f"{name!r} in {path} is wrong: {error}") from None
    return {key: str(value) for key, value in conventions.items()}


def _same(named: Target, target: Target, folder: Path) -> bool:
    """Whether a name in the file and a target mean the same object."""
    if (named.attribute, named.is_file) != (target.attribute, target.is_file):
        return False
    if named.is_file:
        return (folder / named.locator).resolve() == Path(target.locator).expanduser().resolve()
    return named.locator == target.locator
