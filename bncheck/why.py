"""Why laws fail: those together that have their likeliest cause in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

NO_CAUSE = "no known cause"


class Why(NamedTuple):
    """A cause, or several that act together: their ids, the likeliest first, their sentences, and the laws that fail by them."""

    names: tuple[str, ...]
    text: str
    laws: tuple[str, ...]

    @property
    def cause(self) -> str:
        """`eps.missing with running_var.biased`, or that none is known."""
        return " with ".join(self.names) or NO_CAUSE

    @property
    def counted(self) -> str:
        """`3 laws`, a number in words."""
        return "1 law" if len(self.laws) == 1 else f"{len(self.laws)} laws"

    def line(self) -> str:
        """`3 laws: eps.missing: eps is not added at all`, a line of a text."""
        return f"{self.counted}: {self.cause}" + f": {self.text}" * bool(self.text)


def why(failing: Iterable[tuple[str, tuple[str, ...], str]]) -> list[Why]:
    """Of each law that fails its id, the ids of its causes and their sentences: the cause of the most laws first, what has none last.

    The same causes, whichever of them leads, are one.
    """
    found: dict[frozenset[str], Why] = {}
    for law, names, text in failing:
        first = found.get(frozenset(names), Why(names, text, ()))
        found[frozenset(names)] = first._replace(laws=(*first.laws, law))
    return sorted(found.values(), key=lambda each: (not each.names, -len(each.laws)))
