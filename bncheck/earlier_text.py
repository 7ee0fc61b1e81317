"""What earlier runs have left, as text: the saved cases that were replayed, and the failures that the baseline knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from bncheck.baseline.entry import Baseline
from bncheck.baseline.standing import EntryReport, Standing
from bncheck.report import Report
from bncheck.saved_cases import ReplayedCase

# Those that a person may want to look at.
_LISTED = {"still failing": "bold red", "not judged": "yellow"}


def print_replayed_cases(console: Console, cases: Sequence[ReplayedCase]) -> None:
    """How many of the saved cases still fail, and which."""
    if not cases:
        return
    counts = Counter(case.word for case in cases)
    words = ", ".join(f"{count} {word}" for word, count in counts.items())
    console.print(f"saved cases: {len(cases)} replayed: {words}", soft_wrap=True)
    for case in cases:
        if case.word in _LISTED:
            words = f"[{_LISTED[case.word]}]{case.word}[/] {case.path.stem}"
            console.print(f"  {words} {case.saved.law}: {escape(case.message)}", soft_wrap=True)


def print_baseline(console: Console, entries: Sequence[EntryReport]) -> None:
    """What the baseline knows and why it is tolerated, then the entries that are stale or do not apply, and why.

    Entries that differ in their dtype alone share a line.
    """
    lines: dict[tuple[str, str, str], list[str]] = {}
    for each in sorted(entries, key=lambda entry: entry.standing != Standing.KNOWN):
        lines.setdefault((_word(each), each.entry.law, _told(each)), []).append(each.entry.dtype)
    for (word, law, told), dtypes in lines.items():
        console.print(f"{word} {law} ({', '.join(dict.fromkeys(dtypes))}): {escape(told)}", soft_wrap=True)


def print_share(console: Console, report: Report, baseline: Baseline) -> None:
    """How many entries a run was about, and what to do with stale ones."""
    own = [each for target in report.targets for each in target.baseline]
    hint = "; bncheck baseline update drops those that hold now" if any(each.is_stale for each in own) else ""
    console.print(
        f"baseline {baseline.path}: {len(own)} of {len(baseline.entries)} entries are for this run{hint}",
        soft_wrap=True,
        markup=False,
    )


def _word(report: EntryReport) -> str:
    if report.standing == Standing.KNOWN:
        return "[cyan]known[/]"
    return "[bold red]stale[/]" if report.is_stale else "[dim]does not apply[/]"


def _told(report: EntryReport) -> str:
    """Why an entry is there, and why it is not what it was."""
    entry = report.entry
    reason = entry.reason + ("" if entry.link is None else f" ({entry.link})")
    return reason if report.standing == Standing.KNOWN else f"{report.message}; it was tolerated: {reason}"
