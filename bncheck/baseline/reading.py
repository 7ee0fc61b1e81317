"""Reading a baseline: a strict TOML file of tables [[known]], each with its case."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from bncheck.baseline.entry import Baseline, Entry
from bncheck.baseline.where import where_of
from bncheck.case_file import is_cause, read
from bncheck.errors import UsageError
from bncheck.verdict import Status

TABLE = "known"
KEYS = ("target", "law", "case", "cause", "quantities", "reason", "link", "versions", "expires", "where")
# A file beyond this is no list that people keep.
LARGEST_FILE = 4 * 2**20


def baseline_of(path: Path, *, draft: bool = False) -> Baseline:
    """The baseline of a file; `draft`: entries may still lack their reason.

    Raises UsageError with one sentence for all that is wrong with it, or with a case that it names.
    """
    tables = _tables(path, text_of(path))
    return Baseline(path, tuple(_entry(path, *each, draft=draft) for each in enumerate(tables, start=1)))


def text_of(path: Path) -> str:
    """The text of the file as it is, its line ends included."""
    if path.is_dir():
        raise UsageError(f"the baseline {path} is a folder, expected a file")
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UsageError(f"the baseline {path} has more than {LARGEST_FILE} bytes")
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise UsageError(
            f"there is no baseline {path}; bncheck baseline update TARGET --baseline {path} writes it"
        ) from None
    except OSError as error:
        raise UsageError(f"the baseline {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"the baseline {path} is no TOML file: it is not in UTF-8") from None


def _tables(path: Path, text: str) -> list[Any]:
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the baseline {path} is no TOML file: {error}") from None
    for key in content:
        if key != TABLE:
            raise UsageError(f"the baseline {path} has the key {key!r}; valid are tables [[{TABLE}]] alone")
    tables = content.get(TABLE, [])
    if not isinstance(tables, list):
        raise UsageError(f"{TABLE} in {path} is {tables!r}, expected tables [[{TABLE}]]")
    return tables


def _entry(path: Path, number: int, told: Any, *, draft: bool) -> Entry:
    """One table; what is wrong with it is told with its number."""
    try:
        return _checked(path.parent, told, draft=draft)
    except UsageError as error:
        raise UsageError(f"entry {number} of the baseline {path} is wrong: {error}") from None


def _checked(folder: Path, told: Any, *, draft: bool) -> Entry:
    if not isinstance(told, dict):
        raise UsageError(f"it is {told!r}, expected a table [[{TABLE}]]")
    for key in told:
        if key not in KEYS:
            raise UsageError(f"it has the key {key!r}; valid are {', '.join(KEYS)}")
    target, law, case = (_word(told, key) for key in ("target", "law", "case"))
    saved = read(folder / case)
    entry = Entry(
        target=target,
        law=law,
        case=folder / case,
        saved=saved,
        reason=_reason(told, draft=draft),
        where=where_of(told.get("where", {})),
        cause=_cause(told),
        quantities=_quantities(told.get("quantities", [])),
        link=_word(told, "link") if "link" in told else None,
        versions=_versions(told.get("versions", {})),
        expires=_day(told.get("expires")),
    )
    if saved.law != law:
        raise UsageError(f"its law is {law!r}, that of its case {case} is {saved.law!r}")
    failing = [str(status) for status in Status if status.fails]
    if saved.status not in failing:
        raise UsageError(f"its case {case} is {saved.status!r}, expected one of {', '.join(failing)}")
    outside = entry.where.why_outside(saved.case)
    if outside is not None:
        raise UsageError(f"its case {case} lies outside its own where: {outside}")
    return entry


def _word(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"its {key} is {value!r}, expected a text")
    return value


def _reason(told: Mapping[str, Any], *, draft: bool) -> str:
    """Every entry says why it is tolerated; only a draft may still be silent."""
    reason = told.get("reason", "")
    if draft and reason == "":
        return ""
    if not isinstance(reason, str) or not reason.strip():
        law = told.get("law")
        raise UsageError(
            f"the reason of {law} is {reason!r}, expected a sentence that says why it is tolerated"
        )
    return reason


def _cause(told: Mapping[str, Any]) -> str | None:
    cause = told.get("cause")
    if cause is not None and not is_cause(cause):
        raise UsageError(f"its cause is {cause!r}, expected a word such as eps.missing")
    return None if cause is None else str(cause)


def _quantities(told: Any) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(isinstance(each, str) and each for each in told):
        raise UsageError(f"its quantities are {told!r}, expected a list such as ['running_var']")
    return tuple(told)


def _versions(told: Any) -> dict[str, str]:
    if not isinstance(told, dict):
        raise UsageError(f'its versions are {told!r}, expected a table such as {{torch = ">=2.4,<2.14"}}')
    for name, specifier in told.items():
        try:
            SpecifierSet(specifier)
        except (InvalidSpecifier, TypeError, AttributeError, ValueError):
            raise UsageError(
                f"its version of {name} is {specifier!r}, expected one such as '>=2.4,<2.14'"
            ) from None
    return dict(told)


def _day(told: Any) -> date | None:
    if told is not None and (not isinstance(told, date) or isinstance(told, datetime)):
        raise UsageError(f"expires is {told!r}, expected a day such as 2027-01-31, without quotes")
    return told
