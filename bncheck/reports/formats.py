"""The formats that a report can be written in, where their files go, and what a run on GitHub is told besides."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bncheck import whole_files
from bncheck.errors import UsageError
from bncheck.law import Law
from bncheck.report import is_of_kind
from bncheck.reports import github, html, junit, markdown, sarif
from bncheck.reports.finding_text import Plain
from bncheck.whole_files import why_no_files, write_whole


@dataclass(frozen=True, slots=True)
class Format:
    """`file`: its name; `text`: of a JSON report and the laws that there are; `is_ours`: whether a text is such a report."""

    file: str
    text: Callable[[Plain, Sequence[Law]], str]
    is_ours: Callable[[str], bool]


def _json(content: Plain) -> str:
    return json.dumps(content, indent=2, allow_nan=False) + "\n"


FORMATS: Mapping[str, Format] = {
    "json": Format(
        "bncheck-report.json", lambda report, _: _json(report), lambda text: is_of_kind(text, None)
    ),
    "junit": Format("bncheck-report.xml", lambda report, _: junit.junit(report), junit.is_ours),
    "sarif": Format(
        "bncheck-report.sarif", lambda report, laws: _json(sarif.sarif(report, laws)), sarif.is_ours
    ),
    "md": Format("bncheck-report.md", lambda report, _: markdown.markdown(report), markdown.is_ours),
    "html": Format(
        "bncheck-report.html",
        lambda report, laws: html.page(report, {law.id: (law.name, law.formula) for law in laws}),
        html.is_ours,
    ),
}


def destinations(names: Iterable[str], folder: Path) -> dict[str, Path]:
    """Where the reports of these formats will go, in a folder that is made where it is missing.

    Raises UsageError for a format that there is not, a folder that cannot be made or written, and a file in it that is
    no report of ours in that format.
    """
    paths: dict[str, Path] = {}
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"{name!r} is no format of a report; valid are {', '.join(FORMATS)}")
        own = FORMATS[name]
        paths |= whole_files.destinations(
            {name: own.file}, (name,), folder, is_ours=own.is_ours, what="a report of bncheck"
        )
    if paths:
        _make_writable(folder)
    return paths


def write_all(report: Plain, laws: Sequence[Law], paths: Mapping[str, Path]) -> None:
    """Write a JSON report to each of its destinations in that one's format, each file whole or not at all."""
    for name, path in paths.items():
        write_whole(path, FORMATS[name].text(report, laws))


def summarise(report: Plain) -> list[str]:
    """Append the report to the summary of the job, where GitHub names its file; the lines to print for its runner."""
    lines = github.annotations(report) if os.environ.get("GITHUB_ACTIONS") == "true" else []
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return lines + (_append(Path(summary), markdown.markdown(report)) if summary else [])


def _append(path: Path, text: str) -> list[str]:
    """Append below what stands there; a warning where that fails, for what the run found counts for more."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}" if file.tell() else text)
    except OSError as error:
        told = f"the summary could not be written to {str(path)!r}: {error.strerror}"
        return [github.command("warning", told, title="bncheck")]
    return []


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{str(folder)!r} cannot be made a folder for reports: {error.strerror}") from None
    if (why := why_no_files(folder)) is not None:
        raise UsageError(f"reports cannot be written to {str(folder)!r}: {why}")
