"""Bounds on dx, per element, and on dgamma and dbeta, per channel, in training and in evaluation.

With s = mean(dy), c = mean(dy xc): dx = gamma r (dy - s - xc r^2 c), dgamma = m c r, dbeta = m s (Ioffe and Szegedy
2015, section 3).  Each covers the closed form, the staged form (node by node) and reverse-mode differentiation, which
sums products rounded once more (D + 4), sums xc again where it is not exactly zero, and multiplies x k - mu k instead
of (x - mu) k.  The error of the mean is one constant for the channel, so it meets |s|, not mean|dy|.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .formats import Array
from .forward_bounds import rounded_to
from .moment_bounds import MomentErrors
from .oracle import Truth
from .problem import Problem
from .profile import Profile
from .summation import Summation, sums_exactly


@dataclass(frozen=True, slots=True, eq=False)
class GradientBounds:
    """Largest errors: `dx` (C, m), `dgamma` and `dbeta` (C, 1)."""

    dx: Array
    dgamma: Array
    dbeta: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What both modes share: |dy|, the two means, their errors, and absolute values of the forward pass."""

    dy: Array
    s: Array
    s_error: Array
    c: Array
    c_error: Array
    x: Array
    mean: Array
    centred: Array
    r: Array
    scale: Array
    tiny: float
    u: float


def gradient_bounds(problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors) -> GradientBounds:
    """The bounds for a problem that has dy."""
    summation = Summation(profile, problem.count)
    sums = _sums(problem, truth, profile, errors, summation)
    dx = _training_dx(sums, truth, profile, errors, summation) if problem.training else _eval_dx(sums, errors)
    size = np.abs(truth.dx.hi) if truth.dx is not None else sums.dy
    dx = dx + 3 * sums.u * (size + dx) + sums.tiny * _carried(sums, errors)
    return GradientBounds(
        dx=rounded_to(profile.output, profile, size=size, error=dx),
        dgamma=_dgamma(sums, profile, errors, problem.count),
        dbeta=_dbeta(problem, sums, profile, summation),
    )


def _carried(sums: _Sums, errors: MomentErrors) -> Array:
    """What multiplies the absolute error of a tiny intermediate on its way to dx, summed over all intermediates.

    By 1: gamma r dy, its mean and its sum, the terms through variance and mean with theirs, dx.  By r: gamma dy, its
    mean and its sum.  By x and mean: the gradient of the variance, over m and again after the division; by x r^3 the
    products that it sums; by x r^2 gamma dy again.  By gamma r: the bracket and its terms; with x - mean, the slope
    c r^2 and its factors.  By the bracket: gamma r, and (with r) gamma.
    """
    r, reach = errors.r_high, sums.x + sums.mean
    bracket = sums.dy + sums.s + sums.centred * sums.r * sums.r * sums.c
    by_reach = reach * (3 + r * r + 2 * r**3)
    by_strength = sums.scale * r * (3 + sums.centred * (1 + r + 2 * r * r))
    return 9 + 5 * r + by_reach + by_strength + (1 + r) * bracket


def _sums(
    problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors, summation: Summation
) -> _Sums:
    assert problem.dy is not None
    u = profile.arithmetic.unit_roundoff
    tiny = profile.arithmetic.underflow_error(flush_to_zero=profile.flush_to_zero)
    x, xc, mean, dy = np.abs(problem.x), np.abs(truth.centred), np.abs(truth.mean), np.abs(problem.dy)
    s = np.abs(_mean(problem.dy))
    s_error = (
        summation.growth(4) * _mean(dy) + (profile.division_error + summation.narrowing) * u * s + 3 * tiny
    )
    factor = xc + errors.mean if profile.backward == "centred" else x + mean + 2 * errors.mean
    c_error = (
        errors.mean * s
        + summation.growth(4 + summation.narrowing) * _mean(dy * factor)
        + u * _mean(dy * (x + 2 * mean))
        # Underflows of products, sums and mean; of x, mean and their difference; of dy and, times the mean, its sum.
        + tiny * (4 + 3 * _mean(dy) + np.max(x, axis=-1, keepdims=True) + 3 * mean)
    )
    scale = np.abs(problem.gamma) if problem.gamma is not None else np.ones_like(mean)
    c = np.abs(_mean(problem.dy * truth.centred))
    return _Sums(dy, s, s_error, c, c_error, x, mean, xc, truth.inverse_std, scale, tiny, u)


def _mean(values: Array) -> Array:
    return np.asarray(np.mean(values, axis=-1, keepdims=True))


def _training_dx(
    sums: _Sums, truth: Truth, profile: Profile, errors: MomentErrors, summation: Summation
) -> Array:
    """|gamma| (r_high E_B + |B| E_r) for B = dy - s - xc r^2 c."""
    r, r_high, xc, u = sums.r, errors.r_high, sums.centred, sums.u
    centring = errors.mean + u * (xc + errors.mean) + 3 * sums.tiny
    c_high = sums.c + sums.c_error
    square_error = np.maximum(errors.r_up * (2 + errors.r_up), errors.r_down * (2 - errors.r_down))
    projection = xc * r * r * sums.c
    term = (
        centring * r_high**2 * c_high
        + xc * r * r * (square_error * c_high + sums.c_error)
        + u * (sums.x + 2 * sums.mean + 3 * errors.mean) * r_high**2 * c_high
        + (summation.growth(4) * (_mean(xc) + errors.mean) + errors.mean) * r_high**2 * c_high
    )
    if profile.variance == "one_pass":
        # Where rounding may have made the variance negative, max(0, variance) cuts its gradient off.
        term = term + np.where(truth.variance <= errors.variance, projection, 0.0)
    bracket_error = (
        sums.s_error + term + 5 * u * (sums.dy + sums.s + sums.s_error + projection + term) + 2 * sums.tiny
    )
    bracket = np.abs(truth.dx.hi) / (sums.scale * r) if truth.dx is not None else sums.dy
    bracket = np.where(sums.scale > 0, bracket, sums.dy + sums.s + projection)
    error = sums.scale * (r_high * bracket_error + bracket * errors.r_error)
    if profile.cotangents is not None:
        stored = 2 * profile.cotangents.unit_roundoff
        error = error + stored * sums.scale * r_high * (sums.dy + sums.s + 2 * projection + sums.s_error)
    return np.asarray(error)


def _eval_dx(sums: _Sums, errors: MomentErrors) -> Array:
    """gamma r dy: the error of r and two products."""
    return np.asarray(sums.scale * sums.dy * (errors.r_error + 2 * sums.u * errors.r_high))


def _dgamma(sums: _Sums, profile: Profile, errors: MomentErrors, count: int) -> Array:
    """m (e_c r_high + |c| E_r), three roundings, and the storage of a parameter's gradient."""
    error = count * (sums.c_error * errors.r_high + sums.c * errors.r_error)
    size = count * sums.c * sums.r
    # Underflows of xhat, met by dy, and of the products, the additions and the last product.
    error = error + 3 * sums.u * (size + error) + sums.tiny * (1 + count * (2 + _mean(sums.dy)))
    return rounded_to(profile.parameters, profile, size=size, error=error)


def _dbeta(problem: Problem, sums: _Sums, profile: Profile, summation: Summation) -> Array:
    """G(D) sum|dy|, without rounding where every order sums exactly; two underflows a term, read and added."""
    assert problem.dy is not None
    exact = (
        sums_exactly(problem.dy, profile.accumulator.unit_roundoff)
        if profile.lattice
        else np.zeros_like(sums.s)
    )
    error = (
        np.where(exact, 0.0, summation.growth(0) * problem.count * _mean(sums.dy))
        + 2 * problem.count * sums.tiny
    )
    size = problem.count * sums.s
    if summation.narrowing:
        error = error + profile.arithmetic.half_ulp(size + error)
    return rounded_to(profile.parameters, profile, size=size, error=error)
