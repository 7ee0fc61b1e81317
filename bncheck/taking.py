"""Taking: a target as the options of a run ask for it, and the dtypes that it is judged in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from bncheck.implementation import Implementation
from bncheck.law import Law
from bncheck.loading import load
from bncheck.options import Options
from bncheck.verify import Plan, planned


@contextmanager
def taking(
    dtype: str, *, target: Any, implementation: Implementation, options: Options
) -> Iterator[Implementation]:
    """A target that takes a dtype: as it is loaded; anew where the run asks for other dtypes, or for some ranks alone."""
    if not options.ranks and dtype in implementation.capabilities.dtypes:
        yield implementation
        return
    again = loaded(target, replace(options, ranks=(), dtypes=(dtype,)))
    try:
        yield again
    finally:
        again.close()


def loaded(target: Any, options: Options) -> Implementation:
    """A target as the options ask for it; raises LoadError or UsageError."""
    return load(
        target,
        device=options.device,
        dialect=options.dialect,
        ranks=options.ranks,
        dtypes=options.dtypes,
        isolate=options.isolate,
    )


def judged_dtypes(implementation: Implementation, options: Options) -> tuple[str, ...]:
    """The dtypes that a target offers and the options leave."""
    offered = implementation.capabilities.dtypes
    return tuple(name for name in offered if not options.dtypes or name in options.dtypes)


def plan_of(laws: Sequence[Law], implementation: Implementation, options: Options) -> Plan:
    """What a run with these options judges of a target: the laws that apply, and the shard of them."""
    plan = planned(laws, implementation, judged_dtypes(implementation, options))
    return plan if options.shard is None else plan.of(options.shard)
