"""The command line; everything heavy is imported inside the commands, so that --help stays light."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bncheck.commands.baseline import baseline
from bncheck.commands.campaign import campaign
from bncheck.commands.compare import compare
from bncheck.commands.diff import diff
from bncheck.commands.doctor import doctor
from bncheck.commands.identify import identify
from bncheck.commands.laws import explain, list_laws
from bncheck.commands.matrix import matrix
from bncheck.commands.options import conventions, of_examples, of_judging, of_laws, of_targets
from bncheck.commands.replay import replay
from bncheck.commands.settings import Configured, told
from bncheck.environment import processors, version
from bncheck.terminal import clear_errors, progress_line, terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bncheck.lanes import Collection
    from bncheck.law import Law


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version(), prog_name="bncheck")
def commands() -> None:
    """Say whether a Batch Normalization implementation is right, and where and why it is not.

    Exit codes: 0 all laws hold; 1 something is violated, unstable, undecided or crashed, an entry of the baseline is
    stale, a saved case still fails, or compare finds a bug;
    2 wrong usage; 3 a defect of bncheck itself; 4 a target could not be loaded; 5 nothing ran.
    """


@commands.command(cls=Configured)
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@of_examples("ci")
@of_laws
@of_judging
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The failures that are known, as bncheck baseline update writes them.",
)
@click.option("--replay/--no-replay", default=True, help="Replay the saved cases of earlier runs first.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes; the default is one a processor, up to four, where there is enough to do.",
)
@click.option("--shard", metavar="I/N", help="Judge the I-th of N parts, which together are the whole run.")
@click.option(
    "--max-time", "seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after so many seconds."
)
@click.option(
    "--max-failures", "failures", type=click.IntRange(min=1), help="Stop once so many laws have failed."
)
@click.option(
    "--exit-zero", is_flag=True, help="Exit with 0 where laws do not hold, for a run that only tells."
)
@of_targets("json", "junit", "sarif", "md", "html")
def run(
    targets: tuple[str, ...],
    profile: str,
    seed: int,
    include: str | None,
    exclude: str | None,
    dtypes: tuple[str, ...],
    ranks: tuple[int, ...],
    device: str | None,
    declared: tuple[str, ...],
    numerics: tuple[str, ...],
    baseline: Path | None,
    replay: bool,
    workers: int | None,
    shard: str | None,
    seconds: float | None,
    failures: int | None,
    exit_zero: bool,
    isolate: bool | None,
    reports: tuple[str, ...],
    report_dir: Path,
) -> None:
    """Judge implementations by the laws of batch normalization.

    TARGET is [adapter+]LOCATOR[:attribute][?key=value&...][@device], for instance torch.nn:BatchNorm2d,
    mylayer.py:MyBatchNorm, torch.nn:BatchNorm1d?affine=false, reference.numpy.

    Options that are not given are taken from the environment (BNCHECK_PROFILE, BNCHECK_MAX_TIME, ...), else from the
    table tool.bncheck of the nearest pyproject.toml.
    """
    from bncheck.baseline.reading import baseline_of
    from bncheck.case_file import FOLDER, folder_for_cases
    from bncheck.checking import run
    from bncheck.crew import Crew, processes_for
    from bncheck.division import part_of
    from bncheck.earlier_text import print_share
    from bncheck.options import Options
    from bncheck.properties.catalogue import CATALOGUE
    from bncheck.reports.formats import destinations, summarise, write_all
    from bncheck.target import parse_target
    from bncheck.text_report import print_header, print_summary, print_target

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
            cases=folder_for_cases(),
            replays=FOLDER if replay else None,
            baseline=None if baseline is None else baseline_of(baseline),
            shard=None if shard is None else part_of(shard),
            seconds=seconds,
            failures=failures,
        )
        for text in targets:
            parse_target(text)
        paths = destinations(reports, report_dir)
        console = terminal()
        if options.cases is None:
            click.echo("bncheck: .bncheck/cases cannot be written here, so findings are not saved", err=True)
        laws = options.selected(CATALOGUE)
        if not laws:
            asked = f"--include {include!r}" if include is not None else f"--exclude {exclude!r}"
            click.echo(f"bncheck: {asked} leaves no law; bncheck list shows them", err=True)
        processes = processes_for(options, laws, workers, processors())
        print_header(
            console,
            targets=len(targets),
            laws=len(laws),
            profile=profile,
            seed=seed,
            processes=processes,
        )
        for setting in told(click.get_current_context()):
            click.echo(f"setting: {setting}")
        with Crew(processes, options, every_law) as crew, progress_line() as progress:
            report = run(targets, CATALOGUE, options, crew=crew, progress=progress)
        for target in report.targets:
            print_target(console, target)
        if options.baseline is not None:
            print_share(console, report, options.baseline)
        print_summary(console, report)
        plain = report.as_json()
        write_all(plain, CATALOGUE, paths)
        for path in paths.values():
            console.print(f"report: {path}")
        for line in summarise(plain):
            click.echo(line)
    if exit_zero and report.exit_code == 1:
        click.echo("exit 0, as --exit-zero asks")
        sys.exit(0)
    sys.exit(report.exit_code)


@commands.command()
@of_examples("ci")
@click.option("--include", metavar="REGEX", help="Only bugs and sound variants whose id matches.")
@click.option("--exclude", metavar="REGEX", help="No bugs and sound variants whose id matches.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Processes; the default is one a processor, up to four."
)
@click.option(
    "--report", "reports", type=click.Choice(("md", "json")), multiple=True, help="Also write a report file."
)
@click.option("--report-dir", type=click.Path(path_type=Path), default=Path(), help="Where reports go.")
def selftest(
    profile: str,
    seed: int,
    include: str | None,
    exclude: str | None,
    workers: int | None,
    reports: tuple[str, ...],
    report_dir: Path,
) -> None:
    """Prove bncheck itself: the oracle, the references, and which law kills which planted bug.

    Exits with 0 only if every planted bug is killed, every law kills one, no sound variant is rejected, and the
    references agree.
    """
    from bncheck.selftest import SelfTestOptions, selftest
    from bncheck.selftest_files import destinations, write
    from bncheck.selftest_text import print_selftest

    with clear_errors():
        options = SelfTestOptions(profile, seed, include, exclude, workers or 0)
        paths = destinations(reports, report_dir)
        console = terminal()
        console.print(
            f"bncheck selftest: profile {profile}, seed {seed}, {options.processes} processes",
            highlight=False,
        )
        with progress_line() as progress:
            found = selftest(shipped, options, progress=progress)
        print_selftest(console, found)
        write(found, paths)
        for path in paths.values():
            console.print(f"report: {path}")
    sys.exit(found.exit_code)


def every_law() -> Sequence[Law]:
    """The catalogue; each process of a run loads it for itself."""
    from bncheck.properties.catalogue import CATALOGUE

    return CATALOGUE


def shipped() -> Collection:
    """Every planted bug, sound variant and law; each process of a self-test loads them for itself."""
    from bncheck.lanes import Collection
    from bncheck.planted.catalogue import BUGS, SOUND
    from bncheck.properties.catalogue import CATALOGUE

    return Collection(BUGS, SOUND, CATALOGUE)


for each in (replay, identify, compare, diff, baseline, matrix, campaign, list_laws, explain, doctor):
    commands.add_command(each)


def main() -> None:
    """The console script."""
    commands(prog_name="bncheck")
