"""Evidence: where the failures of a law lie among its examples, for a predicate as narrow as they allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from math import comb, inf
from typing import NamedTuple

from bncheck.baseline.features import NUMBERS, numbers_of, words_of
from bncheck.baseline.known import Known
from bncheck.baseline.where import Range, Where
from bncheck.case import Case
from bncheck.law import Law
from bncheck.verdict import Failure, Judgement, Status

# A range is written where chance alone would leave so many examples outside it less often than once in a million.
CHANCE = 1e-6
# What none of so many failing examples got wrong is wrong in fewer than one in six, nineteen times in twenty.
ENOUGH = 20
Numbers = dict[str, float | None]


class Way(NamedTuple):
    """A law, a dtype, and how it fails there: what one entry speaks of."""

    law: str
    dtype: str
    status: Status


@dataclass(slots=True)
class Evidence:
    """The numbers of all deciding examples, as a run meets them: of those that held, and of those that newly failed."""

    known: Known
    held: dict[tuple[str, str], list[Numbers]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[Way, list[Numbers]] = field(default_factory=lambda: defaultdict(list))
    modes: dict[Way, set[str]] = field(default_factory=lambda: defaultdict(set))
    wrong: dict[Way, set[str]] = field(default_factory=lambda: defaultdict(set))
    last: tuple[Case, Numbers] | None = None

    def witness(self, law: Law, case: Case, judgement: Judgement) -> bool:
        """Whether an example is known already; what it shows is kept where it is not."""
        if self.known.witness(law, case, judgement):
            return True
        if judgement.failure is not None:
            way = way_of(law, judgement.failure)
            self.failed[way].append(self._numbers(case))
            self.modes[way].add(case.mode)
            self.wrong[way].update(judgement.failure.quantities)
        elif judgement.decides:
            self.held[law.id, case.x.dtype.name].append(self._numbers(case))
        return False

    def where(self, way: Way, smallest: Case) -> Where:
        """The dtype, the modes, and the ranges beyond which examples hold; the smallest case lies inside too."""
        held = self.held[way.law, way.dtype]
        failed = [*self.failed[way], numbers_of(smallest)]
        ranges = {
            key: _range([each[key] for each in failed], [each[key] for each in held]) for key in NUMBERS
        }
        modes = self.modes[way] | words_of(smallest)["mode"]
        return Where(
            {"dtype": (way.dtype,), "mode": tuple(sorted(modes))},
            {key: found for key, found in ranges.items() if found is not None},
        )

    def quantities(self, way: Way, smallest: Failure) -> tuple[str, ...]:
        """All that was wrong, where enough examples failed to say that it is all; else none."""
        few = len(self.failed[way]) < ENOUGH
        return () if few else tuple(sorted(self.wrong[way].union(smallest.quantities)))

    def _numbers(self, case: Case) -> Numbers:
        """The laws of a region see the same case one after the other."""
        if self.last is None or self.last[0] is not case:
            self.last = case, numbers_of(case)
        return self.last[1]


def way_of(law: Law, failure: Failure) -> Way:
    """How a law fails: a violation may be a mere instability elsewhere, and both are one way."""
    status = Status.VIOLATED if failure.status == Status.UNSTABLE else failure.status
    return Way(law.id, failure.case.x.dtype.name, status)


def _range(failed: Sequence[float | None], held: Iterable[float | None]) -> Range | None:
    """The ends that chance does not explain, as round as the nearest example that held allows; None without any."""
    inside = [value for value in failed if value is not None]
    if len(inside) < len(failed):
        return None
    outside = [value for value in held if value is not None]
    least, largest = min(inside), max(inside)
    below, above = ([each for each in outside if each < least], [each for each in outside if each > largest])
    ends = (
        _rounded(least, max(below), upwards=False) if _tells(below, inside, outside) else 0,
        _rounded(largest, min(above), upwards=True) if _tells(above, inside, outside) else inf,
    )
    return None if ends == (0, inf) else ends


def _tells(beyond: Sequence[float], failed: Sequence[float], held: Sequence[float]) -> bool:
    """Whether failures spread over all examples would leave so many beyond them less often than CHANCE says."""
    total = len(failed) + len(held)
    return comb(total - len(beyond), len(failed)) < CHANCE * comb(total, len(failed))


def _rounded(end: float, beyond: float, *, upwards: bool) -> float:
    """`end`, moved outwards to the fewest digits that leave `beyond` outside."""
    for digits in range(1, 18):
        context = Context(prec=digits, rounding=ROUND_CEILING if upwards else ROUND_FLOOR)
        found = float(context.create_decimal(Decimal(end)))
        if (end <= found < beyond) if upwards else (beyond < found <= end):
            return int(found) if isinstance(end, int) else found
    return end
