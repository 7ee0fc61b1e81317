"""`bncheck list` and `bncheck explain`: the laws, and one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from bncheck.commands.completion import law_ids
from bncheck.commands.options import of_laws
from bncheck.terminal import clear_errors, terminal

if TYPE_CHECKING:
    from bncheck.law import Law


@click.command("list")
@of_laws
def list_laws(include: str | None, exclude: str | None) -> None:
    """List the laws."""
    from rich.markup import escape
    from rich.table import Table

    from bncheck.options import Options
    from bncheck.properties.catalogue import CATALOGUE

    with clear_errors():
        table = Table(box=None, pad_edge=False, header_style="bold")
        for name in ("law", "what holds", "inputs"):
            table.add_column(name, no_wrap=name == "law")
        for law in Options(include=include, exclude=exclude).selected(CATALOGUE):
            table.add_row(law.id, escape(law.name), law.region.name)
        terminal().print(table)


@click.command()
@click.argument("law_id", metavar="ID", shell_complete=law_ids)
def explain(law_id: str) -> None:
    """Explain one law: its formula, source, inputs, and when it applies."""
    from bncheck.properties.catalogue import CATALOGUE

    with clear_errors():
        law = found(law_id, CATALOGUE)
        console = terminal()
        console.print(f"{law.id}: {law.name}", style="bold", markup=False)
        console.print(f"\n{law.formula}\n", markup=False, highlight=False)
        console.print(f"Source: {law.source}.", markup=False)
        console.print(f"Inputs ({law.region.name}): {law.region.inputs}.", markup=False)
        dtypes = ", ".join(law.region.dtypes) if law.region.dtypes else "every dtype that the target offers"
        console.print(f"Dtypes: {dtypes}.", markup=False)
        console.print(f"Applies where the target offers: {', '.join(law.needs) or 'anything'}.", markup=False)


def found(law_id: str, laws: Sequence[Law]) -> Law:
    """The law of an id, or UsageError with the ids that are near."""
    from difflib import get_close_matches

    from bncheck.errors import UsageError

    ids = {law.id: law for law in laws}
    if law_id not in ids:
        near = get_close_matches(law_id, ids, n=3, cutoff=0.4)
        hint = f"near are: {', '.join(near)}" if near else "bncheck list shows them all"
        raise UsageError(f"{law_id!r} is no law; {hint}")
    return ids[law_id]
