"""`bncheck campaign`: targets on many seeds, on this machine or on a cluster."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

from bncheck.commands.options import conventions, of_judging, of_laws, of_targets
from bncheck.terminal import clear_errors, terminal

REPORT = "bncheck-campaign.json"


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "--seeds",
    default="0:10",
    show_default=True,
    metavar="FIRST:END",
    help="The seeds, the end not among them; each is a run.",
)
@click.option(
    "--shards",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Into how many parts each run is cut.",
)
@click.option(
    "--profile",
    type=click.Choice(("smoke", "ci", "thorough")),
    default="ci",
    show_default=True,
    help="How much is judged on each seed.",
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="A dask scheduler, for instance tcp://10.0.0.1:8786, whose workers judge the parts.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Without a scheduler: parts judged at a time here; the default is one a processor.",
)
@click.option(
    "--max-time",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Stop after so many seconds, with what was found.",
)
@click.option(
    "--time-limit",
    "limit",
    type=click.FloatRange(min=1),
    default=3600,
    show_default=True,
    metavar="SECONDS",
    help="How long one part may take.",
)
@of_laws
@of_judging
@of_targets("json")
def campaign(
    targets: tuple[str, ...],
    seeds: str,
    shards: int,
    profile: str,
    scheduler: str | None,
    workers: int | None,
    seconds: float | None,
    limit: float,
    include: str | None,
    exclude: str | None,
    dtypes: tuple[str, ...],
    ranks: tuple[int, ...],
    device: str | None,
    declared: tuple[str, ...],
    numerics: tuple[str, ...],
    isolate: bool | None,
    reports: tuple[str, ...],
    report_dir: Path,
) -> None:
    """Judge targets on many seeds and print each law over all of them.

    Each part is a bncheck run in a process of its own, here or on the workers of a dask cluster that have bncheck and
    the target.  The cases of all findings come back into .bncheck/cases, where bncheck replay finds them.
    """
    from bncheck.campaign.campaign import KIND, conducted, planned
    from bncheck.campaign.engine import engine
    from bncheck.campaign.part import Part, search_path
    from bncheck.campaign.text import print_campaign
    from bncheck.case_file import folder_for_cases
    from bncheck.configuration import declared_for
    from bncheck.environment import environment, processors
    from bncheck.errors import UsageError
    from bncheck.json_report import destination, written
    from bncheck.options import Options
    from bncheck.report import jsonable
    from bncheck.target import parse_target

    with clear_errors():
        if scheduler is not None and workers is not None:
            raise UsageError("--workers is for this machine alone; --scheduler has workers of its own")
        chosen, here = seeds_of(seeds), environment()
        named = conventions(declared, numerics)
        Options(
            profile=profile,
            include=include,
            exclude=exclude,
            dtypes=dtypes,
            ranks=ranks,
            device=device,
            dialect=named,
        )
        path = destination(report_dir, REPORT, kind=KIND) if reports else None

        def part(target: str) -> Part:
            own = {**declared_for(parse_target(target)), **named}
            words = ["--profile", profile]
            given = {"--include": include, "--exclude": exclude, "--device": device}
            several = {"--dtype": dtypes, "--rank": ranks, "--dialect": [f"{key}={own[key]}" for key in own]}
            for name, value in given.items():
                words += [] if value is None else [name, value]
            words += [
                word for name, values in several.items() for value in values for word in (name, str(value))
            ]
            words += [] if isolate is None else ["--isolate" if isolate else "--no-isolate"]
            return Part(target, 0, None, tuple(words), search_path(), here["bncheck"], limit, located(target))

        parts = planned(targets, chosen, shards, part)
        told, console = terminal(stderr=True), terminal()
        with engine(scheduler, workers or processors()) as executor:
            found = conducted(
                parts,
                executor,
                environment=here,
                seconds=seconds,
                told=lambda line: told.print(line, markup=False),
            )
        folder = folder_for_cases()
        kept = 0 if folder is None else found.keep_cases(folder)
        print_campaign(console, found, kept)
        if path is not None:
            written(jsonable(found.as_json()), path)
            console.print(f"report: {path}")
    sys.exit(found.exit_code)


def seeds_of(text: str) -> range:
    """`0:10`; raises UsageError for what is no range of seeds."""
    from bncheck.errors import UsageError

    found = re.fullmatch(r"(\d+):(\d+)", text, re.ASCII)
    if found is None or int(found[1]) >= int(found[2]):
        raise UsageError(
            f"{text!r} is no range of seeds; --seeds takes FIRST:END with FIRST below END, as in 0:10"
        )
    return range(int(found[1]), int(found[2]))


def located(target: str) -> str:
    """The target with the whole path of its file, which is looked for from another folder."""
    from bncheck.target import parse_target

    parsed = parse_target(target)
    if not parsed.is_file or Path(parsed.locator).is_absolute():
        return target
    return target.replace(parsed.locator, str(Path(parsed.locator).resolve()), 1)
