"""`bncheck identify`: the conventions of targets, measured."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bncheck.commands.options import conventions, of_targets
from bncheck.terminal import clear_errors, progress_line, terminal


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@of_targets("json")
def identify(
    targets: tuple[str, ...],
    dtypes: tuple[str, ...],
    device: str | None,
    declared: tuple[str, ...],
    isolate: bool | None,
    reports: tuple[str, ...],
    report_dir: Path,
) -> None:
    """Measure the conventions of implementations, and print them with the evidence.

    Nothing is assumed and nothing is judged: what the weight of a batch is, which variance is tracked, where eps
    stands, what an empty batch does, in which numeric class the arithmetic falls, and where its digits run out.
    Exits with 0; with 1 where a target answers nothing, 2 for wrong usage, 4 where one could not be loaded.
    """
    from bncheck.commands.card_text import print_card
    from bncheck.environment import environment
    from bncheck.identify.card_json import FILE_NAME, KIND, as_json, exit_code
    from bncheck.identify.identifying import carded
    from bncheck.json_report import destination, written
    from bncheck.target import parse_target

    with clear_errors():
        named = conventions(declared)
        for text in targets:
            parse_target(text)
        path = destination(report_dir, FILE_NAME, kind=KIND) if reports else None
        console, cards = terminal(), []
        for number, target in enumerate(targets):
            with progress_line() as progress:
                if progress is not None:
                    progress(f"identifying {target}", number, len(targets))
                cards.append(carded(target, device=device, dialect=named, dtypes=dtypes, isolate=isolate))
            print_card(console, cards[-1])
        if path is not None:
            written(as_json(cards, environment()), path)
            console.print(f"report: {path}")
    sys.exit(exit_code(cards))
