"""Shrinking: the simplest case of the same failure that a budget of evaluations finds.

A greedy search over simplifications of the case itself, not of the choices that drew it: arrays from recipes shrink
as well as drawn ones, compiled targets keep to their ladder of shapes, and a saved case shrinks without a generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bncheck.case import Case
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.simplification import complexity, proposals
from bncheck.stale_memory import after_other_numbers
from bncheck.trial import Answers, Trial
from bncheck.verdict import Failure
from bncheck.verify import judge

# While a case is made simpler, a target that ends its process is started again so often; hanging counts for several.
RESTARTS = 20
# How often in a row a simpler case has to fail, and where arrays are strided, after other numbers have been in memory.
TIMES, TIMES_STRIDED = 2, 6
# For all failures of a target, judgements that each begin in a process of their own, in which it is loaded anew.
AFRESH = 40


@dataclass(slots=True)
class _Search:
    """The simplest failure so far, and the evaluations that are left.

    `afresh`: each judgement begins in a process in which the target, which is isolated, has not been called.
    """

    law: Law
    implementation: Implementation
    best: Failure
    budget: int
    counts: Callable[[Failure], bool]
    restarts: int = 0
    afresh: bool = False

    def improve(self) -> bool:
        """Take the first simpler case that still fails; False where there is none or the budget is spent."""
        hardest = complexity(self.best.case)
        for proposal in proposals(self.best.case, self.implementation.capabilities):
            case = fit(proposal, self.implementation)
            if complexity(case) >= hardest:
                continue
            if self.budget <= 0 or self.restarts >= RESTARTS:
                return False
            failure = self.failure(case)
            if failure is not None:
                self.best = failure
                return True
        return False

    def failure(self, case: Case) -> Failure | None:
        """The same failure on another case, None where it is another or none.

        Several times in a row, but for a crash, which may cost a process: the first time it may be one by chance, or by
        what was evaluated before.
        """
        answers = Answers()
        if self.afresh:
            self.implementation.close()
            return self._judged(case, answers)
        found = self._judged(case, answers)
        for attempt in range(1, TIMES_STRIDED if case.layouts else TIMES):
            if found is None or found.crash is not None:
                break
            found = self._judged(case, answers, attempt=attempt)
        return found

    def _judged(self, case: Case, answers: Answers, *, attempt: int = 0) -> Failure | None:
        self.budget -= attempt < TIMES
        trial = Trial(self.implementation, answers)
        if attempt and case.layouts:
            after_other_numbers(case, trial, attempt)
        found = judge(self.law, case, trial, self.best.drawing).failure
        self.restarts += trial.restarts
        kept = found is not None and same_kind(found, self.best) and self.counts(found)
        return found if kept else None


def shrunk(
    law: Law,
    implementation: Implementation,
    first: Failure,
    *,
    budget: int,
    counts: Callable[[Failure], bool] = lambda _: True,
) -> Failure:
    """A failure of the same law, verdict and quantity, that counts, on the simplest case that `budget` evaluations find."""
    search = _Search(law, implementation, first, budget, counts)
    # Simplified arrays may overflow on the way; what they are worth is found out by judging them.
    with np.errstate(all="ignore"):
        while search.improve():
            pass
    return search.best


def shrunk_afresh(
    law: Law,
    isolated: Implementation,
    first: Failure,
    smallest: Failure,
    *,
    budget: int,
    counts: Callable[[Failure], bool] = lambda _: True,
) -> tuple[Failure | None, int]:
    """The same failure on a case that shows it in a new process, whatever was called before where it was found; what is
    left of the budget.

    The smallest case where that fails there, else what the budget, in new processes, makes of the first one; None where
    neither does.  These two are judged whatever the budget.
    """
    search = _Search(law, isolated, smallest, budget, counts, afresh=True)
    with np.errstate(all="ignore"):
        found = search.failure(smallest.case)
        if found is None:
            found = search.failure(first.case)
            if found is not None:
                search.best = found
                while search.improve():
                    pass
                found = search.best
    return found, max(0, search.budget)


def same_kind(failure: Failure, first: Failure) -> bool:
    """Whether one failure is still the other: the same verdict, and the quantity that failed worst still fails."""
    if failure.status != first.status:
        return False
    return first.crash is not None or leading(first) in failure.quantities


def leading(failure: Failure) -> str:
    """The quantity with the largest error over bound."""
    return max(failure.comparisons, key=lambda comparison: comparison.ratio).quantity
