"""A law: one function that says what must hold for a case, with an id, a formula, a source and a region of inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from inspect import cleandoc

from bncheck.capabilities import Capabilities
from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.regions import Region
from bncheck.trial import Trial

Check = Callable[[Case, Trial], Iterable[Comparison]]


@dataclass(frozen=True, slots=True)
class Law:
    """`id` is `family.detail`; `needs` names capabilities; `check` compares, and its docstring is the formula."""

    id: str
    region: Region
    needs: tuple[str, ...]
    source: str
    check: Check

    @property
    def family(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The sentence that holds."""
        return self.check.__name__.replace("_", " ")

    @property
    def formula(self) -> str:
        """The docstring of the check."""
        return cleandoc(self.check.__doc__ or "")

    def why_not(self, capabilities: Capabilities) -> str | None:
        """Why this law does not apply to a target, or None where it does."""
        return next(
            (reason for need in self.needs if (reason := capabilities.why_not(need)) is not None), None
        )

    def dtypes(self, offered: Iterable[str]) -> tuple[str, ...]:
        """Those of the offered dtypes that the law's region is for."""
        return tuple(name for name in offered if self.region.dtypes is None or name in self.region.dtypes)


def law(law_id: str, *, region: Region, source: str, needs: tuple[str, ...] = ()) -> Callable[[Check], Law]:
    """Make a law of a check.  There is no registration: the catalogue names its laws."""

    def made(check: Check) -> Law:
        return Law(id=law_id, region=region, needs=needs, source=source, check=check)

    return made
