"""All bounds of one problem under one profile: the largest error that a sound algorithm can make on this input."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .backward_bounds import gradient_bounds
from .domain import Domain, Mask, domain, fits
from .formats import Array, Format
from .forward_bounds import output_bound, running_bounds
from .moment_bounds import MomentErrors, batch_errors, given_errors
from .oracle import Exact, Truth, solve
from .problem import Problem
from .profile import Profile

# The bounds themselves are evaluated in float64, some hundred operations deep.
_OUTWARD = 1.0 + 2.0**-30


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """For one quantity, arrays of its shape: the largest error, the signal it is measured against, and where it holds.

    `scale` is the size of what the quantity is about (the affine image of a unit deviation for y, the increment for
    a running statistic, gamma r rms(dy) for dx, the sum of magnitudes for the others): an element whose bound exceeds
    it is inconclusive.  Where gamma or the weight of the batch is 0, the signal is what ignoring that would show.
    `judged` is false outside the domain, where a sound algorithm may overflow.
    """

    largest: Array
    scale: Array
    judged: Mask


def bounds(problem: Problem, truth: Truth, profile: Profile) -> dict[str, Bound]:
    """Quantity name to bound, for every quantity of the problem; arrays (C, m) or (C, 1)."""
    if profile.inputs is not None:
        return _of_rounded(problem, truth, replace(profile, inputs=None), profile.inputs)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        errors = (batch_errors if problem.training else given_errors)(problem, truth, profile)
        inside = domain(problem, truth, profile, errors)
        found = {"y": _output(problem, truth, profile, errors, inside)}
        if problem.training and problem.weights and truth.running_mean is not None:
            found |= _running(problem, truth, profile, errors, inside)
        if problem.dy is not None:
            found |= _gradients(problem, truth, profile, errors, inside)
        return found


def _of_rounded(problem: Problem, truth: Truth, profile: Profile, inputs: Format) -> dict[str, Bound]:
    """The bounds on the rounded inputs, and what the rounding itself moves, which is known exactly."""
    rounded = problem.rounded(inputs)
    near = solve(rounded, double_double=False)
    there, here = bounds(rounded, near, profile), bounds(problem, truth, profile)
    return {name: around(here[name], there[name], getattr(truth, name), getattr(near, name)) for name in here}


def around(here: Bound, there: Bound, exact: Exact, near: Exact) -> Bound:
    """The bound of what is computed from rounded inputs, from those given, or from some of each.

    `there`: of the exact answer `near` to the rounded ones, which is off by |near - exact| besides.
    """
    with np.errstate(invalid="ignore"):
        apart = np.abs(near.minus(exact).hi) * _OUTWARD
    largest = np.maximum(here.largest, there.largest + apart)
    return Bound(largest, here.scale, here.judged & there.judged & ~np.isnan(largest))


def bounded(exact: Exact, largest: Array, scale: Array, inside: Mask, stored: Format) -> Bound:
    """The bound of a quantity that is kept in a format, judged where that holds it for certain."""
    largest = largest * _OUTWARD
    size = np.abs(exact.hi)
    judged = (
        inside & np.isfinite(size) & ~np.isnan(largest) & (np.isinf(largest) | fits(stored, size, largest))
    )
    return Bound(largest, np.broadcast_to(scale, largest.shape), np.broadcast_to(judged, largest.shape))


def _output(problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors, inside: Domain) -> Bound:
    spread = np.sqrt(np.mean(truth.centred**2, axis=-1, keepdims=True)) * truth.inverse_std
    spread = spread * strength_of(problem)
    if problem.beta is not None:
        spread = np.where(spread == 0, np.abs(problem.beta), spread)
    return bounded(
        truth.y, output_bound(problem, truth, profile, errors), spread, inside.forward, profile.output
    )


def strength_of(problem: Problem) -> Array:
    """|gamma|, or 1 where there is none or it is 0."""
    if problem.gamma is None:
        return np.ones((problem.x.shape[0], 1))
    return np.where(problem.gamma == 0, 1.0, np.abs(problem.gamma))


def _running(
    problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors, inside: Domain
) -> dict[str, Bound]:
    assert truth.running_mean is not None and truth.running_var is not None
    assert problem.running_mean is not None and problem.running_var is not None
    mean, variance = running_bounds(problem, truth, profile, errors)
    moved, grown = truth.running_mean.hi, truth.running_var.hi
    if problem.decay == 1:
        moved, grown = truth.mean, truth.variance * float(problem.bessel)
    moved, grown = np.abs(moved - problem.running_mean), np.abs(grown - problem.running_var)
    return {
        "running_mean": bounded(truth.running_mean, mean, moved, inside.running_mean, profile.running),
        "running_var": bounded(truth.running_var, variance, grown, inside.running_var, profile.running),
    }


def _gradients(
    problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors, inside: Domain
) -> dict[str, Bound]:
    assert problem.dy is not None and truth.dx is not None
    found = gradient_bounds(problem, truth, profile, errors)
    size = np.abs(problem.dy)
    strength = (
        strength_of(problem) * truth.inverse_std * np.sqrt(np.mean(size * size, axis=-1, keepdims=True))
    )
    result = {"dx": bounded(truth.dx, found.dx, strength, inside.backward, profile.output)}
    if truth.dgamma is not None:
        projected = np.sum(size * np.abs(truth.centred), axis=-1, keepdims=True) * truth.inverse_std
        result["dgamma"] = bounded(truth.dgamma, found.dgamma, projected, inside.backward, profile.parameters)
    if truth.dbeta is not None:
        total = np.sum(size, axis=-1, keepdims=True)
        result["dbeta"] = bounded(truth.dbeta, found.dbeta, total, inside.backward, profile.parameters)
    return result
