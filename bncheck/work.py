"""Work: what is to be judged of a loaded target, and where it is counted."""

from __future__ import annotations

from dataclasses import dataclass

from bncheck.baseline.known import Known
from bncheck.corpus import Corpus
from bncheck.division import Drawn
from bncheck.implementation import Implementation
from bncheck.verify import UNLIMITED, Limits, Plan, Progress, Tallies, verify


@dataclass(frozen=True, slots=True)
class Work:
    """The examples of a plan, which are counted into `tallies`, those that a baseline knows in `known`."""

    implementation: Implementation
    plan: Plan
    corpus: Corpus
    tallies: Tallies
    known: Known
    limits: Limits = UNLIMITED
    progress: Progress | None = None

    @property
    def drawings(self) -> list[Drawn]:
        """What is drawn, with the laws that judge it."""
        return self.plan.drawings(self.corpus, ladder=self.implementation.capabilities.compiles)

    def do(self) -> None:
        """Judge it all in this process.  Raises Stopped at a limit."""
        verify(
            self.implementation,
            self.plan,
            self.corpus,
            self.tallies,
            witness=self.known.witness,
            limits=self.limits,
            progress=self.progress,
        )
