"""A comparison as text for people: the headline, every difference, the laws, the pairs."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bncheck.compare.difference import Contest, Difference, Entry, Kind
from bncheck.text_report import COLOURS, cause_lines
from bncheck.verdict import Status

_KINDS = {Kind.BUG: "bold red", Kind.DIALECT: "cyan", Kind.NUMERICS: "yellow"}


def print_contest(console: Console, contest: Contest) -> None:
    """What matters most stands in the first line."""
    if not contest.differences:
        console.print(f"[bold green]{escape(contest.headline)}[/]", soft_wrap=True)
    for each in contest.differences:
        _print_difference(console, each)
    held = [id_ for id_ in _ids(contest) if _all_held(contest, id_)]
    if len(held) < len(_ids(contest)):
        console.print()
        console.print(_laws(contest))
    console.print(f"{len(held)} of {len(_ids(contest))} laws that apply to all hold for all", soft_wrap=True)
    for entry in contest.entries:
        _print_findings(console, entry)
    for pair in contest.pairs:
        worst = ", ".join(f"{name} {ratio:.3g}" for name, ratio in pair.worst.items())
        console.print(
            f"{escape(pair.left)} and {escape(pair.right)} on {pair.evaluations} equal cases, each in its dialect: "
            f"largest difference over the sum of the bounds: {worst or 'nothing to compare'}",
            soft_wrap=True,
        )
    console.print(f"dtypes {', '.join(contest.dtypes)} (exit {contest.exit_code})", soft_wrap=True)


def _print_difference(console: Console, found: Difference) -> None:
    console.print(f"[{_KINDS[found.kind]}]{found.kind}[/]: {escape(found.text)}", soft_wrap=True)
    if found.evidence:
        console.print(f"  [dim]measured:[/] {escape(found.evidence)}", soft_wrap=True)
    if found.declare:
        words = " ".join(f"--dialect {key}={value}" for key, value in found.declare.items())
        what = f", and {', '.join(found.laws)} hold" if found.laws else ""
        console.print(f"  undeclared: judge {escape(str(found.target))} with {words}{what}", soft_wrap=True)


def _laws(contest: Contest) -> Table:
    """The laws that do not hold for all."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("law", no_wrap=True)
    for entry in contest.entries:
        table.add_column(escape(entry.name), overflow="fold")
    for id_ in _ids(contest):
        if not _all_held(contest, id_):
            table.add_row(id_, *(_verdict(entry, id_) for entry in contest.entries))
    return table


def _verdict(entry: Entry, id_: str) -> str:
    status = entry.status(id_)
    told = f"[{COLOURS[status]}]{status}[/]"
    after = entry.translated.get(id_)
    return told if after is None else f"{told}, by its measured dialect [{COLOURS[after]}]{after}[/]"


def _ids(contest: Contest) -> tuple[str, ...]:
    return tuple(each.law.id for each in contest.entries[0].report.laws)


def _all_held(contest: Contest, id_: str) -> bool:
    return all(entry.status(id_) == Status.HELD for entry in contest.entries)


def _print_findings(console: Console, entry: Entry) -> None:
    """The first finding of a target that has a bug, and how to see it again."""
    for report in entry.report.laws:
        if entry.wrong[:1] == (report.law.id,) and report.findings:
            finding = report.findings[0]
            console.print(f"{escape(entry.name)}, {report.law.id}: {escape(finding.message)}", soft_wrap=True)
            for line in cause_lines(finding):
                console.print(f"  {escape(line)}", soft_wrap=True)
            console.print(f"  smallest case: {escape(finding.case.summary())}", soft_wrap=True)
            console.print(f"  Reproduce with: {escape(finding.replay)}", soft_wrap=True)
