"""Laws as parametrised tests in a user's own test file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bncheck.checking import Options, judged
from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.law import Law
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import FAILING, LawReport, TargetReport
from bncheck.text_report import print_target
from bncheck.verdict import Status


@dataclass(frozen=True, slots=True)
class Tested:
    """A law as the test calls it."""

    law: Law
    options: Options

    def __call__(self, implementation: Any) -> None:
        """Judge a target by this law: passes, skips where it does not apply, raises AssertionError with the finding."""
        __tracebackhide__ = True
        corpus = _corpus(self.options.seed, self.options.profile)
        report = judged(implementation, (self.law,), self.options, corpus)
        if report.error is not None:
            raise AssertionError(report.error)
        (found,) = report.laws
        if found.status == Status.NOT_APPLICABLE:
            pytest.skip(found.reason or "not applicable")
        if _fails(found, strict=corpus.effort.strict):
            raise AssertionError(_told(report))


def parametrized(targets: Sequence[Any], options: Options) -> pytest.MarkDecorator:
    """The decorator of `bncheck.parametrize`."""
    parameters = [
        pytest.param(
            Tested(law, options), target, id=f"{law.id}-{_name(target)}" if len(targets) > 1 else law.id
        )
        for target in targets
        for law in options.selected(CATALOGUE)
    ]
    return pytest.mark.parametrize(("law", "implementation"), parameters)


@lru_cache(maxsize=4)
def _corpus(seed: int, profile: str) -> Corpus:
    """One corpus a session: examples are drawn once for all tests."""
    return Corpus(seed, effort_of(profile))


def _fails(found: LawReport, *, strict: bool) -> bool:
    return found.status in FAILING or (strict and found.status == Status.UNDECIDED)


def _told(report: TargetReport) -> str:
    text = StringIO()
    print_target(Console(file=text, width=120, no_color=True), report)
    return text.getvalue().strip()


def _name(target: Any) -> str:
    return target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
