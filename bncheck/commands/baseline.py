"""`bncheck baseline`: the failures that are known, written down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bncheck.commands.options import conventions, of_examples, of_judging, of_laws, of_loading
from bncheck.commands.settings import Configured
from bncheck.terminal import clear_errors, progress_line, terminal

if TYPE_CHECKING:
    from rich.console import Console

    from bncheck.baseline_update import Update

FILE_NAME = "bncheck-baseline.toml"


@click.group()
def baseline() -> None:
    """Keep the failures that are known in a file, with a case and a reason for each."""


@baseline.command(cls=Configured)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--baseline",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=FILE_NAME,
    show_default=True,
    help="The file to write; the cases go into the folder of its name, beside it.",
)
@click.option(
    "--reason", metavar="TEXT", help="Why the new failures are tolerated, of entries without a reason."
)
@click.option("--link", metavar="URL", help="Where that is told, likewise.")
@of_examples("ci")
@of_laws
@of_judging
@of_loading
def update(
    targets: tuple[str, ...],
    path: Path,
    reason: str | None,
    link: str | None,
    profile: str,
    seed: int,
    include: str | None,
    exclude: str | None,
    ranks: tuple[int, ...],
    numerics: tuple[str, ...],
    dtypes: tuple[str, ...],
    device: str | None,
    declared: tuple[str, ...],
    isolate: bool | None,
) -> None:
    """Record today's findings in a baseline, and drop the entries whose case holds now.

    Entries that still fail keep their reason, link, where and expiry, and the file its comments.  bncheck run --baseline
    FILE then tolerates what is known.  Exits with 0 where the file is written, 2 for wrong usage, 4 where a target could
    not be loaded.
    """
    from bncheck.baseline_update import update
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
            ranks=ranks,
            device=device,
            dialect=conventions(declared, numerics),
            isolate=isolate,
        )
        for text in targets:
            parse_target(text)
        with progress_line() as progress:
            once = tuple(dict.fromkeys(targets))
            found = update(path, once, CATALOGUE, options, reason=reason, link=link, progress=progress)
        _print(terminal(), found)


def _print(console: Console, found: Update) -> None:
    """An entry a line, then the counts, and what is left to a person."""
    from rich.markup import escape

    from bncheck.baseline.standing import Standing

    def line(words: str) -> None:
        console.print(escape(words), soft_wrap=True)

    for entry in found.added:
        line(f"added {entry.law} {entry.dtype} ({entry.cause or 'no known cause'}): {entry.case}")
    for report in found.kept:
        told = "" if report.standing == Standing.KNOWN else f": {report.message}"
        line(f"kept {report.entry.law} {report.entry.dtype}{told}")
    for report in found.dropped:
        line(
            f"dropped {report.entry.law} {report.entry.dtype}: {report.message}; it was: {report.entry.reason}"
        )
    for entry in found.unsteady:
        line(f"not written: {entry.law} {entry.dtype} failed, and did not fail again on the same case")
    line(f"{found.path}: {len(found.added)} added, {len(found.kept)} kept, {len(found.dropped)} dropped")
    if found.silent:
        line(
            f"{found.silent} entries have no reason yet: write one into each, for a run refuses them until then"
        )
