"""The corpus: the examples of a run, drawn by Hypothesis per (seed, region, dtype) and never by the target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider

from bncheck.case import Case
from bncheck.effort import Effort
from bncheck.regions import Region
from bncheck.shapes import ladder_plans

_CONSTANT = "_maybe_draw_constant"


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
        """Every example from the `first` on, the same each time: the simplest one, then independent ones.

        Hypothesis follows each example by some mutations of it and starts with the simplest.  A run of two examples
        for each that is kept has neither, so that two examples share no more than chance: one long run was measured
        to hold 61 different x among 150 examples.
        """
        plans = ladder_plans() if self.ladder else None
        cases = self.region.cases(self.dtype, plans=plans, largest=self.largest)
        found: list[Case] = []

        @settings(
            max_examples=2,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
        )
        @given(cases)
        def drawn(case: Case) -> None:
            pair.append(case)

        with constants_of_no_module():
            for index in range(first, self.count):
                pair: list[Case] = []
                seed(self.number(index))(drawn)()
                found.append(pair[0 if index == 0 else -1])
        return found


@contextmanager
def constants_of_no_module() -> Iterator[None]:
    """Hypothesis draws, now and then, a constant that it finds in the source of the local modules that are loaded.

    The target's own is one of them, and its examples would not be those of another target.  No setting turns it off.
    """
    drawn = getattr(HypothesisProvider, _CONSTANT, None)
    if drawn is None:
        yield
        return
    setattr(HypothesisProvider, _CONSTANT, lambda *_given, **_named: None)
    try:
        yield
    finally:
        setattr(HypothesisProvider, _CONSTANT, drawn)


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
