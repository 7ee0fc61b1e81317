"""The self-test as text for people: what was checked first, the kill matrix in short, what is wrong, a summary."""

from __future__ import annotations

from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bncheck.cross_check import REFERENCES
from bncheck.kill_matrix import KillMatrix, Row, by_class
from bncheck.selftest import SelfTest, pairs

# Of laws, by the time that one example takes.
SLOWEST = 5


def print_selftest(console: Console, found: SelfTest) -> None:
    """All of it."""
    _print_grounds(console, found)
    console.print()
    console.print(_bugs(found.matrix))
    console.print()
    console.print(_laws(found.matrix))
    console.print()
    _print_wrong(console, found)
    _print_summary(console, found)


def _print_grounds(console: Console, found: SelfTest) -> None:
    """What everything else rests on."""
    console.print(f"oracle: its two evaluations agree on {found.compared} numbers")
    for pair in pairs(found.agreements):
        words = "[bold red]differ[/]" if pair.failures else "agree"
        console.print(
            f"references {pair.left} and {pair.right} {words}: largest difference {pair.worst:.2g} of the sum of "
            f"their bounds, {pair.comparisons} comparisons",
            soft_wrap=True,
        )
        for message in pair.failures[:3]:
            console.print(f"  {escape(message)}", soft_wrap=True)
    for name in (name for name in REFERENCES if name in found.absent):
        console.print(f"reference {name}: not cross-checked: {escape(found.absent[name])}", soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        number = name in {"laws", "examples", "ms", "kills", "ms an example"}
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    return table


def _bugs(matrix: KillMatrix) -> Table:
    """One row a bug, under the class of reports that it belongs to: how many laws kill it, and when the first does."""
    table = _table("planted bug", "laws", "first killed by", "examples", "ms")
    for bug_class, bugs in by_class(tuple(matrix.bugs)).items():
        table.add_row(f"[bold]{escape(bug_class)}[/]")
        for bug in bugs:
            row = matrix.bugs[bug]
            table.add_row(f"  {escape(bug.id)}", *_killed(row))
    return table


def _killed(row: Row) -> tuple[str, str, str, str]:
    if not row.killers or row.until is None:
        return "[bold red]0[/]", "[bold red]survives[/]", str(row.examples), f"{1000 * row.seconds:.1f}"
    return str(len(row.killers)), row.killers[0].law, str(row.until[0]), f"{1000 * row.until[1]:.1f}"


def _laws(matrix: KillMatrix) -> Table:
    """One row a law, run alone: how many bugs it kills, and which no other law kills."""
    table = _table("law", "kills", "ms an example", "only killer of")
    for law in matrix.laws:
        kills, cost = len(matrix.killed[law.id]), matrix.costs.get(law.id)
        each = "-" if cost is None else f"{1000 * cost.each:.2f}"
        table.add_row(
            law.id, str(kills) if kills else "[bold red]0[/]", each, ", ".join(matrix.only_killed_by(law))
        )
    return table


def _print_wrong(console: Console, found: SelfTest) -> None:
    """Survivors, rejected sound variants, idle laws, and what was not judged."""
    matrix = found.matrix
    for defect in matrix.defects:
        console.print(f"[bold red]defect of bncheck[/] {escape(defect)}", soft_wrap=True)
    for bug in matrix.survivors:
        console.print(f"[bold red]survives[/] {escape(bug.id)}: {escape(bug.text)}", soft_wrap=True)
        for hit in matrix.bugs[bug].hits[:1]:
            console.print(f"  only {hit.status} by {hit.law}: {escape(hit.message)}", soft_wrap=True)
    for sound, row in matrix.rejected.items():
        console.print(f"[bold red]rejected[/] {escape(sound.id)}: {escape(sound.text)}", soft_wrap=True)
        for hit in row.hits:
            console.print(f"  {found.place(hit)}: {escape(hit.message)}", soft_wrap=True)
    for law in matrix.idle if matrix.complete else ():
        console.print(f"[bold red]kills nothing[/] {law.id}: {law.name}", soft_wrap=True)
    needless = ", ".join(law.id for law in matrix.beyond_need)
    console.print(
        f"no bug needs, beyond agreement with the oracle: {needless or 'no law is of that kind'}",
        soft_wrap=True,
    )
    for target, reason in matrix.absent.items():
        console.print(f"[yellow]not judged[/] {escape(target)}: {escape(reason)}", soft_wrap=True)


def _print_summary(console: Console, found: SelfTest) -> None:
    matrix, rate = found.matrix, found.matrix.comparisons / found.seconds
    killed = len(matrix.bugs) - len(matrix.survivors)
    kept = len(matrix.sound) - len(matrix.rejected)
    console.print()
    console.print(times(matrix), soft_wrap=True)
    console.print(
        f"{killed} of {len(matrix.bugs)} planted bugs killed, {kept} of {len(matrix.sound)} sound variants kept, "
        f"{len(matrix.laws) - len(matrix.idle)} of {len(matrix.laws)} laws kill; {matrix.comparisons} comparisons in "
        f"{found.seconds:.1f} s, {rate:.0f} a second; profile {found.options.profile}, seed {found.options.seed}, "
        f"{found.options.processes} processes (exit {found.exit_code})",
        soft_wrap=True,
    )


def times(matrix: KillMatrix) -> str:
    """Times to kill, and which laws take longest."""
    slowest = sorted(matrix.costs, key=lambda law: matrix.costs[law].each, reverse=True)[:SLOWEST]
    words = f"slowest laws: {', '.join(f'{law} {1000 * matrix.costs[law].each:.1f} ms' for law in slowest)}"
    if not matrix.times_to_kill:
        return words
    examples, seconds = zip(*matrix.times_to_kill, strict=True)
    return (
        f"time to kill: median {median(examples):.0f} examples and {1000 * median(seconds):.1f} ms, worst "
        f"{max(examples)} examples and {max(seconds):.2f} s; {words}"
    )
