"""The failures that a baseline knows, as a run meets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bncheck.baseline.standing import EntryReport, Standing
from bncheck.case import Case
from bncheck.law import Law
from bncheck.verdict import Failure, Judgement


@dataclass(slots=True)
class Known:
    """The entries of one target.  Those that stand as `valid` cover failures; `examples` counts them by entry."""

    reports: Sequence[EntryReport] = ()
    valid: Sequence[Standing] = (Standing.KNOWN,)
    examples: dict[int, int] = field(default_factory=dict)

    def entry_for(self, law: str, failure: Failure) -> int | None:
        """The number of the first entry that knows this failure of a law."""
        return next(
            (
                number
                for number, report in enumerate(self.reports)
                if report.standing in self.valid and report.entry.covers(law, failure)
            ),
            None,
        )

    def witness(self, law: Law, _case: Case, judgement: Judgement) -> bool:
        """Whether an example of the run is known, which is then counted."""
        if judgement.failure is None:
            return False
        number = self.entry_for(law.id, judgement.failure)
        if number is None:
            return False
        self.examples[number] = self.examples.get(number, 0) + 1
        return True

    def counted(self) -> tuple[EntryReport, ...]:
        """The reports with the examples that each has covered."""
        return tuple(
            replace(report, examples=self.examples.get(number, 0))
            for number, report in enumerate(self.reports)
        )

    def reasons(self, law: Law) -> tuple[str, ...]:
        """Why the known failures of a law are tolerated, each reason once."""
        told = (each.entry.reason for each in self.counted() if each.entry.law == law.id and each.examples)
        return tuple(dict.fromkeys(told))
