"""What a project says in its pyproject.toml: settings in the table tool.bncheck, and for each target the conventions that it
declares, in a table tool.bncheck.dialect."TARGET".
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bncheck.dialect import Dialect
from bncheck.errors import UsageError
from bncheck.target import Target, parse_target

FILE_NAME = "pyproject.toml"


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


def nearest() -> Path | None:
    """The nearest pyproject.toml, here or above."""
    return next(
        (each / FILE_NAME for each in (Path.cwd(), *Path.cwd().parents) if (each / FILE_NAME).is_file()), None
    )


def settings_in(path: Path) -> dict[str, Any]:
    """What the table tool.bncheck says besides conventions; raises UsageError for a file that is no TOML."""
    return {key: value for key, value in _table(path, ("tool", "bncheck")).items() if key != "dialect"}


def _named(path: Path, name: str) -> Target:
    try:
        return parse_target(name)
    except UsageError as error:
        raise UsageError(f"tool.bncheck.dialect in {path} is wrong: {error}") from None


def _tables(path: Path) -> Mapping[str, Any]:
    return _table(path, ("tool", "bncheck", "dialect"))


def _table(path: Path, keys: Sequence[str]) -> Mapping[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    tables: Any = content
    for key in keys:
        tables = tables.get(key, {})
        if not isinstance(tables, dict):
            expected = "[tool.bncheck.dialect.TARGET]" if "dialect" in keys else "[tool.bncheck]"
            raise UsageError(f"{key} in {path} is {tables!r}, expected a table: {expected}")
    return tables  # type: ignore[no-any-return]  # a table of TOML


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
