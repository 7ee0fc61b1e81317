"""The corpus: the examples of a run, drawn by Hypothesis per (seed, region, dtype) and never by the target."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from bncheck.case import Case
from bncheck.draws import constants_of_no_module, drawn, simplest
from bncheck.effort import Effort
from bncheck.regions import Region
from bncheck.shapes import ladder_plans


@dataclass(frozen=True, slots=True)
class Drawing:
    """What decides a sequence of examples: each is drawn on its own, from its own seed."""

    seed: int
    region: Region
    dtype: str
    ladder: bool
    count: int
    largest: int

    def number(self, index: int) -> int:
        """A seed for Hypothesis that differs between regions, dtypes and examples; a region has that of its base."""
        region = self.region.base or self.region
        words = f"{self.seed}/{region.name}/{self.dtype}/{self.ladder}/{index}"
        return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big")

    def examples(self, first: int = 0) -> list[Case]:
        """Every example from the `first` on, the same each time: the simplest one, then independent ones."""
        plans = ladder_plans() if self.ladder else None
        cases = self.region.cases(self.dtype, plans=plans, largest=self.largest)
        with constants_of_no_module():
            return [
                drawn(cases, self.number(index)) if index else simplest(cases)
                for index in range(first, self.count)
            ]


@dataclass(slots=True)
class Corpus:
    """The examples of one run; drawn when first asked for, then kept for the next target."""

    seed: int
    effort: Effort
    drawn: dict[Drawing, list[Case]] = field(default_factory=dict)

    def drawing(self, region: Region, dtype: str, *, dtypes: int, ladder: bool) -> Drawing:
        """How the examples of a region and a dtype are drawn when `dtypes` dtypes share the effort."""
        count = self.effort.count(dtypes, long=region.long)
        return Drawing(self.seed, region, dtype, ladder, count, self.effort.largest)

    def examples(self, drawing: Drawing) -> list[Case]:
        """The cases of a drawing; those of a region with a base are changed ones of the base's."""
        key, region = replace(drawing, count=0), drawing.region
        known = self.drawn.setdefault(key, [])
        if len(known) < drawing.count and region.base is not None:
            originals = self.examples(replace(drawing, region=region.base))
            known += [region.of_base(case) for case in originals[len(known) :]]
        elif len(known) < drawing.count:
            known += drawing.examples(len(known))
        return known[: drawing.count]
