"""Numbers that a target keeps to itself, measured: the eps and the momentum that no argument or attribute tells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bncheck.adapters.probe import Probe, probe_case
from bncheck.case import Case
from bncheck.outcome import Outcome


def measured_eps(probe: Probe) -> float | None:
    """eps from y = a / sqrt(a^2 + eps) on values of +a and -a, once to find its size and once at a = sqrt(eps).

    None where y is not of this form.
    """
    first = _eps_at(probe, amplitude=2.0**-8)
    if not first:
        return first
    amplitude = float(np.sqrt(first))
    second = _eps_at(probe, amplitude=amplitude)
    # Where y stays at 1 on so small an amplitude, there is no eps and the first estimate was rounding.
    return None if second is None else _plain_number(second) if second > 1e-3 * amplitude**2 else 0.0


def _eps_at(probe: Probe, *, amplitude: float) -> float | None:
    outcome = probe.outcome(_alternating(probe, amplitude=amplitude, mean=0.0))
    if not isinstance(outcome, Outcome) or outcome.y.size == 0:
        return None
    y = abs(outcome.y.astype(np.float64).flat[0])
    with np.errstate(all="ignore"):
        eps = float(amplitude**2 * (1 / y**2 - 1))
    return max(eps, 0.0) if np.isfinite(eps) and eps > -1e-3 * amplitude**2 else None


def measured_momentum(probe: Probe) -> float | None:
    """The weight of the new batch: running_mean after one batch of mean 1, from 0; None where it is not in (0, 1]."""
    outcome = probe.outcome(_alternating(probe, amplitude=0.5, mean=1.0))
    if not isinstance(outcome, Outcome) or outcome.running_mean is None:
        return None
    weight = float(outcome.running_mean.astype(np.float64).flat[0])
    return _plain_number(weight) if 0 < weight <= 1 else None


def _alternating(probe: Probe, *, amplitude: float, mean: float) -> Case:
    """Every channel holds mean + amplitude and mean - amplitude equally often; gamma 1, beta 0, running mean 0."""
    dtypes = probe.claimed.dtypes
    case = probe_case(
        replace(probe.claimed, eps=probe.claimed.eps or 0.0), dtype="float64" if "float64" in dtypes else None
    )
    signs = np.where(np.arange(case.x.shape[0] // 2 * 2) % 2 == 0, 1.0, -1.0)
    x = np.broadcast_to(
        (mean + amplitude * signs).reshape(-1, *(1,) * (case.x.ndim - 1)), (len(signs), *case.x.shape[1:])
    )
    ones = np.ones(case.channels)
    return case.changed(
        x=np.array(x).astype(case.x.dtype),
        gamma=None if case.gamma is None else ones.astype(case.gamma.dtype),
        beta=None if case.beta is None else (0 * ones).astype(case.beta.dtype),
        running_mean=None if case.running_mean is None else (0 * ones).astype(case.running_mean.dtype),
        running_var=None
        if case.running_var is None
        else (amplitude**2 * ones).astype(case.running_var.dtype),
    )


def _plain_number(value: float) -> float:
    """The number of three digits that a person would have written, where the measurement is one but for rounding."""
    written = float(f"{value:.3g}")
    return written if abs(written - value) <= 1e-5 * abs(value) else value
