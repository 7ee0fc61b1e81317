"""The terms of the contracts: what training may make of one value a channel, and of none.

With one value a channel x - mean = 0, the biased variance is 0 and the unbiased one 0/0.  "raise": the call raises.
"beta": y = beta, and dx = dgamma = 0.  "identity": y = x, and dx = dy.  "nan": y is NaN.  Where it does not raise, the
running mean moves to x by the weight of the batch or stays, and the running variance moves to 0 (biased, or without
the factor m / (m - 1)), stays, or is NaN; under "nan" they may be NaN.

Without a value y has no element, the sums over dy are 0, and the batch counts or does not, where that is declared.  "raise": the call raises.  "keep": the running
statistics keep their bits.  "nan": of each channel at least one of them is NaN, so that what was lost is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, Elements, compare, defect_of, same_bits
from bncheck.properties.relation import as_given, exactly, lost
from bncheck.properties.selection import compare_where
from bncheck.reference.bounds import Bound
from bncheck.reference.domain import Mask
from bncheck.reference.oracle import Truth
from bncheck.trial import Trial, as_rows, shape_of

# Of a case, of one with the same numbers, whose exact answers are the same, and of the trial.
Contract = Callable[[Case, Case, Trial], Iterator[Comparison]]
GRADIENTS = ("dx", "dgamma", "dbeta")
STATISTICS = ("running_mean", "running_var")


def _beta(case: Case, like: Case, trial: Trial) -> Iterator[Comparison]:
    """y = beta, dx = dgamma = 0, dbeta = dy, within the bounds of a channel of variance 0.

    The signal of y is |x| too, which is what a value that is passed on would show.
    """
    truth, limits = _biased(like, trial)
    for name in ("y", *GRADIENTS):
        if name in limits and trial.outcome(case).quantity(name) is not None:
            exact, limit = getattr(truth, name), limits[name]
            if name == "y":
                limit = replace(limit, scale=np.maximum(limit.scale, np.abs(as_rows(like.x))))
            yield compare(name, trial.rows(case, name), exact, limit, shape_of(name, case))
    yield from _moved(case, like, trial, nan=("running_var",))


def _identity(case: Case, like: Case, trial: Trial) -> Iterator[Comparison]:
    """y = x and dx = dy bit for bit, dgamma = dbeta = 0."""
    outcome = trial.outcome(case)
    yield same_bits("y", outcome.y, case.x)
    if case.dy is not None and outcome.dx is not None:
        yield same_bits("dx", outcome.dx, case.dy)
    yield from _no_sums(case, trial)
    yield from _moved(case, like, trial, nan=("running_var",))


def _nan(case: Case, like: Case, trial: Trial) -> Iterator[Comparison]:
    """y is NaN."""
    rows = trial.rows(case, "y")
    wrong = np.argwhere(~np.isnan(rows))
    defect = (
        f"y of channel {wrong[0][0]} is {rows[tuple(wrong[0])]:.5g}, expected a NaN" if len(wrong) else None
    )
    yield Comparison("y", Elements(judged=rows.size), defect=defect)
    yield from _moved(case, like, trial, nan=("running_mean", "running_var"))


def _moved(case: Case, like: Case, trial: Trial, *, nan: tuple[str, ...]) -> Iterator[Comparison]:
    """Both running statistics keep their bits, or move as a batch of variance 0 moves them; `nan` may be NaN, and the
    running variance may stay where only the running mean moves.
    """
    if not trial.capabilities.statistics or case.running_mean is None or case.running_var is None:
        return
    truth, limits = _biased(like, trial)
    same = {name: _stays(case, trial, name) for name in STATISTICS}
    for name in STATISTICS:
        rows = trial.rows(case, name)
        let_pass = same["running_mean"] & same["running_var"] if name == "running_mean" else same[name]
        let_pass = let_pass | (np.isnan(rows) if name in nan else False)
        exact = getattr(truth, name)
        found = compare_where(~let_pass, name, rows, exact, limits[name], shape=shape_of(name, case))
        # What is let pass is judged as well.
        passed = int(np.count_nonzero(let_pass))
        yield replace(found, elements=found.elements + Elements(judged=passed))


def _stays(case: Case, trial: Trial, name: str) -> Mask:
    """Per channel, (C, 1): whether a statistic is that given, as far as that can be kept."""
    rows, given = trial.rows(case, name), as_rows(getattr(case, name))
    return np.asarray((rows == given) | (np.abs(rows - given) <= lost(case, trial, given)))


def _biased(case: Case, trial: Trial) -> tuple[Truth, dict[str, Bound]]:
    """Truth and bounds without the factor m / (m - 1), which one value a channel does not have."""
    return trial.answers.truth(case, biased=True)[1], trial.bounds(case, biased=True)


def _keep(case: Case, _like: Case, trial: Trial) -> Iterator[Comparison]:
    """The running statistics keep their bits."""
    yield from _counted(case, trial)
    yield from without_values(case, trial)
    yield from kept(case, trial)


def _lost(case: Case, _like: Case, trial: Trial) -> Iterator[Comparison]:
    """At least one of the running statistics of each channel is NaN."""
    yield from _counted(case, trial)
    yield from _shaped(case, trial)
    if not trial.capabilities.statistics or case.running_mean is None:
        return
    mean, var = (trial.rows(case, name)[:, 0] for name in STATISTICS)
    numbers = np.flatnonzero(~np.isnan(mean) & ~np.isnan(var))
    defect = None
    if numbers.size:
        first = numbers[0]
        defect = (
            f"running_mean[{first}] is {mean[first]:.5g} and running_var[{first}] is {var[first]:.5g} "
            "after a batch without a value, neither of them NaN"
        )
    yield Comparison("running_mean", Elements(judged=case.channels), defect=defect)


def _counted(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The count of batches goes on or stays, where the dialect declares it."""
    counted, batches = trial.implementation.dialect.empty_counted, trial.outcome(case).batches
    if counted == "any" or batches is None:
        return
    expected = case.batches + (counted == "yes")
    defect = f"the count of batches is {batches}, expected {expected}" if batches != expected else None
    yield Comparison("batches", Elements(judged=1), defect=defect)


def without_values(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y and dx have the shape of x, and the sums over dy are 0."""
    yield from _shaped(case, trial)
    yield from _no_sums(case, trial)


def _shaped(case: Case, trial: Trial) -> Iterator[Comparison]:
    outcome = trial.outcome(case)
    for name in ("y", *GRADIENTS):
        if name == "y" or outcome.quantity(name) is not None:
            defect = defect_of(name, outcome.quantity(name), shape_of(name, case))
            yield Comparison(name, Elements(judged=1), defect=defect)


def _no_sums(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dgamma = dbeta = 0."""
    for name in ("dgamma", "dbeta"):
        if trial.outcome(case).quantity(name) is not None:
            rows = trial.rows(case, name)
            limit = Bound(np.zeros_like(rows), np.ones_like(rows), np.ones_like(rows, bool))
            yield compare(name, rows, exactly(np.zeros_like(rows)), limit, shape_of(name, case))


def kept(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The running statistics, where they can be read, bit for bit those given."""
    if not trial.capabilities.statistics:
        return
    for name in STATISTICS:
        given = getattr(case, name)
        if given is not None:
            yield as_given(case, trial, name)


SINGLE_CONTRACTS: Mapping[str, Contract] = {"beta": _beta, "identity": _identity, "nan": _nan}
EMPTY_CONTRACTS: Mapping[str, Contract] = {"keep": _keep, "nan": _lost}
