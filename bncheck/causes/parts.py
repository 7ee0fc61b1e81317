"""What several causes take in place of what a sound layer takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bncheck.planted.numpy_layer import Rows, Saved, average, bessel, squares


def samples(s: Saved) -> int:
    """N."""
    return int(s.x.shape[0])


def own_moments(rows: Rows) -> tuple[Rows, Rows]:
    """Mean and biased variance of the batch itself, whatever the mode."""
    mean = average(rows)
    return mean, squares(rows, mean)


def unbiased(variance: Rows, m: int) -> Rows:
    """The unbiased variance; of one value as it is."""
    return bessel(variance, m) if m > 1 else variance


def with_unbiased_variance(s: Saved) -> Saved:
    """The same, divided by the unbiased deviation."""
    variance = unbiased(s.variance, s.rows.shape[1])
    return replace(s, r=1 / np.sqrt(variance + s.rows.dtype.type(s.made.config.eps)))


def without_eps(s: Saved) -> Saved:
    """The same, eps left out."""
    return replace(s, r=1 / np.sqrt(s.variance))
