"""A matrix as text for people: the table by numbers, the targets that these stand for, what is wrong."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bncheck.matrix.grid import Column, Matrix

_MARKS = {
    "held": "[green].[/]",
    "violated": "[bold red]V[/]",
    "unstable": "[yellow]U[/]",
    "undecided": "[yellow]?[/]",
    "crashed": "[bold red]C[/]",
    "timed_out": "[bold red]T[/]",
    "known": "[cyan]K[/]",
    "not_applicable": "",
}


def print_matrix(console: Console, found: Matrix) -> None:
    """Laws by targets; the targets; the findings; what is not installed."""
    console.print(_table(found))
    console.print(
        ". held  V violated  U unstable  C crashed  T timed out  ? undecided  K known; empty: not applicable; -: not judged"
    )
    console.print()
    for number, column in enumerate(found.columns, start=1):
        versions = f" ({escape(column.versions)})" if column.versions else ""
        console.print(
            f"{number:>3} [bold]{escape(column.target)}[/]{versions}: {escape(column.told())}", soft_wrap=True
        )
        for each in column.content.get("contradictions", ()):
            console.print(f"      [bold red]dialect:[/] {escape(each)}", soft_wrap=True)
    for each in found.findings:
        console.print()
        console.print(f"{each.status} [bold]{each.law}[/] of {escape(each.target)}", soft_wrap=True)
        console.print(f"  {escape(each.content['message'])}", soft_wrap=True)
        cause = f"{each.causes[0]['id']}: {each.causes[0]['text']}" if each.causes else None
        console.print(f"  {escape(f'cause: {cause}' if cause else 'no known cause')}", soft_wrap=True)
        console.print(f"  Reproduce with: {escape(each.content['replay'])}", soft_wrap=True)
    if found.absent:
        console.print()
        console.print("not installed here:")
        for target, command in found.absent.items():
            console.print(f"  {escape(target)}: {escape(command)}", soft_wrap=True)


def _table(found: Matrix) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("law", no_wrap=True)
    for number in range(1, len(found.columns) + 1):
        table.add_column(str(number), justify="right", no_wrap=True)
    for law in found.laws:
        table.add_row(law, *(_mark(column, law) for column in found.columns))
    return table


def _mark(column: Column, law: str) -> str:
    judged = column.laws.get(law)
    return "-" if judged is None else _MARKS[judged["status"]]
