"""Fitting a case to what a target can be asked, without changing what it does not have to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bncheck.capabilities import Capabilities
from bncheck.case import Case, Native, channel_major
from bncheck.dialect import Dialect
from bncheck.implementation import Implementation
from bncheck.layout import is_moved
from bncheck.programs import fitted_program
from bncheck.reference.formats import FLOAT32, dtype_of
from bncheck.shapes import fitted_shape
from bncheck.step import Step

# Of the new batch, where statistics may not stand still; 1 minus it has a binary16 of its own.
LEAST_WEIGHT = 2.0**-10
# The power of two up to which float32 holds a value, its square and the cube of its root.
SINGLE_RANGE = 30
# Batches that a corrected average has seen, at most: the first ones are those that are corrected.
FEW = 4


def fit(case: Case, implementation: Implementation) -> Case:
    """The case itself where the target can take it, so that targets share it; else the nearest that it can take."""
    for step in (_channels, _shape, _parameters, _affine, _statistics, _numbers):
        case = step(case, implementation.capabilities)
    case = _program(case, implementation)
    case = _layouts(case, implementation.capabilities)
    case = _conventions(case, implementation)
    if implementation.dialect.momentum == "old":
        case = _complemented(case, _digits(implementation.dialect))
    offered = implementation.capabilities
    return case if offered.frozen or offered.fixed_momentum is not None else _moving(case)


def _seen(case: Case, *, new: bool) -> Case:
    """The batches behind the statistics of a corrected average: some, or none where the layer may be new."""
    if new and case.batches == 0:
        fresh = np.zeros_like, np.ones_like
        given = case.running_mean, case.running_var
        mean, var = (None if each is None else new(each) for new, each in zip(fresh, given, strict=True))
        return case.changed(debiased=True, running_mean=mean, running_var=var)
    return case.changed(debiased=True, batches=case.batches or 1 + case.count % FEW)


def _moving(case: Case) -> Case:
    """Weights of the new batch above 0, those of the program's steps too."""
    momentum = None if case.momentum is None else max(case.momentum, LEAST_WEIGHT)
    program = tuple(
        step if step.value is None else replace(step, value=max(step.value, LEAST_WEIGHT))
        for step in case.program
    )
    same = momentum == case.momentum and program == case.program
    return case if same else case.changed(momentum=momentum, program=program)


def _conventions(case: Case, implementation: Implementation) -> Case:
    """eps as the target keeps it; the pass in which statistics move; whether the first batch replaces, or the average is
    corrected for its start, and then as a rule a layer that has seen batches.
    """
    dialect = implementation.dialect
    if dialect.float64 == "demoted" and case.x.dtype == np.float64:
        case = _within_single(case)
    # A layer that cannot be given statistics is new.
    new = case.steps > 1 or bool(case.program) or not implementation.capabilities.set_statistics
    if dialect.eps_storage == "float32" and float(np.float32(case.eps)) != case.eps:
        case = case.changed(eps=float(np.float32(case.eps)))
    if dialect.update == "backward" and not case.backward:
        dy = np.zeros_like(case.x) if case.program and case.dy is None else case.dy
        case = case.changed(backward=True, dy=dy)
    if dialect.first_batch == "debiased" and not (case.debiased and (case.batches or new)):
        case = _seen(case, new=new)
    if dialect.first_batch == "replaces" and not case.replaces:
        case = case.changed(replaces=True, batches=case.batches if new else max(case.batches, 1))
    return case


def _within_single(case: Case) -> Case:
    """Channels far beyond the range of float32 by a power of two, so that their squares are inside it."""
    rows = np.abs(channel_major(case.x))
    largest = np.max(np.where(np.isfinite(rows), rows, 0.0), axis=1, initial=0.0)
    power = np.where(largest > 0, np.frexp(largest)[1], 0)
    power = np.where(np.abs(power) > SINGLE_RANGE, -power, 0)
    if not power.any():
        return case
    return case.changed(
        x=np.ldexp(case.x, power.reshape(-1, *(1,) * (case.x.ndim - 2))),
        running_mean=_moved_with(case.running_mean, power, SINGLE_RANGE),
        running_var=_moved_with(case.running_var, 2 * power, 2 * SINGLE_RANGE),
    )


def _moved_with(statistic: Native | None, power: Native, reach: int) -> Native | None:
    """By the same powers of two, as far as that leads into the range."""
    if statistic is None:
        return None
    there = np.frexp(statistic)[1] + power
    return np.asarray(np.ldexp(statistic, power + np.clip(there, -reach, reach) - there))


def _complemented(case: Case, digits: int) -> Case:
    """Momentum as a multiple of 2^-digits: then 1 - momentum, which the target is given, is exact too."""
    if case.momentum is None:
        return case
    momentum = round(case.momentum * 2.0**digits) / 2.0**digits
    return case if momentum == case.momentum else case.changed(momentum=momentum)


def _layouts(case: Case, capabilities: Capabilities) -> Case:
    """Without the layouts that the target cannot be given, or that make no difference to their array any more."""
    arrays = {name: getattr(case, name) for name in case.layouts}
    kept = {
        name: layout
        for name, layout in case.layouts.items()
        if capabilities.layouts and arrays[name] is not None and is_moved(arrays[name], layout)
    }
    return case if kept == case.layouts else case.changed(layouts=kept)


def _program(case: Case, implementation: Implementation) -> Case:
    """Without the steps that the target does not offer."""
    dialect = implementation.dialect
    if not case.program:
        return case
    program = fitted_program(
        case.program,
        implementation.capabilities,
        single=dialect.single,
        empty=dialect.empty,
        corrected=dialect.first_batch == "debiased",
        late=dialect.update == "backward",
    )
    if dialect.momentum == "old":
        program = tuple(_complemented_step(step, _digits(dialect)) for step in program)
    return case if program == case.program else case.changed(program=program)


def _complemented_step(step: Step, digits: int) -> Step:
    return step if step.value is None else replace(step, value=round(step.value * 2.0**digits) / 2.0**digits)


def _digits(dialect: Dialect) -> int:
    """Those of numbers below 1 in the format that a target keeps eps and momentum in."""
    return 24 if dialect.eps_storage == "float32" else 53


def _channels(case: Case, capabilities: Capabilities) -> Case:
    """Channels repeated in turn, or left out, up to the fixed number of an instance."""
    if capabilities.channels is None or capabilities.channels == case.channels:
        return case
    chosen = np.arange(capabilities.channels) % case.channels
    taken = {
        name: _taken(getattr(case, name), chosen) for name in ("gamma", "beta", "running_mean", "running_var")
    }
    dy = None if case.dy is None else case.dy[:, chosen]
    return case.changed(x=case.x[:, chosen], dy=dy, **taken)


def _taken(vector: Native | None, chosen: Native) -> Native | None:
    return None if vector is None else vector[chosen]


def _shape(case: Case, capabilities: Capabilities) -> Case:
    shape = fitted_shape(case.x.shape, capabilities.ranks)
    return case if shape == case.x.shape else case.reshaped(shape)


def _parameters(case: Case, capabilities: Capabilities) -> Case:
    """Half-precision x with float32 parameters becomes half-precision throughout, or the other way round."""
    x, parameters, running = case.formats
    if x.significand >= FLOAT32.significand:
        return case
    mixed = running != x or parameters != x
    if mixed and not capabilities.mixed:
        return _converted(case, case.x.dtype)
    if not mixed and not capabilities.uniform:
        return _converted(case, dtype_of("float32"))
    return case


def _converted(case: Case, dtype: np.dtype[Any]) -> Case:
    names = ("gamma", "beta", "running_mean", "running_var")
    largest = float(np.finfo(np.float16).max) / 4 if dtype == np.float16 else np.inf
    changed = {name: getattr(case, name) for name in names if getattr(case, name) is not None}
    return case.changed(
        **{
            name: np.clip(value.astype(np.float64), -largest, largest).astype(dtype)
            for name, value in changed.items()
        }
    )


def _affine(case: Case, capabilities: Capabilities) -> Case:
    if case.affine and not capabilities.affine:
        return case.changed(gamma=None, beta=None)
    if not case.affine and capabilities.affine and not capabilities.plain:
        dtype = case.x.dtype if case.running_mean is None else case.running_mean.dtype
        ones = np.ones(case.channels).astype(dtype)
        return case.changed(gamma=ones, beta=np.zeros(case.channels).astype(dtype))
    return case


def _statistics(case: Case, capabilities: Capabilities) -> Case:
    """A target that keeps no statistics gets none; one that cannot be given any starts from 0 and 1."""
    if case.running_mean is None:
        return case
    if not capabilities.statistics and not capabilities.set_statistics:
        return case.changed(running_mean=None, running_var=None)
    if capabilities.set_statistics:
        return case
    dtype = case.running_mean.dtype
    fresh = np.zeros(case.channels).astype(dtype), np.ones(case.channels).astype(dtype)
    return case.changed(running_mean=fresh[0], running_var=fresh[1], batches=0)


def _numbers(case: Case, capabilities: Capabilities) -> Case:
    """eps and momentum as an instance has them; a number in place of the cumulative average where that is missing."""
    if capabilities.eps is not None and case.eps not in (capabilities.eps, 0.0):
        case = case.changed(eps=capabilities.eps)
    if capabilities.fixed_momentum is not None:
        if case.momentum != capabilities.fixed_momentum:
            case = case.changed(momentum=capabilities.fixed_momentum, batches=0)
    elif capabilities.cumulative and not capabilities.momentum:
        case = case if case.momentum is None else case.changed(momentum=None)
    elif case.momentum is None and not capabilities.cumulative:
        case = case.changed(momentum=1.0 / (case.batches + 1), batches=0)
    return case
