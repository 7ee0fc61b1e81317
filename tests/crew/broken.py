"""A law that is wrong in itself, in every process but the first."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace

from bncheck.case import Case
from bncheck.comparison import Comparison
from bncheck.law import Law
from bncheck.properties.catalogue import CATALOGUE
from bncheck.trial import Trial

OUTPUT = next(law for law in CATALOGUE if law.id == "forward.output")


def _raising(case: Case, trial: Trial) -> Iterator[Comparison]:
    if multiprocessing.parent_process() is not None:
        raise ZeroDivisionError("a defect")
    yield from OUTPUT.check(case, trial)


def broken() -> tuple[Law, ...]:
    return (replace(OUTPUT, check=_raising),)
