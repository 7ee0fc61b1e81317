"""The report as text for people: a header, a table a target, findings that end in a line to reproduce, a summary."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bncheck.case_text import arrays_of, shown
from bncheck.earlier_text import print_baseline, print_replayed_cases
from bncheck.numerics import Numerics
from bncheck.replaying import Replayed
from bncheck.report import FAILING, Finding, LawReport, Report, TargetReport
from bncheck.verdict import Status
from bncheck.why import why

COLOURS = {
    Status.HELD: "green",
    Status.VIOLATED: "bold red",
    Status.UNSTABLE: "yellow",
    Status.UNDECIDED: "yellow",
    Status.CRASHED: "bold red",
    Status.TIMED_OUT: "bold red",
    Status.KNOWN: "cyan",
    Status.NOT_APPLICABLE: "dim",
}
REPLAYED = {
    Status.HELD: "FIXED",
    Status.NOT_APPLICABLE: "NOT APPLICABLE",
    Status.UNDECIDED: "UNDECIDED",
}


def print_header(
    console: Console, *, targets: int, laws: int, profile: str, seed: int, processes: int = 1
) -> None:
    """What is about to run."""
    words = "target" if targets == 1 else "targets"
    shared = f", {processes} processes" if processes > 1 else ""
    console.print(
        f"bncheck: {targets} {words}, {laws} {'law' if laws == 1 else 'laws'}, profile {profile}, seed {seed}{shared}"
    )


def print_target(console: Console, report: TargetReport) -> None:
    """One target: its table, why laws do not apply, its findings."""
    console.print()
    if report.error is not None:
        console.print(
            f"[bold]{escape(report.target)}[/]: [bold red]not loaded[/]: {escape(report.error)}",
            soft_wrap=True,
        )
        return
    console.print(f"[bold]{escape(report.target)}[/] on {report.device}, adapter {report.adapter}")
    console.print(_offered(report), soft_wrap=True)
    console.print(_numerics(report.numerics), soft_wrap=True)
    print_replayed_cases(console, report.replayed)
    console.print(_table(report))
    for reason, ids in _reasons(report, Status.NOT_APPLICABLE).items():
        console.print(f"[dim]not applicable:[/] {', '.join(ids)}: {escape(reason)}", soft_wrap=True)
    ended = report.interrupted or report.stopped is not None
    for reason, ids in (_reasons(report, Status.UNDECIDED) if ended else {}).items():
        console.print(f"[yellow]undecided:[/] {', '.join(ids)}: {escape(reason)}", soft_wrap=True)
    for contradiction in report.contradictions:
        console.print(f"[bold red]dialect:[/] {escape(contradiction)}", soft_wrap=True)
    print_baseline(console, report.baseline)
    for law in report.laws:
        if law.findings or (law.status == Status.UNDECIDED and not ended):
            _print_findings(console, law)
    _print_why(console, report)


def _print_why(console: Console, report: TargetReport) -> None:
    """The laws that fail by their causes, where more than one does."""
    failing = [
        law
        for law in report.laws
        if law.status in FAILING and law.findings and law.findings[0].causes is not None
    ]
    if len(failing) < 2:
        return
    found = why((law.law.id, *_first_cause(law)) for law in failing)
    console.print()
    console.print(f"[bold]why {len(failing)} laws fail[/]:")
    for each in found:
        console.print(f"  {escape(each.line())}", soft_wrap=True)
        console.print(f"    {', '.join(each.laws)}", soft_wrap=True)


def _first_cause(law: LawReport) -> tuple[tuple[str, ...], str]:
    """The names and the sentence of the likeliest cause of what fails first."""
    causes = law.findings[0].causes
    return ((causes[0].id, *causes[0].companions), causes[0].text) if causes else ((), "")


def print_summary(console: Console, report: Report) -> None:
    """Saved cases that cannot be replayed, counts of verdicts and checks, the time, the exit code in words."""
    for sentence in report.damaged:
        console.print(f"[yellow]not replayed:[/] {escape(sentence)}", soft_wrap=True)
    interrupted = ", interrupted" if any(target.interrupted for target in report.targets) else ""
    stopped = next((f", stopped as {each.stopped}" for each in report.targets if each.stopped), "")
    console.print()
    console.print(
        f"{report.counted}; {report.checks} checks in {report.seconds:.1f} s; "
        f"profile {report.profile}, seed {report.seed}; {_outcome(report)}{interrupted}{stopped} (exit {report.exit_code})",
        soft_wrap=True,
    )


def print_replayed(console: Console, replayed: Replayed) -> None:
    """What a target does on a saved case."""
    words = REPLAYED.get(replayed.status, "STILL FAILING")
    colour = COLOURS[replayed.status]
    console.print(f"[{colour}]{words}[/] {replayed.law.id} on {escape(replayed.target)}", soft_wrap=True)
    for message in replayed.messages:
        console.print(f"  {escape(message)}", soft_wrap=True)
    for line in cause_lines(replayed):
        console.print(f"  {escape(line)}", soft_wrap=True)
    for note in replayed.notes:
        console.print(f"  {escape(note)}", soft_wrap=True)
    console.print(f"  case: {escape(replayed.case.summary())}", soft_wrap=True)
    for name, array in arrays_of(replayed.case).items():
        console.print(f"    {name} = {escape(shown(array))}", soft_wrap=True)


def _outcome(report: Report) -> str:
    if report.exit_code == 0 and report.summary["undecided"]:
        return "no law fails, not all are decided"
    if report.exit_code == 0 and report.summary["known"]:
        return "no law fails beyond what the baseline knows"
    beside = _beside_the_laws(report)
    if report.exit_code == 1 and beside:
        undecided = (Status.UNDECIDED,) if report.strict else ()
        failing = sum(report.summary[status] for status in (*FAILING, *undecided))
        return ", ".join([*([_OUTCOMES[1]] if failing else []), *beside])
    return _OUTCOMES[report.exit_code]


def _beside_the_laws(report: Report) -> list[str]:
    """What else fails the run: entries of the baseline, and saved cases."""
    stale = sum(len(target.stale) for target in report.targets)
    failing = sum(len(target.still_failing) for target in report.targets)
    words = [f"stale entries of the baseline: {stale}"] if stale else []
    return [*words, f"saved cases that still fail: {failing}"] if failing else words


_OUTCOMES = {
    0: "all laws hold",
    1: "not all laws hold",
    4: "a target could not be loaded",
    5: "no law applied: nothing was judged",
}


def _offered(report: TargetReport) -> str:
    """Ranks and dtypes, and why a rank is not among them."""
    if report.capabilities is None:
        return ""
    ranks = ", ".join(map(str, report.capabilities.ranks))
    dtypes = ", ".join(report.capabilities.dtypes)
    dropped = report.capabilities.reasons.get("ranks")
    return f"takes x of rank {ranks} in {dtypes}" + (f"; not judged: {escape(dropped)}" if dropped else "")


def _numerics(numerics: Numerics | None) -> str:
    if numerics is None:
        return "numerics: not measured"
    if numerics.variance is None:
        return f"numerics ({numerics.dtype}): outside the bounds of every class"
    digits = (
        "digits last up to an offset of 2^24 deviations"
        if numerics.breakdown_offset is None
        else f"digits run out at an offset of 2^{np.log2(numerics.breakdown_offset):.0f} deviations"
    )
    return f"numerics ({numerics.dtype}): variance {numerics.variance}, affine {numerics.affine}; {digits}"


def _table(report: TargetReport) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("law", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("deciding", justify="right")
    table.add_column("worst error / bound", justify="right")
    table.add_column("elements judged", justify="right")
    table.add_column("dtypes", overflow="fold")
    for law in report.laws:
        if law.status == Status.NOT_APPLICABLE:
            continue
        table.add_row(
            law.law.id,
            f"[{COLOURS[law.status]}]{law.status}[/]",
            f"{law.deciding}/{law.examples}",
            "-" if law.worst is None else f"{law.worst:.3g}",
            f"{law.elements.judged} of {law.elements.total}",
            _dtypes(law),
        )
    return table


def _dtypes(law: LawReport) -> str:
    """The dtypes judged; those that decide the verdict, where they are not all."""
    own = [name for name, tally in law.tallies.items() if tally.status == law.status]
    return " ".join(own if law.status != Status.HELD else law.tallies)


def _reasons(report: TargetReport, status: Status) -> dict[str, list[str]]:
    """The laws of a verdict, by its reason."""
    found: dict[str, list[str]] = {}
    for law in report.laws:
        if law.status == status:
            found.setdefault(law.reason or "", []).append(law.law.id)
    return found


def _print_findings(console: Console, law: LawReport) -> None:
    console.print()
    console.print(
        f"[{COLOURS[law.status]}]{law.status}[/] [bold]{law.law.id}[/]: {law.law.name}", soft_wrap=True
    )
    if law.reason is not None:
        console.print(f"  {law.reason}", soft_wrap=True)
    for line in law.law.formula.splitlines():
        console.print(f"    {escape(line)}", style="dim", soft_wrap=True)
    for finding in law.findings:
        console.print(f"  {escape(finding.message)}", soft_wrap=True)
    if law.findings:
        for line in cause_lines(law.findings[0]):
            console.print(f"  {escape(line)}", soft_wrap=True)
        _print_case(console, law.findings[0])


def _print_case(console: Console, finding: Finding) -> None:
    case = finding.case
    console.print(f"  smallest case: {escape(case.summary())}", soft_wrap=True)
    for name, array in arrays_of(case).items():
        console.print(f"    {name} = {escape(shown(array))}", soft_wrap=True)
    if finding.found_by is not None:
        console.print(f"  Found by: {escape(finding.found_by)}", soft_wrap=True)
    console.print(f"  Reproduce with: {escape(finding.replay)}", soft_wrap=True)


def cause_lines(finding: Finding | Replayed) -> list[str]:
    """The causes in words, the likeliest first; nothing where none was looked for."""
    if finding.causes is None:
        return []
    return [f"cause: {cause.line()}" for cause in finding.causes] or ["no known cause"]
