"""Attribution: which causes reproduce what an implementation gave on a finding's case and on all probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bncheck.case import Case
from bncheck.causes.behaviours import behaviours
from bncheck.causes.catalogue import CAUSES
from bncheck.causes.cause import Cause, in_dialect
from bncheck.causes.endings import ending
from bncheck.causes.explanation import Explanation
from bncheck.causes.first_call import Kept, kept_of_the_first_call
from bncheck.causes.laboratory import Bench, Laboratory, Probe
from bncheck.causes.observation import kind
from bncheck.causes.pairs import Pairs
from bncheck.causes.probes import enriched
from bncheck.causes.standing import (
    NONE,
    Standing,
    is_fulfilled,
    ordered,
    standing_of,
    surviving,
    whole_standings,
)
from bncheck.causes.strides import strided
from bncheck.causes.subject import about_what, judged_by, of_subject
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.trial import Trial
from bncheck.verdict import Failure
from bncheck.verify import judge

SHOWN = 3
# Of layers of causes on probes, a target: one finding that the library does not wholly explain takes about as many.
EVALUATIONS = 12_000
# The family of laws about what a call does besides its outcome.
BESIDE = "purity"
# Of the finding's own probes, the last, with ordinary numbers, tell the most: a part of a cause has to show on each.
TELLING = 2
# Cases that a law makes of one, itself among them.
VARIANTS = 5


@dataclass(slots=True)
class Attribution:
    """The causes of the findings of one target.  The probes of a dtype are evaluated when the first finding asks.

    `proven`: causes that explained a finding wholly, `named`: in part.  Once EVALUATIONS of layers of causes are spent,
    only these are tried on the findings that are left.  `surviving`: the causes that no fixed probe of a dtype rules out.
    `kept`: what is kept of a first call in a dtype; `ends`: how a failure ends, by its identity.
    """

    implementation: Implementation
    causes: Sequence[Cause] = CAUSES
    bench: Bench = field(default_factory=Bench)
    laboratory: Laboratory = field(init=False)
    pairs: Pairs = field(init=False)
    proven: list[Cause] = field(default_factory=list)
    named: list[Cause] = field(default_factory=list)
    surviving: dict[str, list[Cause]] = field(default_factory=dict)
    kept: dict[str, list[Kept]] = field(default_factory=dict)
    ends: dict[int, tuple[Failure, list[Explanation]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.laboratory = Laboratory(self.implementation, self.bench)
        self.pairs = Pairs(self.laboratory, self.causes)

    def explanations(self, law: Law, first: Failure, smallest: Failure) -> tuple[Explanation, ...]:
        """The causes of a finding, the likeliest first; none where nothing in the library explains it."""
        with np.errstate(all="ignore"):
            beside = behaviours(self.implementation, law, smallest) if law.family == BESIDE else []
            found = beside or self._found(law, first, smallest)
        named = {(each.id, each.companions): each for each in reversed(found)}
        return tuple(reversed(named.values()))[:SHOWN]

    def _found(self, law: Law, first: Failure, smallest: Failure) -> list[Explanation]:
        """What reproduces everything, else a behaviour, else what reproduces a part, else how it crashes."""
        own = [self.laboratory.probe(case) for case in self._own_cases(law, first, smallest)]
        dtype = smallest.drawing.dtype
        fixed = self.laboratory.probes(dtype)
        every = ordered((*fixed, *own))
        total, about = sum(len(probe.deviations) for probe in every), about_what(smallest, every)
        whole = self._whole(self.proven, every, own)
        if total and not whole:
            whole = self._whole(self._likely(dtype, own), every, own)
        if whole:
            if whole[0].cause.measured is not None and (kept := self._kept(smallest, about)):
                return kept
            self.proven += [each.cause for each in whole if each.cause not in self.proven]
            return self._told([self.pairs.turned(each, every, about) for each in whole], total, law, smallest)
        if shown := behaviours(self.implementation, law, smallest):
            return self._of_strides(law, smallest) or shown
        if kept := self._kept(smallest, about):
            return kept
        if total and (found := self._partly(law, every, own, smallest, about)):
            return self._told([self.pairs.turned(each, every, about) for each in found], total, law, smallest)
        return self._of_strides(law, smallest) or self._ending(law, smallest)

    def _ending(self, law: Law, smallest: Failure) -> list[Explanation]:
        """Laws that end on one case are asked once."""
        key = id(smallest)
        if smallest.crash is None or key not in self.ends:
            self.ends[key] = smallest, ending(self.implementation, law, smallest)
        return self.ends[key][1]

    def _partly(
        self, law: Law, every: Sequence[Probe], own: Sequence[Probe], smallest: Failure, about: frozenset[str]
    ) -> list[Standing]:
        """What reproduces a part, by itself or with another: of the causes that were named before, else of all."""
        found = of_subject(self._parts(self.named, every, own, smallest, about), about)
        if not found and smallest.case.program:
            found = self._in_program(law, smallest)
        if not found and len(self.laboratory.found) < EVALUATIONS:
            parts = self._parts(self.causes, every, own, smallest, about)
            found = self.pairs.of_parts(parts, every, about) or self._in_part(parts, every, smallest, about)
            self.named += [each.cause for each in found if each.cause not in self.named]
        return found

    def _of_strides(self, law: Law, smallest: Failure) -> list[Explanation]:
        """Which strided arrays show a finding; none where contiguous ones have answers that vary too."""
        if law.family != "layout" or smallest.crash is not None:
            return []
        contiguous = replace(smallest, case=smallest.case.changed(layouts={}))
        varies = behaviours(self.implementation, law, contiguous)
        return [] if varies else strided(self.implementation, law, smallest)

    def _kept(self, smallest: Failure, about: frozenset[str]) -> list[Explanation]:
        """What is kept of a first call and spoils what a finding is about; each dtype is asked once."""
        dtype, case = smallest.drawing.dtype, smallest.case
        if dtype not in self.kept:
            self.kept[dtype] = kept_of_the_first_call(self.laboratory, dtype, len(case.x.shape))
        return [
            each.explanation
            for each in self.kept[dtype]
            if (case.program or each.mode == case.mode) and (not about or about & each.kinds)
        ]

    def _likely(self, dtype: str, own: Sequence[Probe]) -> list[Cause]:
        """The causes that may reproduce everything: where only a finding's own probes deviate, these tell soonest."""
        telling = [probe for probe in own if probe.deviations and not probe.case.program]
        if not telling or any(probe.deviations for probe in self.laboratory.probes(dtype)):
            return self._surviving(dtype)
        return surviving(self.laboratory, self.causes, telling)

    def _surviving(self, dtype: str) -> list[Cause]:
        """All findings in a dtype share its fixed probes, which rule most causes out once and for all."""
        if dtype not in self.surviving:
            fixed = ordered(self.laboratory.probes(dtype))
            self.surviving[dtype] = surviving(self.laboratory, self.causes, fixed)
        return self.surviving[dtype]

    def _whole(self, causes: Sequence[Cause], every: Sequence[Probe], own: Sequence[Probe]) -> list[Standing]:
        """What cannot be measured on any of a finding's own probes says nothing of it."""
        found = whole_standings(self.laboratory, causes, every)
        return [
            each
            for each in found
            if each.cause.measured is None or any(self._tells(each.cause, probe, NONE) for probe in own)
        ]

    def _told(self, found: Sequence[Standing], total: int, law: Law, smallest: Failure) -> list[Explanation]:
        """Those first on whose layer the law finds what it found on the implementation."""
        unlikely = "crash" if self._refuses(law, smallest) else "validation"
        told = sorted(
            found,
            key=lambda each: (not self._shows(each.cause, law, smallest), each.cause.family == unlikely),
        )
        return [
            Explanation(
                each.cause.id, each.cause.text, len(each.explained), total, companions=each.cause.companions
            )
            for each in told
        ]

    def _refuses(self, law: Law, smallest: Failure) -> bool:
        """Whether what is raised, on the finding's case or a variant of it, is raised on purpose."""
        seen = [self.laboratory.probe(case).actual for case in self._variants(law, smallest.case, smallest)]
        return all(facts["refused"] for facts in seen if facts["raised"])

    def _own_cases(self, law: Law, first: Failure, smallest: Failure) -> list[Case]:
        """The finding's case, small and as found, and both with ordinary numbers, with the variants that the law makes."""
        cases = [
            variant
            for failure in (smallest, first)
            for case in (failure.case, fit(enriched(failure.case), self.implementation))
            for variant in self._variants(law, case, failure)
        ]
        return list({id(case): case for case in cases}.values())

    def _variants(self, law: Law, case: Case, failure: Failure) -> list[Case]:
        """A case and those that the law makes of it, which are kept in the bench's answers."""
        trial = Trial(self.implementation, self.bench.answers)
        judge(law, case, trial, failure.drawing)
        seen = [each for each, _ in (*trial.outcomes.values(), *trial.performances.values())]
        return [case, *(each for each in seen if each is not case)][:VARIANTS]

    def _parts(
        self,
        causes: Sequence[Cause],
        every: Sequence[Probe],
        own: Sequence[Probe],
        smallest: Failure,
        about: frozenset[str],
    ) -> list[Standing]:
        """The causes that reproduce something and that no probe contradicts, those first that reproduce the most.

        In a program causes come together, so that each alone is told from single batches where the finding is of one.
        """
        telling = [
            probe
            for probe in own
            if probe.deviations and (not about or about & {kind(name) for name in probe.deviations})
        ]
        left = [cause for cause in causes if cause.touches(about) or not about]
        left = [
            cause for cause in left if all(self._tells(cause, probe, about) for probe in telling[-TELLING:])
        ]
        judged = judged_by(every, smallest)
        found = [standing_of(self.laboratory, cause, judged) for cause in left]
        kept = [
            each for each in found if each is not None and is_fulfilled(self.laboratory, each.cause, judged)
        ]
        return sorted(kept, key=lambda each: (-len(each.explained), each.cause.complexity))

    def _tells(self, cause: Cause, probe: Probe, about: frozenset[str]) -> bool:
        """Whether a cause reproduces a deviation of a probe that the finding is about."""
        found = self.laboratory.reproduced(cause, probe)
        return any(not about or kind(name) in about for name in found)

    def _in_program(self, law: Law, smallest: Failure) -> list[Standing]:
        """The causes of single batches on whose layer a program fails too, though other causes have their part in it."""
        single = [probe for probe in self.laboratory.probes(smallest.drawing.dtype) if not probe.case.program]
        found = [standing_of(self.laboratory, cause, single) for cause in self.named]
        return [each for each in found if each is not None and self._shows(each.cause, law, smallest)]

    def _in_part(
        self, parts: Sequence[Standing], every: Sequence[Probe], smallest: Failure, about: frozenset[str]
    ) -> list[Standing]:
        """What reproduces all deviations of a quantity that a finding is about; a number that is measured says the least."""
        found = of_subject(parts, about)
        told = [each for each in found if each.cause.measured is None]
        about = about or frozenset[str]().union(*(each.kinds for each in found))
        if told or not about:
            return told or found
        judged = judged_by(every, smallest)
        others = (
            frozenset(kind(name) for probe in judged for name in (*probe.deviations, *probe.sound)) - about
        )
        pairs = self.pairs.of_parts(parts, judged, about, without=others)
        whole = [standing_of(self.laboratory, each.cause, judged) for each in pairs]
        return [each for each in whole if each is not None] or found

    def _shows(self, cause: Cause, law: Law, smallest: Failure) -> bool:
        """Whether the law finds on the layer of the cause what it found on the implementation."""
        made = in_dialect(cause.layer(), self.implementation.dialect)
        stand_in = Implementation(cause.id, made, companion=self.implementation.companion)
        failure = judge(law, smallest.case, Trial(stand_in), smallest.drawing).failure
        return failure is not None
