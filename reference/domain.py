"""Where the bounds hold: outside, an intermediate of a sound algorithm may overflow, and nothing is judged.

The limits leave room for the largest intermediate of every form that the profile allows, (v + eps)^(3/2) of the
staged backward pass among them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .formats import Array, Format
from .moment_bounds import MomentErrors
from .oracle import Truth
from .problem import Problem
from .profile import Profile

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """Per channel, (C, 1): whether the forward pass, both running updates and the backward pass stay in range."""

    forward: Mask
    running_mean: Mask
    running_var: Mask
    backward: Mask


def domain(problem: Problem, truth: Truth, profile: Profile, errors: MomentErrors) -> Domain:
    """The channels inside; a comparison with an infinity or a NaN puts a channel outside."""
    largest = min(profile.arithmetic.largest, profile.accumulator.largest)
    x = np.max(np.abs(problem.x), axis=-1, keepdims=True)
    centred = np.max(np.abs(truth.centred), axis=-1, keepdims=True) + errors.mean
    scale = np.abs(problem.gamma) if problem.gamma is not None else np.ones_like(truth.mean)
    reach = x + np.abs(truth.mean)
    # Not every form multiplies by gamma, by r and by x at once: x r, gamma x and gamma r must stay in range as well.
    factors = np.maximum(scale, 1) * np.maximum(errors.r_high, 1) * np.maximum(reach, 1)
    forward = (factors < largest / 16) & (errors.r_high < profile.statistics.largest / 4)
    statistics = np.ones_like(forward)
    if problem.training:
        squared = x if profile.variance == "one_pass" else centred
        statistics = (problem.count * squared * squared < largest / 16) & (problem.count * x < largest / 16)
        statistics = statistics & (2 * (truth.variance + errors.variance) < profile.statistics.largest)
        statistics = statistics & (np.abs(truth.mean) + errors.mean < profile.statistics.largest)
        forward = forward & statistics
    return Domain(
        forward,
        statistics & _moves(problem.running_mean, truth.mean, errors.mean, profile.update),
        statistics & _moves(problem.running_var, 2 * truth.variance, 2 * errors.variance, profile.update),
        _backward(
            problem, truth, errors=errors, forward=forward, scale=scale, centred=centred, largest=largest
        ),
    )


def _moves(old: Array | None, statistic: Array, error: Array, update: Format) -> Mask:
    """Whether stat - old stays in range, whatever their signs."""
    before = np.zeros_like(statistic) if old is None else np.abs(old)
    return np.asarray(before + np.abs(statistic) + error < update.largest / 2)


def _backward(
    problem: Problem,
    truth: Truth,
    *,
    errors: MomentErrors,
    forward: Mask,
    scale: Array,
    centred: Array,
    largest: float,
) -> Mask:
    if problem.dy is None:
        return forward
    dy = np.max(np.abs(problem.dy), axis=-1, keepdims=True)
    w = np.abs(truth.variance) + problem.eps + errors.variance
    x = np.max(np.abs(problem.x), axis=-1, keepdims=True)
    inside = forward & (w * np.sqrt(w) < largest / 1024) & (errors.r_high**3 < largest / 1024)
    strength = scale * dy * problem.count * (1 + centred)
    reach = x + np.abs(truth.mean)
    through_variance = errors.r_high**3 * strength * np.maximum(reach, 1)
    inside = inside & (through_variance < largest / 1024) & (strength < largest / 1024)
    summed = dy * problem.count * reach * (1 + errors.r_high)
    return np.asarray(inside & (summed < largest / 1024))


def fits(stored: Format, size: Array, bound: Array) -> Mask:
    """Whether a result of this size is certainly finite in its format; else infinity would be a right answer too."""
    return np.asarray(size + bound < stored.largest)
