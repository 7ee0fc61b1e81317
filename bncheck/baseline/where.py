"""Where an entry of the baseline applies: a predicate on cases, of words and of ranges of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isnan
from typing import Any

from bncheck.baseline.features import KEYS, NUMBERS, WORDS, words_of
from bncheck.case import Case
from bncheck.errors import UsageError

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Where:
    """A case lies inside where its words are among the `words` of each key, and each number is in its range, ends included.

    What is not named is not looked at: without any key every case lies inside.
    """

    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: Mapping[str, Range] = field(default_factory=dict)

    def why_outside(self, case: Case) -> str | None:
        """What puts a case outside, in words, None where it lies inside."""
        own = words_of(case)
        for key, allowed in self.words.items():
            if not own[key] <= set(allowed):
                return f"its {key} is {', '.join(sorted(own[key]))}"
        for key, (least, largest) in self.numbers.items():
            value = NUMBERS[key](case)
            if value is None or not least <= value <= largest:
                return f"its {key} is {'the cumulative average' if value is None else f'{value:.6g}'}"
        return None

    def __contains__(self, case: Case) -> bool:
        return self.why_outside(case) is None

    def as_json(self) -> dict[str, Any]:
        """Plain data, as in the file."""
        words = {key: list(told) for key, told in self.words.items()}
        return words | {key: list(told) for key, told in self.numbers.items()}


def where_of(told: Any) -> Where:
    """The predicate that a table of the file says; UsageError with one sentence for all that is wrong."""
    if not isinstance(told, dict):
        raise UsageError(f"its where is {told!r}, expected a table")
    for key in told:
        if key not in KEYS:
            raise UsageError(f"where has the key {key!r}; valid are {', '.join(KEYS)}")
    return Where(
        {key: _words(key, told[key]) for key in WORDS if key in told},
        {key: _range(key, told[key]) for key in NUMBERS if key in told},
    )


def _words(key: str, told: Any) -> tuple[str, ...]:
    """One word or a list of them."""
    words = [told] if isinstance(told, str) else told
    if not isinstance(words, list) or not words or not all(each in WORDS[key] for each in words):
        raise UsageError(f"where.{key} is {told!r}, expected one or several of {', '.join(WORDS[key])}")
    return tuple(words)


def _range(key: str, told: Any) -> Range:
    if not isinstance(told, list) or len(told) != 2 or not all(_is_number(each) for each in told):
        raise UsageError(f"where.{key} is {told!r}, expected the least and the largest number, as in [2, 64]")
    least, largest = told
    if least > largest:
        raise UsageError(f"where.{key} is {told!r}, in which no number lies: the least comes first")
    return least, largest


def _is_number(told: Any) -> bool:
    return isinstance(told, (int, float)) and not isinstance(told, bool) and not isnan(told)
