"""Division: the drawings of a run dealt out, so that each of several processes judges a part of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bncheck.corpus import Drawing
from bncheck.errors import UsageError
from bncheck.law import Law
from bncheck.regions import Region

Drawn = tuple[Drawing, tuple[Law, ...]]
Hand = tuple[Region, str | None]
# Of an example: what it takes to be drawn, or made of another, and evaluated, in units of what half a law takes of it.
DRAWN, MADE = 10, 1
# In double-double arithmetic, and with laws of its own.
WIDEST, WIDE = "float64", 1.5


@dataclass(frozen=True, slots=True)
class Part:
    """The `index`-th of `parts`, counted from 0.  `whole_regions`: all dtypes of a region go to one part.

    What of a run goes to which part is decided by the laws, the dtypes and the profile alone.
    """

    index: int = 0
    parts: int = 1
    whole_regions: bool = False

    def of(self, drawings: Iterable[Drawn]) -> list[Drawn]:
        """The drawings of this part, in the order of the run.

        Regions about the same cases stay together, since these are drawn once.
        """
        every = list(drawings)
        owners = _dealt(self._work(every), self.parts)
        return [each for each in every if owners[self._hand(each)] == self.index]

    def _hand(self, drawn: Drawn) -> Hand:
        drawing, _ = drawn
        return drawing.region.base or drawing.region, None if self.whole_regions else drawing.dtype

    def _work(self, drawings: Iterable[Drawn]) -> dict[Hand, float]:
        work: dict[Hand, float] = {}
        for drawing, laws in drawings:
            once = DRAWN if drawing.region.base is None else MADE
            each = drawing.count * (once + 2 * len(laws)) * (WIDE if drawing.dtype == WIDEST else 1)
            hand = self._hand((drawing, laws))
            work[hand] = work.get(hand, 0) + each
        return work


def part_of(text: str) -> Part:
    """The part that `i/n` names, counted from 1; raises UsageError."""
    index, slash, parts = text.partition("/")
    if not (slash and index.isdecimal() and parts.isdecimal() and 1 <= int(index) <= int(parts)):
        raise UsageError(f"{text!r} is no shard; valid is i/n with i from 1 to n, as in 2/3")
    return Part(int(index) - 1, int(parts))


@dataclass(slots=True)
class _Load:
    work: float = 0.0
    hands: list[Hand] = field(default_factory=list)


def _dealt(work: Mapping[Hand, float], parts: int) -> dict[Hand, int]:
    """The part of each hand: the largest first, each to the part that has least (Graham 1969)."""
    loads = [_Load() for _ in range(parts)]
    for hand in sorted(work, key=lambda hand: work[hand], reverse=True):
        least = min(loads, key=lambda load: load.work)
        least.work += work[hand]
        least.hands.append(hand)
    return {hand: index for index, load in enumerate(loads) for hand in load.hands}
