"""Bounds on y, per element, and on the running statistics, per channel.

Every rounding of the textbook forms is counted once: centred gamma (x - mu) r + beta, folded a x + b with a = gamma r
and b = beta - mu a, and normalised x r - mu r.  The last addition rounds at the size of y itself, so it costs half an
ulp, not u |y|; a narrower output adds half an ulp of its own format.  That is what lets half precision outputs be
judged at the level of correct rounding.
"""

from __future__ import annotations

import numpy as np

from .average_bounds import average_error
from .formats import Array, Format
from .moment_bounds import MomentErrors
from .oracle import Truth
from .problem import Problem
from .profile import Profile
from .summation import gamma


def output_bound(problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors) -> Array:
    """Largest |computed y - y|, (C, m)."""
    scale = np.abs(problem.gamma) if problem.gamma is not None else np.ones_like(truth.mean)
    error = _centred(truth, profile, errors, scale)
    if profile.affine == "any":
        shift = np.abs(problem.beta) if problem.beta is not None else np.zeros_like(truth.mean)
        folded = _folded(problem, truth, profile, errors, scale)
        error = np.maximum(error, folded + profile.arithmetic.unit_roundoff * shift)
    error = error + _underflow(problem, truth, profile, errors, scale)
    error = error + profile.arithmetic.half_ulp(np.abs(truth.y.hi) + error)
    return rounded_to(profile.output, profile, size=np.abs(truth.y.hi), error=error)


def _underflow(problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors, scale: Array) -> Array:
    """The absolute errors of tiny operands and results, carried by what multiplies them afterwards.

    By gamma r: x, mean and their difference; by gamma: x r, mean r and their difference; by r: gamma x; by x and mean:
    gamma r, and (with r) gamma; by 1: two products, b, beta and y itself.
    """
    reach = np.abs(problem.x) + np.abs(truth.mean)
    carried = 5 + 3 * scale * (1 + errors.r_high) + errors.r_high + reach * (1 + errors.r_high)
    return np.asarray(_tiny(profile) * carried)


def rounded_to(stored: Format, profile: Profile, *, size: Array, error: Array) -> Array:
    """The error after storing a value of magnitude `size` in a format, which rounds only if it is narrower."""
    if stored.is_narrower_than(profile.arithmetic):
        return error + stored.half_ulp(size + error)
    return error


def _centred(truth: Truth, profile: Profile, errors: MomentErrors, scale: Array) -> Array:
    """(xc + e_c)(r + e_r) - xc r, and two products."""
    u, xc = profile.arithmetic.unit_roundoff, np.abs(truth.centred)
    centring = errors.mean + u * (xc + errors.mean)
    products = 2 * u * (xc + centring) * errors.r_high
    return np.asarray(scale * (xc * errors.r_error + centring * errors.r_high + products))


def _folded(problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors, scale: Array) -> Array:
    """a x + b, where a rounds once, x a and mu a once each, b once; or x r - mu r, which rounds at xhat too.

    x and mu may be far larger than y, so that u^2 x counts: three roundings on a path, and u stands for gamma_3 / 3.
    """
    u, xc, x, mean = (
        gamma(3, profile.arithmetic.unit_roundoff) / 3,
        np.abs(truth.centred),
        np.abs(problem.x),
        np.abs(truth.mean),
    )
    moved = xc * errors.r_error + errors.mean * errors.r_high
    once = xc + x + 2 * mean + 3 * errors.mean
    normalised = 2 * xc + x + mean + 2 * errors.mean
    return np.asarray(scale * (moved + u * np.maximum(once, normalised) * errors.r_high))


def running_bounds(
    problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors
) -> tuple[Array, Array]:
    """Largest errors of the new running mean and running variance, (C, 1) each, after all steps on this batch."""
    assert problem.running_mean is not None and problem.running_var is not None
    bessel = float(problem.bessel)
    u = profile.arithmetic.unit_roundoff
    unbiased = truth.variance * bessel
    unbiased_error = errors.variance * bessel
    if not problem.biased:
        unbiased_error = unbiased_error + 3 * u * (unbiased + unbiased_error)
    mean = average_error(problem, problem.running_mean, truth.mean, errors.mean, profile)
    variance = average_error(problem, problem.running_var, unbiased, unbiased_error, profile)
    return mean, variance


def _tiny(profile: Profile) -> float:
    return profile.arithmetic.underflow_error(flush_to_zero=profile.flush_to_zero)
