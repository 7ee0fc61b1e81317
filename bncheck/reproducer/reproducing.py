"""Reproducing: a failing case through its witnesses to a script that was run and shows it, and to what is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from bncheck.causes.explanation import Explanation
from bncheck.environment import environment
from bncheck.errors import UsageError
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.replaying import Replay, Replayed
from bncheck.reproducer.claims import Dies, Number
from bncheck.reproducer.history import with_history
from bncheck.reproducer.issue import issue_of
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.script import Run, Source, run, source_of
from bncheck.reproducer.spelling import Spelling, spelling_of
from bncheck.reproducer.witness import Recording, Witness, witnesses

# How many scripts are tried until one shows the finding.
TRIED, ROUNDS = 6, 2
CHANCES = 10
FORWARD = ("y", "running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class Reproducer:
    """A finding that a script shows: `printed` is what it printed here, `cause` the likeliest one where one is known."""

    law: Law
    target: str
    id: str
    source: Source
    printed: str
    versions: str
    ends: bool
    cause: Explanation | None = None

    def text(self) -> str:
        """The script."""
        status = "Exits with 1 while that is so, with 0 when it is right, with 2 if anything else goes wrong."
        return self.source.script([*self._header(), status])

    def test(self) -> str:
        """A regression test; UsageError where the evaluation ends its process, and pytest's with it."""
        if self.ends:
            raise UsageError("what ends its process would end that of pytest; take the script")
        name = re.sub(r"\W+", "_", f"test_{self.law.id}_{self.id}")
        return self.source.test(name, self._header())

    def issue(self) -> str:
        """Markdown for a tracker."""
        return issue_of(
            self.law,
            self.target,
            printed=self.printed,
            script=self.text(),
            versions=self.versions,
            cause=self.cause,
        )

    def _header(self) -> list[str]:
        printed = self.printed.splitlines()[-4:]
        return [
            f"{self.target}: violates '{self.law.name}' ({self.law.id}, case {self.id}).",
            first_sentence(self.law.formula),
            f"With {self.versions} it printed:",
            *(f"  {line}" for line in printed),
        ]


def first_sentence(formula: str) -> str:
    """The first paragraph of a formula, on one line."""
    return " ".join(formula.partition("\n\n")[0].split())


def reproduced(found: Replayed, asked: Replay, implementation: Implementation) -> Reproducer:
    """A script that shows a finding, run here with the expected end.

    `implementation`: the target as it was judged.  Raises UsageError, one sentence, where no script shows what fails;
    LoadError as `load` does.
    """
    law = found.law
    # What fails by chance need not fail the first time.
    for _ in range(CHANCES):
        trial = Recording(implementation)
        alone = list(islice(_distinct(witnesses(law, found.case, trial)), TRIED))
        if alone:
            break
    else:
        raise UsageError(f"no script shows a violation of {law.id} on {asked.name} for this case")
    # A second round for what does not fail every time: memory that is read beyond an array holds something else again.
    tried = [simpler for each in alone for simpler in _simplest_first(each)] * ROUNDS
    tried += islice(with_history(alone, trial.asked), TRIED)
    if implementation.worker is None:
        return _shown(tried, law, asked, implementation)
    # A spelling reads the adapter itself, which of an isolated target is in another process.
    with asked.loaded(isolate=False) as here:
        return _shown(tried, law, asked, here)


def _distinct(found: Iterator[Witness]) -> Iterator[Witness]:
    kept: list[Witness] = []
    for each in found:
        if not any(each.case is other.case and each.claim == other.claim for other in kept):
            kept.append(each)
            yield each


def _shown(tried: Sequence[Witness], law: Law, asked: Replay, here: Implementation) -> Reproducer:
    """The first script that exits with 1."""
    spelling, versions = spelling_of(here), _versions(here)
    last: Run | None = None
    for witness in tried:
        source = _source(witness, spelling, here)
        last = run(source.script(["."]))
        if last.status == 1:
            ends = isinstance(witness.claim, Dies)
            return Reproducer(law, asked.name, asked.saved.id, source, last.printed, versions, ends)
    assert last is not None
    raise UsageError(
        f"no script shows this violation of {law.id} on {asked.name} by itself: the last one {_ended(last)}"
    )


def _simplest_first(witness: Witness) -> list[Witness]:
    """The witness, and before it what remains where nothing is differentiated, if that may show the same."""
    claim, case = witness.claim, witness.case
    opens = any(step.action == "open" for step in case.program)
    if isinstance(claim, Number) and claim.quantity in FORWARD and case.dy is not None and not opens:
        return [replace(witness, case=case.changed(dy=None)), witness]
    return [witness]


def _source(witness: Witness, spelling: Spelling, here: Implementation) -> Source:
    return source_of(Scene(spelling, here.capabilities, witness.case), witness.claim)


def _ended(last: Run) -> str:
    if last.status == 0:
        return "found nothing wrong"
    return f"ended with {last.error.splitlines()[-1] if last.error else f'status {last.status}'}"


def _versions(here: Implementation) -> str:
    known = environment()
    named = {**here.adapter.versions(), "Python": known["python"]}
    return ", ".join(f"{name} {version}" for name, version in named.items()) + f" ({here.device})"
