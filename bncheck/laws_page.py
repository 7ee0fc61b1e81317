"""The page of laws in the documentation, written from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bncheck.law import Law
from bncheck.reference.formats import FORMATS


def page(laws: Sequence[Law]) -> str:
    """Markdown: a section a family and one a law, with its formula, source, inputs, dtypes and what it needs."""
    return "\n".join(_lines(laws)).rstrip() + "\n"


def _lines(laws: Sequence[Law]) -> Iterator[str]:
    yield from ("# The laws", "")
    yield f"{len(laws)} laws, as `bncheck list` names and `bncheck explain ID` tells them; this page is written from the catalogue."
    yield ""
    for family in dict.fromkeys(law.family for law in laws):
        yield from (f"## {family}", "")
        for law in laws:
            if law.family == family:
                yield from _law(law)


def _law(law: Law) -> Iterator[str]:
    yield from (f"### {law.id}", "", f"**{law.name}**", "")
    yield from (f"    {line}".rstrip() for line in law.formula.splitlines())
    yield ""
    yield f"- Source: {law.source}."
    yield f"- Inputs (`{law.region.name}`): {law.region.inputs}."
    yield f"- Dtypes: {', '.join(law.region.dtypes or FORMATS)}."
    yield f"- Applies where the target offers: {', '.join(f'`{need}`' for need in law.needs) or 'anything'}."
    yield ""
