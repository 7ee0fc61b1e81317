"""Case files: a finding as one small JSON file of data, exact to the bit, validated when it is read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bncheck.case import Case
from bncheck.case_data import Damage, case_in, case_out
from bncheck.environment import environment
from bncheck.errors import UsageError, tells_of_a_process
from bncheck.reference.formats import FORMATS
from bncheck.whole_files import why_no_files, write_whole

SCHEMA = 1
FOLDER = Path(".bncheck") / "cases"
# A file beyond this holds no case that a run of bncheck has saved.
LARGEST_FILE = 64 * 2**20
# The laws of one value a channel, and of none.
DEGENERATE = "contract."
# What a finding's id does not hang on.
_BESIDE = ("environment", "message", "cause")
_CAUSE = re.compile(r"[a-z_]+\.[a-z0-9_]+( \+ [a-z_]+\.[a-z0-9_]+)?")


@dataclass(frozen=True, slots=True)
class SavedCase:
    """What a file says: the target and how it was asked for, the law, the verdict and its words, and the very case.

    `cause`: the id of the likeliest one, None where none was named.
    """

    target: str
    law: str
    dtype: str
    status: str
    message: str
    case: Case
    device: str | None = None
    dialect: Mapping[str, str] = field(default_factory=dict)
    cause: str | None = None

    @property
    def id(self) -> str:
        """Ten hexadecimal digits of what it holds; the same finding has the same id on every machine."""
        plain = {key: value for key, value in self.as_json().items() if key not in _BESIDE}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:10]

    @property
    def ended(self) -> bool:
        """Whether what failed did not end, or ended its process."""
        return self.status == "timed_out" or tells_of_a_process(self.message)

    def was_found_under(self, device: str | None, dialect: Mapping[str, str]) -> bool:
        """Whether it was found on this device, the CPU where none is named, under these conventions."""
        return (self.device or "cpu") == (device or "cpu") and dict(self.dialect) == dict(dialect)

    def as_json(self) -> dict[str, Any]:
        """Plain data; numbers of arrays are hexadecimal floats."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "law": self.law,
            "dtype": self.dtype,
            "status": self.status,
            "message": self.message,
            "device": self.device,
            "dialect": dict(self.dialect),
            **({} if self.cause is None else {"cause": self.cause}),
            "case": case_out(self.case),
            "environment": environment(),
        }


def save(saved: SavedCase, folder: Path = FOLDER) -> Path:
    """Write the case under its id, whole or not at all; a file that is there already says the same and is replaced.

    UsageError where it cannot be written.
    """
    path = folder / f"{saved.id}.json"
    write_whole(path, text_of(saved))
    return path


def text_of(saved: SavedCase) -> str:
    """The case as its file holds it."""
    return json.dumps(saved.as_json(), indent=1) + "\n"


def folder_for_cases(folder: Path = FOLDER) -> Path | None:
    """The folder that findings are saved in, made when there is one; None where it could not be made or written to."""
    return folder if why_no_files(folder) is None else None


def find(name: str, folder: Path = FOLDER) -> SavedCase:
    """The case of a file's path, or of an id under `folder`; raises UsageError with one sentence for all that is wrong."""
    path = next((each for each in (Path(name), folder / f"{name}.json") if _is_file(each)), None)
    if path is None:
        raise UsageError(
            f"there is no case {name[:80]!r}: neither a file of that name nor one under {folder}"
        )
    return read(path)


def read(path: Path) -> SavedCase:
    """The case of a file; raises UsageError with one sentence for all that is wrong."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UsageError(f"{path} has {size} bytes; a case file has at most {LARGEST_FILE}")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON file: {error}") from None
    try:
        return _saved_of(content)
    except Damage as damage:
        raise UsageError(f"{path} is no case that can be replayed: {damage}") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for a file, or with a zero byte in it
        return False


def _saved_of(content: Any) -> SavedCase:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise Damage(f"its schema is {schema!r}, expected {SCHEMA}")
    words = {key: _word(content, key) for key in ("target", "law", "dtype", "status", "message")}
    if words["dtype"] not in FORMATS:
        raise Damage(f"its dtype is {words['dtype']!r}, expected one of {', '.join(FORMATS)}")
    dialect, device = content.get("dialect", {}), content.get("device")
    if not isinstance(dialect, dict) or not all(isinstance(each, str) for each in dialect.values()):
        raise Damage("its dialect is no table of words")
    if device is not None and not isinstance(device, str):
        raise Damage(f"its device is {device!r}, expected a word")
    cause = content.get("cause")
    if cause is not None and not is_cause(cause):
        raise Damage(f"its cause is {cause!r}, expected a word such as eps.missing")
    case = case_in(content.get("case"))
    if case.count < 2 and not words["law"].startswith(DEGENERATE):
        raise Damage(f"x has fewer than two values a channel, which only a law of {DEGENERATE}* is about")
    return SavedCase(**words, case=case, device=device, dialect=dialect, cause=cause)


def is_cause(told: Any) -> bool:
    """Whether something read is the id of a cause, or of two together."""
    return isinstance(told, str) and _CAUSE.fullmatch(told) is not None


def _word(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise Damage(f"its {key} is {value!r}, expected a word")
    return value
