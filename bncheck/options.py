"""What a run is asked for, checked when it is said."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from bncheck.adapters.found import RANKS
from bncheck.baseline.entry import Baseline
from bncheck.case_file import SavedCase
from bncheck.division import Part
from bncheck.effort import effort_of
from bncheck.errors import UsageError
from bncheck.law import Law
from bncheck.reference.formats import FORMATS


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for.  `include`, `exclude`: regular expressions searched in law ids; `dtypes`: all offered
    where empty; `ranks`: of x, likewise; `dialect`: conventions declared by name for every target; `isolate`: as for
    `load`; `cases`: the folder in which findings are saved, None where they are not; `replays`: the folder whose saved
    cases are judged first; `baseline`: the failures that are known, judged as of `today`.
    `shard`: what is judged of the whole; `seconds`, `failures`: after how long, and how many failing laws, a run stops.
    """

    profile: str = "ci"
    seed: int = 0
    include: str | None = None
    exclude: str | None = None
    dtypes: tuple[str, ...] = ()
    device: str | None = None
    dialect: Mapping[str, str] = field(default_factory=dict)
    ranks: tuple[int, ...] = ()
    isolate: bool | None = None
    cases: Path | None = None
    replays: Path | None = None
    baseline: Baseline | None = None
    today: date = field(default_factory=date.today)
    shard: Part | None = None
    seconds: float | None = None
    failures: int | None = None

    def __post_init__(self) -> None:
        effort_of(self.profile)
        for name in self.dtypes:
            if name not in FORMATS:
                raise UsageError(f"{name!r} is no dtype that is judged; valid are {', '.join(FORMATS)}")
        for rank in self.ranks:
            if rank not in RANKS:
                raise UsageError(f"{rank!r} is no rank of x; valid are 2, 3, 4 and 5")
        for pattern in (self.include, self.exclude):
            _compiled(pattern)

    def selected(self, laws: Sequence[Law]) -> tuple[Law, ...]:
        """The laws that include and exclude leave."""
        wanted, unwanted = _compiled(self.include), _compiled(self.exclude)
        return tuple(
            law
            for law in laws
            if (wanted is None or wanted.search(law.id))
            and not (unwanted is not None and unwanted.search(law.id))
        )

    def about(self, law: Law) -> Options:
        """The same with those entries of the baseline that are of one law."""
        return replace(self, baseline=None if self.baseline is None else self.baseline.of(law.id))

    def concerns(self, saved: SavedCase, target: str) -> bool:
        """Whether a saved case was found as a run with these options judges a target: device, conventions, dtype, rank."""
        return (
            saved.target == target
            and saved.was_found_under(self.device, self.dialect)
            and (not self.dtypes or saved.dtype in self.dtypes)
            and (not self.ranks or saved.case.x.ndim in self.ranks)
        )

    def command(self, target: str, law: Law, dtype: str) -> str:
        """The command line that shows a finding again."""
        words = ["bncheck", "run", target, "--profile", self.profile, "--seed", str(self.seed)]
        words += ["--include", f"^{re.escape(law.id)}$", "--dtype", dtype]
        words += ["--device", self.device] if self.device is not None else []
        for rank in self.ranks:
            words += ["--rank", str(rank)]
        for key, value in self.dialect.items():
            words += ["--dialect", f"{key}={value}"]
        return shlex.join(words)


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from None
