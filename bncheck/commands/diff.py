"""`bncheck diff`: what changed from one report to another."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path

import click

from bncheck.terminal import clear_errors, terminal


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of words.")
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Say what changed between two reports of bncheck run --report json.

    OLD and NEW are files.  Exits with 1 where a law fails that did not, is worse, or is judged no more, else with 0; 2
    for what is no report, 5 where the two have no law in common and none was lost.
    """
    from rich.markup import escape

    from bncheck.report_difference import Change, difference, report_in

    with clear_errors():
        found = difference(report_in(old), report_in(new))
    console = terminal()
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=2))
        sys.exit(found.exit_code)
    for note in found.notes:
        console.print(f"[yellow]note:[/] {escape(note)}", soft_wrap=True)
    for target, changes in groupby(
        sorted(found.changes, key=lambda each: each.target), lambda each: each.target
    ):
        console.print(f"[bold]{escape(target)}[/]", soft_wrap=True)
        for each in changes:
            colour = "red" if each.change.fails else "yellow" if each.change == Change.NEARER else "green"
            console.print(f"  [{colour}]{each.change}[/] {escape(each.words())}", soft_wrap=True)
    counts = {change: sum(each.change == change for each in found.changes) for change in Change}
    told = ", ".join(f"{count} {change}" for change, count in counts.items() if count)
    console.print(
        f"{told or 'no change'}; {found.compared} laws compared (exit {found.exit_code})", soft_wrap=True
    )
    sys.exit(found.exit_code)
