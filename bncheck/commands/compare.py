"""`bncheck compare`: targets against each other and the oracle."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bncheck.commands.options import conventions, of_examples, of_laws, of_targets
from bncheck.terminal import clear_errors, progress_line, terminal


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="A B...")
@of_examples("smoke")
@of_laws
@of_targets("json")
def compare(
    targets: tuple[str, ...],
    profile: str,
    seed: int,
    include: str | None,
    exclude: str | None,
    dtypes: tuple[str, ...],
    device: str | None,
    declared: tuple[str, ...],
    isolate: bool | None,
    reports: tuple[str, ...],
    report_dir: Path,
) -> None:
    """Compare implementations on identical bits, with each other and with the oracle.

    The first line says what is different, and whether that is dialect, numerics or a bug.  Exits with 0 where it is no
    bug, with 1 where it is one, 2 for wrong usage, 4 where a target could not be loaded, 5 where no law applies to all.
    """
    from bncheck.case_file import folder_for_cases
    from bncheck.commands.contest_text import print_contest
    from bncheck.compare.comparing import compared
    from bncheck.compare.contest_json import FILE_NAME, KIND, as_json
    from bncheck.environment import environment
    from bncheck.json_report import destination, written
    from bncheck.options import Options
    from bncheck.properties.catalogue import CATALOGUE
    from bncheck.target import parse_target

    with clear_errors():
        options = Options(
            profile=profile,
            seed=seed,
            include=include,
            exclude=exclude,
            dtypes=dtypes,
            device=device,
            dialect=conventions(declared),
            isolate=isolate,
            cases=folder_for_cases(),
        )
        for text in targets:
            parse_target(text)
        path = destination(report_dir, FILE_NAME, kind=KIND) if reports else None
        with progress_line() as progress:
            contest = compared(targets, CATALOGUE, options, progress=progress)
        console = terminal()
        print_contest(console, contest)
        if path is not None:
            written(as_json(contest, environment(), profile=profile, seed=seed), path)
            console.print(f"report: {path}")
    sys.exit(contest.exit_code)
