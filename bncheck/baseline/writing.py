"""Writing a baseline: entries added, dropped and changed in place, so that comments and everything else stay."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, Comment, Item, Table

from bncheck.baseline.entry import Entry
from bncheck.baseline.reading import TABLE
from bncheck.errors import UsageError


@dataclass(frozen=True, slots=True)
class Changes:
    """By the number of an entry in the file: those to drop, and the causes that are others now; None is no cause.

    `reason`, `link`: of entries that have no reason.  `add`: new ones.
    """

    drop: frozenset[int] = frozenset()
    causes: Mapping[int, str | None] = field(default_factory=dict)
    reason: str | None = None
    link: str | None = None
    add: tuple[Entry, ...] = ()


def folder_of(path: Path) -> Path:
    """Where the cases of a baseline lie: a folder of its name, beside it."""
    return path.with_suffix("") if path.suffix else path.with_name(f"{path.name}.cases")


def check_editable(path: Path, text: str) -> None:
    """Raise UsageError where the entries are no tables of their own, which alone can be added and dropped."""
    if not isinstance(tomlkit.parse(text).get(TABLE, AoT([])), AoT):
        raise _not_editable(path)


def changed(path: Path, text: str, changes: Changes) -> str:
    """The text of the file `path` after the changes; all that they do not concern is as it was."""
    lines = "\r\n" if "\r\n" in text else "\n"
    document = tomlkit.parse(text if text.endswith("\n") or not text else text + lines)
    wanted = [dict(each) for each in tomllib.loads(text).get(TABLE, [])]
    tables: Any = document.get(TABLE, AoT([]))
    preamble = "".join(item.as_string() for key, item in document.body if key is None)
    for number, table in enumerate(tables):
        edits = _edits(wanted[number], number, changes)
        _edit(table, edits)
        _edit(wanted[number], edits)
    orphans = _dropped(tables, changes.drop)
    if TABLE in document and not tables:
        del document[TABLE]
    kept = preamble + orphans + tomlkit.dumps(document)[len(preamble) :]
    added = "\n".join(tomlkit.dumps({TABLE: [_plain(path, each)]}) for each in changes.add)
    gap = lines if kept.strip() and added and not kept.endswith(2 * lines) else ""
    result = kept + gap + added.replace("\n", lines)
    wanted = [each for number, each in enumerate(wanted) if number not in changes.drop]
    if tomllib.loads(result).get(TABLE, []) != [*wanted, *(_plain(path, each) for each in changes.add)]:
        raise _not_editable(path)
    return result


def write(path: Path, text: str) -> None:
    """Write a file through a neighbour, so that it is the old one or the new one whenever something ends this."""
    place = path.resolve()
    place.parent.mkdir(parents=True, exist_ok=True)
    neighbour = place.with_name(f"{place.name}.partial")
    neighbour.write_bytes(text.encode("utf-8"))
    if place.exists():
        shutil.copymode(place, neighbour)
    neighbour.replace(place)


def _not_editable(path: Path) -> UsageError:
    return UsageError(
        f"the baseline {path} cannot be edited as it is written; give each entry a table [[{TABLE}]] of its own"
    )


def _edits(told: Mapping[str, Any], number: int, changes: Changes) -> dict[str, str | None]:
    """What changes in one entry; None is a key to leave out."""
    edits: dict[str, str | None] = {}
    if number in changes.causes:
        edits["cause"] = changes.causes[number]
    if not told.get("reason") and changes.reason is not None:
        edits["reason"] = changes.reason
        edits |= {"link": changes.link} if changes.link is not None and "link" not in told else {}
    return edits


def _edit(table: Any, edits: Mapping[str, str | None]) -> None:
    for key, value in edits.items():
        if value is not None:
            table[key] = value
        else:
            table.pop(key, None)


def _dropped(tables: AoT, drop: Iterable[int]) -> str:
    """Drop tables; a comment behind one, which speaks of what follows, is kept behind the one before it.

    Returns the comments that no table is left before.
    """
    orphans = ""
    for number in sorted(drop, reverse=True):
        left = _tail(tables[number])
        del tables[number]
        if not any(isinstance(item, Comment) for item in left):
            continue
        if number:
            for item in left:
                tables[number - 1].append(None, item)
        else:
            orphans = "".join(item.as_string() for item in left)
    return orphans


def _tail(table: Table) -> list[Item]:
    """What stands behind the last key of a table, and of the tables in it that stand last."""
    items = table.value.body
    last = max((number for number, (key, _) in enumerate(items) if key is not None), default=-1)
    behind = [item for _, item in items[last + 1 :]]
    inside = items[last][1] if last >= 0 else None
    return [*_tail(inside), *behind] if isinstance(inside, Table) else behind


def _plain(path: Path, entry: Entry) -> dict[str, Any]:
    """An entry as the table that says it."""
    told: dict[str, Any] = {
        "target": entry.target,
        "law": entry.law,
        "case": Path(os.path.relpath(entry.case, path.parent)).as_posix(),
    }
    told |= {} if entry.cause is None else {"cause": entry.cause}
    told |= {"quantities": list(entry.quantities)} if entry.quantities else {}
    told |= {"reason": entry.reason}
    told |= {} if entry.link is None else {"link": entry.link}
    where: dict[str, Any] = {key: list(words) for key, words in entry.where.words.items()}
    where |= {key: list(ends) for key, ends in entry.where.numbers.items()}
    return told | {"where": where}
