"""Laws as parametrised tests in a user's own test file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from bncheck.errors import LoadError
from bncheck.law import Law
from bncheck.options import Options
from bncheck.properties.catalogue import CATALOGUE
from bncheck.pytest_session import bench, expect


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
        try:
            ending = bench(implementation, self.options).ending(self.law)
        except LoadError as error:
            raise AssertionError(str(error)) from None
        if ending.outcome == "failed":
            raise AssertionError(ending.text)
        if ending.outcome == "skipped":
            pytest.skip(ending.text)
        if ending.outcome == "known":
            pytest.xfail(ending.text)

    def expect(self, implementation: Any) -> None:
        """Say before any test runs that this law will judge a target."""
        expect(implementation, self.options, self.law)


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


def _name(target: Any) -> str:
    return target if isinstance(target, str) else getattr(target, "__name__", type(target).__name__)
