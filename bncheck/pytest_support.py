"""Laws as parametrised tests in a user's own test file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from bncheck.checking import Before, known_to, report_on
from bncheck.corpus import Corpus
from bncheck.effort import effort_of
from bncheck.errors import LoadError
from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.report import FAILING, LawReport, TargetReport
from bncheck.taking import loaded as load_target
from bncheck.text_report import print_target
from bncheck.verdict import Status


@dataclass(frozen=True, slots=True)
class Tested:
    """A law as the test calls it."""

    law: Law
    options: Options

    def __call__(self, implementation: Any) -> None:
        """Judge a target by this law: passes, skips where it does not apply, raises AssertionError with the finding.

        A failure that the baseline knows is an expected one; an entry of the law that is stale raises too.
        """
        __tracebackhide__ = True
        corpus = _corpus(self.options.seed, self.options.profile)
        try:
            loaded = _loaded(implementation, self.options)
        except LoadError as error:
            raise AssertionError(str(error)) from None
        options = self.options.about(self.law)
        before = Before(known_to(implementation, loaded, (self.law,), options))
        report = report_on(loaded, (self.law,), options, corpus, before=before)
        (found,) = report.laws
        if report.stale:
            raise AssertionError(_told(report))
        if found.status == Status.NOT_APPLICABLE:
            pytest.skip(found.reason or "not applicable")
        if _fails(found, strict=corpus.effort.strict):
            raise AssertionError(_told(report))
        if found.status == Status.KNOWN:
            pytest.xfail(found.reason or "known")


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


_LOADED: dict[str, Implementation] = {}


def _loaded(target: Any, options: Options) -> Implementation:
    """A target named by a string is loaded once a session: its worker serves the tests of all laws."""
    if not isinstance(target, str):
        return load_target(target, options)
    key = repr((target, replace(options, baseline=None)))
    if key not in _LOADED:
        _LOADED[key] = load_target(target, options)
    return _LOADED[key]


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
