"""The terminal: what is printed where, the line that shows progress, and errors told in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from bncheck.verify import Progress


def terminal(*, stderr: bool = False) -> Console:
    """A console that respects NO_COLOR and what is no terminal, where lines are not folded at 80 characters."""
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False, emoji=False)
    # Not is_terminal, which FORCE_COLOR makes true of a file.
    if not console.file.isatty() and "COLUMNS" not in os.environ:
        console.width = 160
    return console


@contextmanager
def progress_line() -> Iterator[Progress | None]:
    """A line on the terminal's standard error that says what is being judged; nothing where that is no terminal."""
    console = terminal(stderr=True)
    if not console.file.isatty():
        yield None
        return
    with console.status("loading") as status:
        yield lambda words, number, of: status.update(f"{words} ({number + 1} of {of})")


@contextmanager
def clear_errors() -> Iterator[None]:
    """One sentence and an exit code for what bncheck raises on purpose: 2 misuse, 4 not loaded, 3 our own defect."""
    from bncheck.errors import BncheckError, DefectError, LoadError

    try:
        yield
    except BncheckError as error:
        click.echo(f"bncheck: {error}", err=True)
        code = 3 if isinstance(error, DefectError) else 4 if isinstance(error, LoadError) else 2
        sys.exit(code)
