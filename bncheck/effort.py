"""The effort of a run: how many examples, how large, how long a counterexample is shrunk."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from bncheck.errors import UsageError


@dataclass(frozen=True, slots=True)
class Effort:
    """One of the profiles of the command line.

    `examples`: of each region at least, over all dtypes; `per_dtype`: of each dtype at least; `largest`: values in a
    channel at most; `shrinks`: evaluations spent on making a counterexample small; `strict`: an undecided law fails.
    """

    name: str
    examples: int
    per_dtype: int
    largest: int
    shrinks: int
    strict: bool

    def count(self, dtypes: int, *, long: bool = False) -> int:
        """Examples to draw for each dtype when `dtypes` of them are judged; fewer where each is a long one."""
        if long:
            return max(ceil(self.per_dtype * 0.6), ceil(self.examples * 0.8 / dtypes))
        return max(self.per_dtype, ceil(self.examples / dtypes))


SMOKE = Effort("smoke", examples=28, per_dtype=10, largest=1024, shrinks=150, strict=False)
CI = Effort("ci", examples=150, per_dtype=50, largest=16384, shrinks=400, strict=True)
THOROUGH = Effort("thorough", examples=1000, per_dtype=400, largest=131072, shrinks=1000, strict=True)

EFFORTS = {effort.name: effort for effort in (SMOKE, CI, THOROUGH)}


def effort_of(name: str) -> Effort:
    """The effort of a profile's name."""
    if name not in EFFORTS:
        raise UsageError(f"{name!r} is no profile; valid are {', '.join(EFFORTS)}")
    return EFFORTS[name]
