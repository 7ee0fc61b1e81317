"""What a shell completes arguments by: the ids of laws, and those of saved cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def law_ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The laws whose ids begin so, each with what it says."""
    from click.shell_completion import CompletionItem

    from bncheck.properties.catalogue import CATALOGUE

    return [CompletionItem(law.id, help=law.name) for law in CATALOGUE if law.id.startswith(incomplete)]


def saved_ids(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The cases under .bncheck/cases whose ids begin so, and files."""
    from click.shell_completion import CompletionItem

    from bncheck.case_file import FOLDER

    found = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem.startswith(incomplete))
    return [*map(CompletionItem, found), CompletionItem(incomplete, type="file")]
