"""Problems that show a bug best: m from 2 to 8, a variance about eps, so that every operation matters to y and dx."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from bncheck.reference.problem import Problem

from .channels import rounded
from .zoo import Formats


def target_problem(random: np.random.Generator, formats: Formats, *, largest_offset: float = 2.0) -> Problem:
    """Eight channels of unit-size data with an offset of up to `largest_offset` deviations."""
    channels, m = 8, int(random.integers(2, 9))
    eps = float(10.0 ** random.uniform(-5, -1))
    scale = np.sqrt(eps) * 10.0 ** random.uniform(-0.3, 0.3, (channels, 1))
    offset = random.uniform(-largest_offset, largest_offset, (channels, 1))
    columns = {
        name: rounded(random.uniform(0.5, 2, (channels, 1)), formats.parameters) for name in ("gamma", "beta")
    }
    return Problem(
        x=rounded((random.standard_normal((channels, m)) + offset) * scale, formats.x),
        dy=rounded(random.standard_normal((channels, m)), formats.x),
        gamma=columns["gamma"],
        beta=columns["beta"],
        running_mean=rounded(offset * scale * random.uniform(-1, 1, (channels, 1)), formats.running),
        running_var=rounded(scale * scale * random.uniform(0, 2, (channels, 1)), formats.running),
        eps=eps,
        training=True,
        weights=(Fraction(0.1),),
    )
