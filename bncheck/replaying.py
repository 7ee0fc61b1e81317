"""Replaying: a saved case judged again, on the same target or another, on the same device or another, in any dtype."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bncheck.case import Case
from bncheck.case_file import SavedCase
from bncheck.casting import cast
from bncheck.causes.explanation import Explanation
from bncheck.corpus import Drawing
from bncheck.errors import UsageError
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.loading import load
from bncheck.reference.formats import FORMATS
from bncheck.stale_memory import after_other_numbers
from bncheck.trial import Answers, Trial
from bncheck.verdict import Failure, Status
from bncheck.verify import judge

# How often a case has to hold.
TIMES = 3
# And each time in a new process, where what failed ended its own.
TIMES_APART = 8
# And where arrays are strided: what is read beside them may happen to be right.
TIMES_STRIDED = 16


@dataclass(frozen=True, slots=True)
class Replay:
    """A saved case and where it is replayed: `target`, `device` and `dtype` None for those of the case."""

    saved: SavedCase
    target: str | None = None
    device: str | None = None
    dtype: str | None = None
    isolate: bool | None = None

    @property
    def name(self) -> str:
        """The target."""
        return self.saved.target if self.target is None else self.target

    def law(self, laws: Sequence[Law]) -> Law:
        """The law of the case; UsageError for one that is not there."""
        law = next((law for law in laws if law.id == self.saved.law), None)
        if law is None:
            raise UsageError(
                f"the case is of the law {self.saved.law!r}, which this version of bncheck does not have"
            )
        return law

    def case(self) -> tuple[Case, tuple[str, ...]]:
        """The case in its dtype, and what that has changed in it."""
        if self.dtype is None:
            return self.saved.case, ()
        if self.dtype not in FORMATS:
            raise UsageError(f"{self.dtype!r} is no dtype that is judged; valid are {', '.join(FORMATS)}")
        return cast(self.saved.case, self.dtype)

    @contextmanager
    def loaded(self, *, isolate: bool | None = None) -> Iterator[Implementation]:
        """The target; LoadError and UsageError as `load` raises them."""
        implementation = load(
            self.name,
            device=self.device or self.saved.device,
            dialect=self.saved.dialect,
            dtypes=(self.dtype or self.saved.dtype,),
            isolate=self.isolate if isolate is None else isolate,
        )
        try:
            yield implementation
        finally:
            implementation.close()


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a target does today on a saved case: `status` held or failing in some way, and the words for it.

    `notes`: what the case has lost on its way to another dtype.  `failure`: what fails.
    `causes`: the likeliest first, empty where no known cause explains it, None where none was looked for.
    """

    target: str
    law: Law
    status: Status
    messages: tuple[str, ...]
    case: Case
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    causes: tuple[Explanation, ...] | None = None

    @property
    def exit_code(self) -> int:
        """0 fixed, 1 still failing, 5 where nothing was judged: the law does not apply, or the case decides nothing."""
        if self.status in (Status.NOT_APPLICABLE, Status.UNDECIDED):
            return 5
        return 0 if self.status == Status.HELD else 1


@contextmanager
def replayed(asked: Replay, laws: Sequence[Law]) -> Iterator[tuple[Replayed, Implementation]]:
    """A saved case judged by its law, and the target, still loaded.

    Raises UsageError for a law that is not there, LoadError as `load` does.
    """
    law = asked.law(laws)
    case, notes = asked.case()
    with asked.loaded() as implementation:
        case = fit(case, implementation)
        found = judged_again(
            law, case, implementation, asked.dtype or asked.saved.dtype, ended=asked.saved.ended
        )
        told = Replayed(asked.name, law, found.status, found.messages, case, notes, found.failure)
        yield told, implementation


def explained(found: Replayed, implementation: Implementation) -> Replayed:
    """With the likeliest causes of what fails, for which the library of causes is loaded; what does not answer in time is not
    asked more.
    """
    failure = found.failure
    if failure is None or found.status == Status.TIMED_OUT:
        return found
    from bncheck.causes.attribution import Attribution  # noqa: PLC0415  # a replay that holds needs no causes

    return replace(found, causes=Attribution(implementation).explanations(found.law, failure, failure))


@dataclass(frozen=True, slots=True)
class Again:
    """A saved case judged again: the status, the words for it, what fails, and its cost in starts of a process."""

    status: Status
    messages: tuple[str, ...] = ()
    failure: Failure | None = None
    restarts: int = 0


def judged_again(
    law: Law, case: Case, implementation: Implementation, dtype: str, *, ended: bool = False
) -> Again:
    """A case, already fitted to the target, by its law; `ended`: what failed there ended its process, or did not end."""
    reason = law.why_not(implementation.capabilities)
    if reason is None and not law.dtypes((dtype,)):
        reason = f"it is a law for {', '.join(law.region.dtypes or FORMATS)}, not for {dtype}"
    if reason is None and dtype not in implementation.capabilities.dtypes:
        reason = f"it does not take {dtype}"
    if reason is not None:
        return Again(Status.NOT_APPLICABLE, (reason,))
    origin = Drawing(0, law.region, dtype, ladder=False, count=0, largest=0)
    answers, restarts, decides = Answers(), 0, False
    # What comes by chance, or by what was evaluated before, need not fail the first time.
    apart = ended and implementation.worker is not None
    for attempt in range(TIMES_APART if apart else TIMES_STRIDED if case.layouts else TIMES):
        if ended and attempt:
            implementation.close()  # a process in which it went well once may do so again and again
        trial = Trial(implementation, answers)
        if case.layouts and attempt:
            after_other_numbers(case, trial, attempt)
        judgement = judge(law, case, trial, origin)
        failure, restarts = judgement.failure, restarts + trial.restarts
        if failure is not None:
            return Again(failure.status, failure.messages(), failure, restarts)
        decides = any(each.decides or each.elements.inconclusive for each in judgement.comparisons)
    # It failed once: a number within its bound is right again, even where the bound exceeds the signal.
    if not decides:
        return Again(Status.UNDECIDED, ("nothing could be concluded from this case",), restarts=restarts)
    return Again(Status.HELD, restarts=restarts)
