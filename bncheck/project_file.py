"""The pyproject.toml of a project, and the tables in it that are about bncheck."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bncheck.errors import UsageError

FILE_NAME = "pyproject.toml"


def nearest() -> Path | None:
    """The nearest pyproject.toml, here or above."""
    return next(
        (each / FILE_NAME for each in (Path.cwd(), *Path.cwd().parents) if (each / FILE_NAME).is_file()), None
    )


def settings_in(path: Path) -> dict[str, Any]:
    """What the table tool.bncheck says besides conventions; raises UsageError for a file that is no TOML."""
    return {key: value for key, value in table_in(path, ("tool", "bncheck")).items() if key != "dialect"}


def table_in(path: Path, keys: Sequence[str]) -> Mapping[str, Any]:
    """The table under these keys, empty where it is not there; raises UsageError for a file that is no TOML."""
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
