"""The table of causes in the documentation, written from the library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bncheck.causes.cause import Cause


def table(causes: Sequence[Cause]) -> str:
    """A section a family, a line a cause: its id and its sentences."""
    return "\n".join(_lines(causes)) + "\n"


def _lines(causes: Sequence[Cause]) -> Iterator[str]:
    for family in sorted({cause.family for cause in causes}):
        texts: dict[str, list[str]] = {}
        for cause in causes:
            if cause.family == family:
                texts.setdefault(cause.id, []).append(cause.text)
        yield from (f"### {family}", "", "| cause | the implementation |", "|---|---|")
        yield from (f"| `{name}` | {_told(told)} |" for name, told in sorted(texts.items()))
        yield ""


def _told(texts: Sequence[str]) -> str:
    """Variants of one cause differ in a number."""
    more = f" ({len(texts)} numbers)" if len(texts) > 1 else ""
    return f"{texts[0]}{more}".replace("|", "\\|")
