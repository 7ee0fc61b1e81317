"""`bncheck replay`: a saved case judged again, and made into what can be run without bncheck."""

from __future__ import annotations

import sys

import click

from bncheck.commands.options import DTYPES
from bncheck.terminal import clear_errors, terminal

# What is written to standard output.
HERE = "-"


@click.command()
@click.argument("case", metavar="CASE")
@click.option("--target", help="Replay on another target than the one that the case was found on.")
@click.option("--device", metavar="cpu|cuda", help="Replay on another device.")
@click.option("--dtype", type=click.Choice(DTYPES), help="Replay the case rounded to another dtype.")
@click.option("--isolate/--no-isolate", default=None, help="Run the target in a process of its own, or not.")
@click.option(
    "--script",
    metavar="[PATH]",
    is_flag=False,
    flag_value=HERE,
    help="Write a script that shows the finding without bncheck, to PATH or to standard output.",
)
@click.option(
    "--pytest",
    "test",
    metavar="[PATH]",
    is_flag=False,
    flag_value=HERE,
    help="Write a regression test, likewise.",
)
@click.option(
    "--issue",
    metavar="[PATH]",
    is_flag=False,
    flag_value=HERE,
    help="Write an issue for the library's tracker, in Markdown, likewise.",
)
def replay(
    case: str,
    target: str | None,
    device: str | None,
    dtype: str | None,
    isolate: bool | None,
    script: str | None,
    test: str | None,
    issue: str | None,
) -> None:
    """Judge a saved case again: FIXED (exit 0) or STILL FAILING (exit 1).

    CASE is a file, or the id of one under .bncheck/cases.  With --script, --pytest or --issue nothing is written where
    nothing fails (exit 2); a file that is there is never replaced.
    """
    from bncheck.case_file import find
    from bncheck.properties.catalogue import CATALOGUE
    from bncheck.replaying import Replay, replay
    from bncheck.reproducer.writing import Wanted
    from bncheck.text_report import print_replayed

    with clear_errors():
        wanted = Wanted(script=script, test=test, issue=issue)
        asked = Replay(find(case), target, device, dtype, isolate)
        found = replay(asked, CATALOGUE)
        print_replayed(terminal(stderr=wanted.on_standard_output), found)
        wanted.write(found, asked, CATALOGUE)
    sys.exit(found.exit_code)
