"""`bncheck baseline update`: the file brought up to date with its targets, and what has changed in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bncheck.baseline.entry import Baseline, Entry
from bncheck.baseline.reading import baseline_of, text_of
from bncheck.baseline.standing import EntryReport
from bncheck.baseline.writing import Changes, changed, check_editable, folder_of, write
from bncheck.case_file import save
from bncheck.checking import trust_the_oracle
from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.errors import UsageError
from bncheck.law import Law
from bncheck.options import Options
from bncheck.recording import Recorded, recorded
from bncheck.verify import Progress
from bncheck.whole_files import why_no_files

HEADER = """\
# Failures of batch normalization that are known.  bncheck judges each entry by its case, and fails where one holds,
# has expired or fails for another cause.  `where` says which inputs it is about; ends of ranges count.
"""


@dataclass(frozen=True, slots=True)
class Update:
    """What an update did to a file; `silent`: entries without a reason, which a run refuses."""

    path: Path
    added: tuple[Entry, ...]
    kept: tuple[EntryReport, ...]
    dropped: tuple[EntryReport, ...]
    unsteady: tuple[Entry, ...]
    silent: int


def update(
    path: Path,
    targets: Sequence[Any],
    laws: Sequence[Law],
    options: Options,
    *,
    reason: str | None = None,
    link: str | None = None,
    progress: Progress | None = None,
) -> Update:
    """Judge the targets, then write the baseline `path`: new entries, without those that hold now.

    `reason` and `link` are given to entries that have no reason.  Nothing is written before all targets are judged.
    """
    text = text_of(path) if path.exists() else HEADER
    baseline = baseline_of(path, draft=True) if path.exists() else Baseline(path)
    _check_writable(path, text)
    trust_the_oracle()
    options = replace(options, baseline=baseline, cases=None, replays=None)
    corpus = Corpus(options.seed, effort_of(options.profile))
    found = [
        recorded(target, laws, options, corpus, folder=folder_of(path), progress=progress)
        for target in targets
    ]
    added = tuple(replace(each, reason=reason or "", link=link) for target in found for each in target.added)
    there = [each for target in found for each in target.there]
    dropped = tuple(each for each in there if not each.is_kept)
    numbers = frozenset(baseline.entries.index(each.entry) for each in dropped)
    changes = Changes(numbers, _other_causes(baseline, found), reason, link, added)
    written = changed(path, text, changes)
    for entry in added:
        save(entry.saved, entry.case.parent)
    write(path, written)
    after = baseline_of(path, draft=True)
    _remove_cases(dropped, after)
    return Update(
        path,
        added,
        tuple(each for each in there if each.is_kept),
        dropped,
        tuple(each for target in found for each in target.unsteady),
        sum(not each.reason for each in after.entries),
    )


def _other_causes(baseline: Baseline, found: Sequence[Recorded]) -> dict[int, str | None]:
    """The causes of entries that fail for another one than is written, by the number of the entry."""
    return {
        baseline.entries.index(report.entry): now.cause
        for target in found
        for report, now in zip([each for each in target.there if each.is_kept], target.now, strict=True)
        if report.entry.cause != now.cause
    }


def _check_writable(path: Path, text: str) -> None:
    """Say before the work what would stop its end."""
    check_editable(path, text)
    folder = folder_of(path)
    if folder.exists() and not folder.is_dir():
        raise UsageError(
            f"{folder} is a file; the cases of the baseline {path} go into a folder of that name"
        )
    parent = path.resolve().parent
    there = next(each for each in (parent, *parent.parents) if each.exists())
    if why_no_files(there) is not None:
        raise UsageError(f"the baseline {path} cannot be written: {there} takes no files")


def _remove_cases(dropped: Sequence[EntryReport], after: Baseline) -> None:
    """The case files that updates wrote for entries which are gone; what people named or changed stays."""
    named = {each.case.resolve() for each in after.entries}
    for report in dropped:
        case, saved = report.entry.case, report.entry.saved
        is_ours = case.parent == folder_of(after.path) and case.stem == saved.id
        if is_ours and case.resolve() not in named:
            case.unlink(missing_ok=True)
    with suppress(OSError):  # it is not there, or not empty
        folder_of(after.path).rmdir()
