"""Pairs: two causes that only together reproduce what an implementation gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bncheck.causes.cause import Cause, together
from bncheck.causes.laboratory import Laboratory, Probe
from bncheck.causes.observation import kind
from bncheck.causes.standing import NONE, Standing, whole_standings

# Of the causes that explain a part, so many are tried together with each other cause.
PAIRED = 2


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of causes, as one laboratory sees them."""

    laboratory: Laboratory
    causes: Sequence[Cause]

    def of_parts(
        self,
        parts: Sequence[Standing],
        every: Sequence[Probe],
        about: frozenset[str],
        *,
        without: frozenset[str] = NONE,
    ) -> list[Standing]:
        """One of the best parts with another cause that reproduces what it misses: both together everything, except
        quantities that are not looked at.
        """
        for part in [each for each in parts if not each.cause.narrow][:PAIRED]:
            wrong = frozenset(kind(name) for _, name in part.missed) - without
            # Two loose ones would fit what neither explains.
            others = [each for each in self.causes if each.touches(wrong) and not each.narrow]
            pairs = {
                pair: other
                for other in others
                if other.measured is None and (pair := together(part.cause, other)) is not None
            }
            telling_first = sorted(every, key=lambda probe: self._reproduces(part.cause, probe, without))
            if found := whole_standings(self.laboratory, pairs, telling_first, without=without):
                others_of = {pair.text: other for pair, other in pairs.items()}
                return [
                    self._led(each, part.cause, others_of[each.cause.text], every, about) for each in found
                ]
        return []

    def turned(self, pair: Standing, every: Sequence[Probe], about: frozenset[str]) -> Standing:
        """A pair that was found with another finding, under the name of the part that leads in this one."""
        named = {cause.id: cause for cause in self.causes if cause.measured is None}
        parts = [named.get(each) for each in (pair.cause.id, *pair.cause.companions)]
        one, other = parts if len(parts) == 2 else (None, None)
        return pair if one is None or other is None else self._led(pair, one, other, every, about)

    def _led(
        self, pair: Standing, one: Cause, other: Cause, every: Sequence[Probe], about: frozenset[str]
    ) -> Standing:
        """The pair under the name of the part that reproduces more by itself: of what the finding is about, then of all."""
        if self._alone(other, every, about) <= self._alone(one, every, about):
            return pair
        turned = together(other, one)
        if turned is None:
            return pair
        return replace(pair, cause=replace(turned, differentiated=pair.cause.differentiated))

    def _alone(self, cause: Cause, every: Sequence[Probe], about: frozenset[str]) -> tuple[int, int]:
        """How many deviations a cause reproduces, of what a finding is about and of all."""
        fitting = [kind(name) for probe in every for name in self.laboratory.reproduced(cause, probe)]
        return sum(each in about for each in fitting), len(fitting)

    def _reproduces(self, cause: Cause, probe: Probe, without: frozenset[str]) -> bool:
        found = self.laboratory.matched(cause, probe)
        return all(match.fits or kind(name) in without for name, match in found.items())
