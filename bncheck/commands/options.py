"""Options that several commands share, and conventions as they are declared on the command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

PROFILES = ("smoke", "ci", "thorough")
DTYPES = ("float64", "float32", "float16", "bfloat16")


def of_examples(profile: str) -> Callable[[Command], Command]:
    """--profile, with this one where none is given, and --seed."""
    return _all(
        click.option(
            "--profile",
            type=click.Choice(PROFILES),
            default=profile,
            show_default=True,
            help="How much is judged.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(min=0),
            default=0,
            show_default=True,
            help="Decides every example.",
        ),
    )


def of_laws(command: Command) -> Command:
    """--include and --exclude."""
    return _all(
        click.option("--include", metavar="REGEX", help="Only laws whose id matches."),
        click.option("--exclude", metavar="REGEX", help="No laws whose id matches."),
    )(command)


def of_judging(command: Command) -> Command:
    """--rank and --numerics: how strictly, and on what, targets are judged."""
    return _all(
        click.option(
            "--rank",
            "ranks",
            type=click.IntRange(2, 5),
            multiple=True,
            help="Only x of this rank (repeatable).",
        ),
        click.option(
            "--numerics",
            type=click.Choice(("two_pass", "stable", "one_pass", "centred")),
            multiple=True,
            help="The numeric class to meet: of the variance, or a centred affine step (repeatable).",
        ),
    )(command)


def of_targets(*formats: str) -> Callable[[Command], Command]:
    """What a command takes that loads targets and reports on them, in these formats."""
    reporting = _all(
        click.option(
            "--report",
            "reports",
            type=click.Choice(formats),
            multiple=True,
            help="Also write a report file" + (" (repeatable)." if len(formats) > 1 else "."),
        ),
        click.option(
            "--report-dir", type=click.Path(path_type=Path), default=Path(), help="Where reports go."
        ),
    )
    return lambda command: of_loading(reporting(command))


def of_loading(command: Command) -> Command:
    """--device, --dialect, --dtype, --isolate: how targets are loaded."""
    return _all(
        click.option(
            "--dtype",
            "dtypes",
            type=click.Choice(DTYPES),
            multiple=True,
            help="Only this dtype (repeatable).",
        ),
        click.option(
            "--device",
            metavar="cpu|cuda",
            help="Where the targets run; @cuda on a target does the same for one.",
        ),
        click.option(
            "--dialect",
            "declared",
            multiple=True,
            metavar="KEY=VALUE",
            help="Declare a convention (repeatable).",
        ),
        click.option(
            "--isolate/--no-isolate",
            default=None,
            help="Run the target in a process of its own; the default is to do so for files and compiled extensions.",
        ),
    )(command)


def _all(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """These options in the order in which --help tells them."""

    def decorated(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorated


def conventions(declared: Sequence[str], numerics: Sequence[str] = ()) -> dict[str, str]:
    """The conventions declared by --dialect and --numerics, checked."""
    from bncheck.dialect import Dialect
    from bncheck.errors import UsageError

    named: dict[str, str] = {}
    for text in declared:
        key, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text!r} is no declaration; --dialect takes KEY=VALUE, as in momentum=old")
        Dialect().declared(key, value)
        named[key] = value
    for name in numerics:
        named["affine" if name == "centred" else "variance"] = name
    return named
