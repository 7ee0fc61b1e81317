"""Laws of degenerate batches: one value a channel, and none, as contracts that hold on every entry point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from bncheck.capabilities import Capabilities
from bncheck.case import Case
from bncheck.comparison import Comparison, Elements
from bncheck.errors import ImplementationCrashed
from bncheck.law import law
from bncheck.properties.contract_terms import (
    EMPTY_CONTRACTS,
    GRADIENTS,
    SINGLE_CONTRACTS,
    Contract,
    kept,
    without_values,
)
from bncheck.reference.formats import FLOAT32, dtype_of, format_of
from bncheck.regions import DEGENERATE_EVALUATION, EMPTY, SINGLE
from bncheck.shapes import SINGLES, Plan
from bncheck.trial import IllFormed, Trial

SOURCE = "the definition of mean and variance, and what public implementations do where it ends"


@law("contract.single_value", region=SINGLE, source=SOURCE, needs=("train",))
def one_value_a_channel_follows_one_contract(case: Case, trial: Trial) -> Iterator[Comparison]:
    """With one value a channel, training raises, or y = beta, or y = x, or y is NaN: as the dialect declares, and the
    same with and without gradients, under every rank and in every dtype.
    """
    yield from _one_contract(case, trial, trial.implementation.dialect.single, SINGLE_CONTRACTS)


@law("contract.empty_batch", region=EMPTY, source=SOURCE, needs=("train",))
def an_empty_batch_follows_one_contract(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Without a value, training raises, or leaves the running statistics alone bit for bit, or makes them NaN: as the
    dialect declares, and the same with and without gradients, under every rank and in every dtype.
    """
    yield from _one_contract(case, trial, trial.implementation.dialect.empty, EMPTY_CONTRACTS)


@law(
    "contract.evaluation",
    region=DEGENERATE_EVALUATION,
    source="in evaluation no element sees another",
    needs=("eval", "set_statistics"),
)
def degenerate_batches_are_evaluated_like_others(case: Case, trial: Trial) -> Iterator[Comparison]:
    """In evaluation one value a channel gives y = gamma (x - running_mean) / sqrt(running_var + eps) + beta and its
    gradients; no value gives no y, dgamma = dbeta = 0; and the running statistics keep their bits.
    """
    if case.count > 0:
        found = (name for name in ("y", *GRADIENTS) if trial.outcome(case).quantity(name) is not None)
        yield from trial.agreement(case, *found)
    else:
        yield from without_values(case, trial)
    yield from kept(case, trial)


def _one_contract(
    case: Case, trial: Trial, declared: str, contracts: Mapping[str, Contract]
) -> Iterator[Comparison]:
    """What is declared, else what the first entry point does, on each of them."""
    entries = list(_entries(case, trial))
    contract, since = declared, f"its dialect declares {declared!r}"
    if declared == "any":
        contract = _first(case, trial, contracts)
        since = f"{_told(case)} follows the contract {contract!r}"
    for entry in entries:
        crash, defect = _crash(entry, trial), None
        if crash is None and contract != "raise":
            like = case if entry.x.dtype == case.x.dtype else entry
            yield from contracts[contract](entry, like, trial)
            continue
        if crash is None:
            defect = f"{_told(entry)} does not raise, although {since}"
        elif contract != "raise":
            defect = f"{_told(entry)} raises {crash}, although {since}"
        yield Comparison("y", Elements(judged=1), defect=defect)


def _first(case: Case, trial: Trial, contracts: Mapping[str, Contract]) -> str:
    """The contract that an implementation follows on a case, the first of all where it follows none."""
    if _crash(case, trial) is not None:
        return "raise"
    follows = (name for name, contract in contracts.items() if _follows(contract, case, trial))
    return next(follows, next(iter(contracts)))


def _follows(contract: Contract, case: Case, trial: Trial) -> bool:
    try:
        return not any(comparison.fails for comparison in contract(case, case, trial))
    except IllFormed:
        return False


def _crash(case: Case, trial: Trial) -> ImplementationCrashed | None:
    """What a case raises; the end of a process is nothing that a contract allows, and is raised again."""
    try:
        trial.outcome(case)
    except ImplementationCrashed as crash:
        if crash.restarts:
            raise
        return crash
    return None


def _told(case: Case) -> str:
    gradients = "without gradients" if case.dy is None else "with gradients"
    return f"x {case.x.shape} {case.x.dtype.name} {gradients}"


def _entries(case: Case, trial: Trial) -> Iterator[Case]:
    """The case itself, without gradients, under the other ranks and in another dtype; few where each is compiled."""
    offered = trial.capabilities
    yield case
    if case.dy is not None and not offered.compiles:
        yield trial.without_gradients(case)
    for shape in _shapes(case, offered):
        yield trial.derive(case, f"shape {shape}", partial(Case.reshaped, shape=shape))
    dtypes = offered.dtypes
    if case.x.dtype.name in dtypes and len(dtypes) > 1 and not offered.compiles:
        dtype = dtypes[(dtypes.index(case.x.dtype.name) + 1) % len(dtypes)]
        name = f"{dtype}, mixed {offered.mixed}"
        yield trial.derive(case, name, partial(_in_dtype, dtype=dtype, mixed=offered.mixed))


def _shapes(case: Case, offered: Capabilities) -> Iterator[tuple[int, ...]]:
    """One of each rank that is offered; where each is compiled, one of the ladder's."""
    for rank in offered.ranks:
        shape = (case.count, case.channels, *(1,) * (rank - 2))
        if shape != case.x.shape and (not offered.compiles or Plan(shape) in SINGLES):
            yield shape


def _in_dtype(case: Case, dtype: str, *, mixed: bool) -> Case:
    """The same numbers, rounded where a half-precision format has not their digits."""
    half = format_of(dtype_of(dtype)).significand < FLOAT32.significand
    own = dtype_of("float32" if half and mixed else dtype)
    given = {name: getattr(case, name) for name in ("gamma", "beta", "running_mean", "running_var")}
    return case.changed(
        x=case.x.astype(dtype_of(dtype)),
        dy=None if case.dy is None else case.dy.astype(dtype_of(dtype)),
        **{name: None if vector is None else vector.astype(own) for name, vector in given.items()},
    )


CONTRACTS = (
    one_value_a_channel_follows_one_contract,
    an_empty_batch_follows_one_contract,
    degenerate_batches_are_evaluated_like_others,
)
