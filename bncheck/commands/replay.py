"""`bncheck replay`: a saved case judged again, and made into what can be run without bncheck."""

from __future__ import annotations

import sys
from contextlib import nullcontext, redirect_stdout

import click

from bncheck.commands.completion import saved_ids
from bncheck.commands.options import DTYPES
from bncheck.terminal import clear_errors, terminal

# What is written to standard output.
HERE = "-"


@click.command()
@click.argument("case", metavar="CASE", shell_complete=saved_ids)
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
    """Judge a saved case again: FIXED (exit 0) or STILL FAILING (exit 1), and why.

    CASE is a file, or the id of one under .bncheck/cases.  With --script, --pytest or --issue nothing is written where
    nothing fails (exit 2); a file that is there is never replaced.
    """
    from bncheck.case_file import find
    from bncheck.properties.catalogue import CATALOGUE
    from bncheck.replaying import Replay, explained, replayed
    from bncheck.reproducer.writing import Wanted, write
    from bncheck.text_report import print_replayed

    with clear_errors():
        wanted = Wanted(script=script, test=test, issue=issue)
        asked = Replay(find(case), target, device, dtype, isolate)
        # What the target prints is none of the text that goes to standard output.
        apart = redirect_stdout(sys.stderr) if wanted.on_standard_output else nullcontext()
        with apart, replayed(asked, CATALOGUE) as (judged, implementation):
            found = explained(judged, implementation)
            print_replayed(terminal(stderr=wanted.on_standard_output), found)
            texts = wanted.texts(found, asked, implementation)
        for place, text in texts:
            write(place, text)
            if place != HERE:
                click.echo(f"  wrote {place}", err=wanted.on_standard_output)
    sys.exit(found.exit_code)
