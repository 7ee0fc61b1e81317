"""Stale memory: what an implementation reads beside a strided array is what others left there, and may happen to be right."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from bncheck.case import Case
from bncheck.errors import ImplementationCrashed
from bncheck.trial import Trial


def after_other_numbers(case: Case, trial: Trial, attempt: int) -> None:
    """The outcome of a case, after other numbers of the same shapes, contiguous ones, have been in memory."""
    mean, var = case.running_mean, case.running_var
    other = case.changed(
        x=case.x * case.x.dtype.type(0.5) + case.x.dtype.type(attempt),
        running_mean=None if mean is None else mean + mean.dtype.type(attempt),
        running_var=None if var is None else var + var.dtype.type(attempt),
        layouts={},
    )
    with np.errstate(all="ignore"), suppress(ImplementationCrashed):
        trial.implementation.evaluate(other)
        trial.outcome(case)
