"""Bounds on the errors of the batch mean, the batch variance and the inverse standard deviation, per channel.

Model: fl(a op b) = (a op b)(1 + d) + e, |d| <= u, |e| <= `underflow_error` (Higham 2002, eq. 2.8).
Two-pass: mean((x - mh)^2) = v + (mh - mu)^2, so an error of the mean enters in second order (Chan, Golub and LeVeque
1983, section 3).  Welford: M2 changes by sum |d_k| (|e_k| + |e_(k-1)|), first order, <= 2 sqrt(2) E_mu sqrt(v) by
Cauchy and Schwarz.  One-pass: the relative error of mean(x^2) is not relative to v (condition 1 + mu^2/v).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from .average_bounds import given_error
from .formats import Array
from .oracle import Truth
from .problem import Problem
from .profile import Profile
from .summation import Summation, lattice_step, sums_exactly


@dataclass(frozen=True, slots=True, eq=False)
class MomentErrors:
    """Largest errors, (C, 1) each: of the mean, the variance and r = (variance + eps)^(-1/2).

    `r_high` is the largest r that can be computed; `r_up` and `r_down` its largest relative errors; `r_error` the
    largest absolute one.
    """

    mean: Array
    variance: Array
    r_high: Array
    r_up: Array
    r_down: Array
    r_error: Array


def batch_errors(problem: Problem, truth: Truth, profile: Profile) -> MomentErrors:
    """The errors of statistics computed from the batch in training."""
    summation = Summation(profile, problem.count)
    mean_size = np.mean(np.abs(problem.x), axis=-1, keepdims=True)
    mean = _stored_mean(_summed_mean(problem, truth, profile, mean_size, summation), truth, profile)
    variance = _two_pass(problem, truth, profile, mean, summation)
    if profile.variance == "one_pass":
        variance = np.maximum(variance, _one_pass(problem, truth, profile, mean, summation))
    if profile.variance != "two_pass":  # each class holds all that are stronger
        walked = _stored_mean(_welford_mean(truth, profile, mean_size, summation), truth, profile)
        mean = np.maximum(mean, walked)
        variance = np.maximum(variance, _welford(truth, profile, walked, summation))
    if _stores_narrowly(profile):
        u, tiny = profile.statistics.unit_roundoff, profile.statistics.underflow_error(flush_to_zero=True)
        variance = variance + 3 * u * (truth.variance + variance) + tiny
    return inverse_errors(problem.eps, truth, profile, mean=mean, variance=variance)


def _stores_narrowly(profile: Profile) -> bool:
    return profile.statistics.is_narrower_than(profile.arithmetic)


def _stored_mean(error: Array, truth: Truth, profile: Profile) -> Array:
    """The error after the mean is stored; the variance may be taken around the stored mean, as torch does on the CPU."""
    if not _stores_narrowly(profile):
        return error
    u, tiny = profile.statistics.unit_roundoff, profile.statistics.underflow_error(flush_to_zero=True)
    return np.asarray(error + u * (np.abs(truth.mean) + error) + tiny)


def given_errors(problem: Problem, truth: Truth, profile: Profile) -> MomentErrors:
    """The errors in evaluation: the statistics are given, only the inverse root is computed."""
    mean, variance = (given_error(problem.debias, each, profile) for each in (truth.mean, truth.variance))
    return inverse_errors(problem.eps, truth, profile, mean=mean, variance=variance)


def inverse_errors(
    eps: float, truth: Truth, profile: Profile, *, mean: Array, variance: Array
) -> MomentErrors:
    """r as an interval, not a derivative: v may be far below its own error.

    w = v + eps is at most w + E_w and at least eps, since a computed variance is never negative (a sum of squares,
    Welford's monotone update, or a clamp) unless the profile says that it is not clipped.
    """
    u, tiny = (
        profile.arithmetic.unit_roundoff,
        profile.arithmetic.underflow_error(flush_to_zero=profile.flush_to_zero),
    )
    w = truth.variance + eps
    spread = variance + u * (eps + w + variance) + tiny
    lowest = w - spread
    if profile.clipped:
        lowest = np.maximum(lowest, eps * (1 - 3 * u) - tiny)
    stored = profile.statistics.unit_roundoff if _stores_narrowly(profile) else 0.0
    computed = profile.rsqrt_error * u
    root_up = _relative_rise(w, np.maximum(lowest, 0.0))
    factor = (1 + computed) * (1 + stored) - 1
    r_up = root_up + factor + root_up * factor
    root_down = -np.expm1(-0.5 * np.log1p(spread / w))
    lost = 1 - (1 - computed) * (1 - stored)
    r_down = root_down + lost - root_down * lost
    r = truth.inverse_std
    return MomentErrors(mean, variance, r * (1 + r_up), r_up, r_down, r * np.maximum(r_up, r_down))


def _relative_rise(w: Array, lowest: Array) -> Array:
    """sqrt(w / lowest) - 1 without cancellation where they are near, without overflow where they are far apart."""
    gap = np.where(w > 0, (w - lowest) / w, 1.0)
    near = np.expm1(-0.5 * np.log1p(-np.minimum(gap, 0.5)))
    far = np.sqrt(w / lowest) - 1
    return np.where(gap < 0.5, near, far)


def _summed_mean(
    problem: Problem, truth: Truth, profile: Profile, mean_size: Array, summation: Summation
) -> Array:
    """sum then divide: G(D) mean|x| + c_div u |mu|, without the first term where every order sums exactly.

    Three underflows of the mean: the inputs, read as zero, the additions, and the division.
    """
    u, tiny = profile.arithmetic.unit_roundoff, _tiny(profile)
    exact = _exact_sum(problem.x, profile)
    error = np.where(exact, 0.0, summation.growth(0) * mean_size) + 3 * tiny
    error = error + (profile.division_error + summation.narrowing) * u * (np.abs(truth.mean) + error)
    return np.where(exact & _mean_is_representable(problem, truth, profile), 0.0, error)


def _exact_sum(values: Array, profile: Profile) -> NDArray[np.bool_]:
    if not profile.lattice:
        return np.zeros((values.shape[0], 1), dtype=bool)
    return sums_exactly(values, profile.accumulator.unit_roundoff)


def _mean_is_representable(problem: Problem, truth: Truth, profile: Profile) -> NDArray[np.bool_]:
    """0, or a power of two many values whose mean has a short significand: then the division is exact too.

    The lattice must stay above what underflows: a sum of 1.5, -0.75 and -0.75 smallest normals is 0, but not on a
    machine that reads the latter two as zeros.
    """
    power_of_two = problem.count & (problem.count - 1) == 0
    short = np.abs(truth.mean) <= lattice_step(truth.mean) / profile.arithmetic.unit_roundoff
    normal = lattice_step(problem.x) >= _tiny(profile)
    exact = (truth.mean == 0) | (short & power_of_two & (np.abs(truth.mean) > 2 * _tiny(profile)))
    return np.asarray(normal & exact)


def _two_pass(problem: Problem, truth: Truth, profile: Profile, mean: Array, summation: Summation) -> Array:
    """G(D + 5)(v + E_mu^2) + E_mu^2; three roundings a square, two for the division, D for the sum.

    Four underflows: the squares, the additions, the division, and x - mean, whose 4 tiny sqrt(v) is below tiny
    wherever it is not below u v.
    """
    square = mean * mean
    error = (
        summation.growth(5 + summation.narrowing) * (truth.variance + square) + square + 4 * _tiny(profile)
    )
    if not profile.lattice:
        return error
    step = np.minimum(lattice_step(problem.x), lattice_step(truth.mean))
    exact_centring = (
        np.max(np.abs(truth.centred), axis=-1, keepdims=True) < step / profile.arithmetic.unit_roundoff
    )
    total = problem.count * truth.variance * (1 + 1e-9)
    exact_squares = total <= step * step / max(
        profile.accumulator.unit_roundoff, profile.arithmetic.unit_roundoff
    )
    divided = profile.division_error * profile.arithmetic.unit_roundoff * truth.variance + 4 * _tiny(profile)
    return np.where((mean == 0) & exact_centring & exact_squares, divided, error)


def _welford_mean(truth: Truth, profile: Profile, mean_size: Array, summation: Summation) -> Array:
    # (1/m) sum_k k (2/k + 2) tiny: step k reads and subtracts (over k), divides and adds.
    error = summation.welford_growth * mean_size + (summation.count + 3) * _tiny(profile)
    return np.asarray(
        error + profile.division_error * profile.arithmetic.unit_roundoff * (np.abs(truth.mean) + error)
    )


def _welford(truth: Truth, profile: Profile, mean: Array, summation: Summation) -> Array:
    """G(D + 8) v + 2 sqrt(2) E_mu sqrt(v) + 2 E_mu^2.

    Underflows: products, two additions, division, x - mean; and in Chan's merges n_a n_b / n times that of a square,
    a quarter for every level of the tree.
    """
    v = truth.variance
    first_order = 2.83 * mean * np.sqrt(np.maximum(v, 0))
    underflow = (5 + 0.25 * log2(summation.count)) * _tiny(profile)
    return np.asarray(summation.growth(8) * v + first_order + 2 * mean * mean + underflow)


def _one_pass(problem: Problem, truth: Truth, profile: Profile, mean: Array, summation: Summation) -> Array:
    """G(D + 3) mean(x^2) + 2 |mu| E_mu + E_mu^2 + 3 u (|mu| + E_mu)^2 + u v.

    Five underflows: the squares, the additions, the division, mean^2 and the difference.
    """
    u = profile.arithmetic.unit_roundoff
    squares = np.mean(problem.x * problem.x, axis=-1, keepdims=True)
    size = np.abs(truth.mean)
    products = 2 * size * mean + mean * mean + 3 * u * (size + mean) ** 2
    growth = summation.growth(3 + summation.narrowing)
    return np.asarray(growth * squares + products + u * truth.variance + 5 * _tiny(profile))


def _tiny(profile: Profile) -> float:
    return profile.arithmetic.underflow_error(flush_to_zero=profile.flush_to_zero)
