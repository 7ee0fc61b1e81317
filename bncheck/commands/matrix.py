"""`bncheck matrix`: the implementations that are installed, against every law."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bncheck.commands.options import DTYPES, of_examples, of_laws
from bncheck.terminal import clear_errors, terminal


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET...]")
@of_examples("ci")
@of_laws
@click.option(
    "--dtype", "dtypes", type=click.Choice(DTYPES), multiple=True, help="Only this dtype (repeatable)."
)
@click.option("--device", metavar="cpu|cuda", help="Where the targets run.")
@click.option(
    "--workers", type=click.IntRange(1), help="Targets judged at a time; the default is one a processor."
)
@click.option(
    "--time-limit",
    "seconds",
    type=click.FloatRange(1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long one target may take.",
)
@click.option(
    "--scripts/--no-scripts", default=False, help="Write a stand-alone script for each finding too."
)
@click.option(
    "--report",
    "reports",
    type=click.Choice(("json", "md", "html")),
    multiple=True,
    help="Also write the matrix as a file (repeatable).",
)
@click.option("--report-dir", type=click.Path(path_type=Path), default=Path(), help="Where reports go.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), metavar="FILE", help="What is known, as for bncheck run."
)
@click.option("--strict", is_flag=True, help="Exit as a run does; without it the exit code is 0.")
def matrix(
    targets: tuple[str, ...],
    profile: str,
    seed: int,
    include: str | None,
    exclude: str | None,
    dtypes: tuple[str, ...],
    device: str | None,
    workers: int | None,
    seconds: float,
    scripts: bool,
    reports: tuple[str, ...],
    report_dir: Path,
    baseline: Path | None,
    strict: bool,
) -> None:
    """Judge many implementations, all that are installed where none is named, and print laws by implementations.

    Each is judged in a process of its own: one that crashes or hangs does not end the others.  Exits with 0 whatever
    was found, with --strict as a run would; with 2 for wrong usage.
    """
    import datetime as dt
    import time

    from bncheck.environment import environment, processors
    from bncheck.matrix.field import FIELD, absent, installed
    from bncheck.matrix.files import SCRIPTS, destinations, write
    from bncheck.matrix.grid import Matrix
    from bncheck.matrix.judging import all_columns, with_scripts
    from bncheck.matrix.text import print_matrix
    from bncheck.options import Options
    from bncheck.runs import Processes
    from bncheck.target import parse_target

    with clear_errors():
        Options(profile=profile, seed=seed, include=include, exclude=exclude, dtypes=dtypes)
        for text in targets:
            parse_target(text)
        paths = destinations(reports, report_dir)
        # Saved cases of earlier runs would make of equal matrices different ones.
        words = ["--no-replay", "--profile", profile, "--seed", str(seed)]
        given = {"--include": include, "--exclude": exclude, "--device": device, "--baseline": baseline}
        for name, value in given.items():
            words += [] if value is None else [name, str(value)]
        for dtype in dtypes:
            words += ["--dtype", dtype]
        told = terminal(stderr=True).print
        processes, started = Processes(seconds), time.perf_counter()
        at_a_time = workers or processors()
        columns = all_columns(
            targets or installed(FIELD),
            words,
            processes,
            workers=at_a_time,
            told=lambda line: told(line, markup=False),
        )
        found = Matrix(
            columns,
            environment(),
            dt.datetime.now(dt.UTC).date().isoformat(),
            profile,
            seed,
            time.perf_counter() - started,
            {} if targets else absent(FIELD),
        )
        if scripts and found.findings and not processes.stopped.is_set():
            folder = report_dir / SCRIPTS
            folder.mkdir(parents=True, exist_ok=True)
            found = with_scripts(
                found, folder, processes, workers=at_a_time, told=lambda line: told(line, markup=False)
            )
        console = terminal()
        print_matrix(console, found)
        write(found, paths)
        for path in paths.values():
            console.print(f"report: {path}")
    if processes.stopped.is_set():
        sys.exit(1)
    sys.exit(found.exit_code if strict else 0)
