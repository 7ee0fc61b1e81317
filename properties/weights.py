"""The law of the weights before a layer: BN takes no notice of their scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bncheck.case import Case
from bncheck.comparison import Comparison, compare
from bncheck.law import law
from bncheck.properties.relation import all_judged, equal, exact_inner, exactly, scaled, sum_of
from bncheck.properties.symmetries import exact_power, is_finite, rescaled, with_rows
from bncheck.reference.bounds import Bound
from bncheck.reference.domain import Mask
from bncheck.reference.double_double import DoubleDouble
from bncheck.reference.formats import Array
from bncheck.regions import TRAINING
from bncheck.trial import Trial, as_rows, shape_of

POWERS = (4, -4, 5, -3, 2, -2, 1, -1)
TINIEST = 2.0**-1074


@law(
    "weights.scale",
    region=TRAINING,
    source="Ioffe and Szegedy 2015, section 3.3",
    needs=("train", "gradient", "free_eps", "train_bounds"),
)
def scale_of_the_weights_does_not_matter(case: Case, trial: Trial) -> Iterator[Comparison]:
    """BN((aW)u) at a^2 eps is BN(Wu) at eps; its gradient to u is equal, that to aW is that to W divided by a.

    u is the x of the case, C numbers a position, W a C x C matrix of integers, z = Wu rounded to the dtype, a a power
    of two for which az is exact.  With dz the layer's dx, the gradient to u is W^T dz, that to W sum dz u^T, formed
    beyond float64; their bounds are |W|^T E and sum E |u|^T, E the bound of dz, and each relation allows both sides'.
    """
    weights = weights_of(case.channels)
    below = trial.derive(case, "Wu", lambda case: with_rows(case, weights @ as_rows(case.x)))
    power = exact_power(below, POWERS, statistics=False) if is_finite(below.x) else None
    if power is None:
        return
    above = trial.derive(below, f"times 2^{power}", lambda case: rescaled(case, power, statistics=False))
    limits, others, factor = trial.bounds(below), trial.bounds(above), 2.0**power
    y = sum_of(limits["y"], others["y"])
    yield compare("y", trial.rows(above, "y"), exactly(trial.rows(below, "y")), y, shape_of("y", above))
    e, other_e = limits["dx"], scaled(others["dx"], factor)
    judged = all_judged(e) & all_judged(other_e)
    # Channels that are not judged may hold infinities, which not even a weight of 0 would take away.
    dz = np.where(judged, trial.rows(below, "dx"), 0.0)
    other = np.where(judged, factor * trial.rows(above, "dx"), 0.0)
    limit = _through(weights, e, other_e, judged)
    yield equal("du", _to_inputs(weights, other), _to_inputs(weights, dz), limit, case.x.shape)
    # u by its own power of two: a product of two tiny numbers would be lost.
    u = _near_one(as_rows(case.x))
    limit, shape = _met_by(u, e, other_e, judged), (case.channels, case.channels)
    yield equal("dW", _to_weights(u, other), _to_weights(u, dz), limit, shape)


def weights_of(channels: int) -> Array:
    """3 for a channel's own input, -1 for that of the next channel, which of one channel is its own."""
    own = np.eye(channels)
    return np.asarray(3 * own - np.roll(own, 1, axis=1))


def _to_inputs(weights: Array, dz: Array) -> DoubleDouble:
    """W^T dz, (C, m)."""
    found = exact_inner(weights.T[:, np.newaxis, :], dz.T[np.newaxis, :, :])
    return DoubleDouble(found.hi[..., 0], found.lo[..., 0])


def _to_weights(u: Array, dz: Array) -> DoubleDouble:
    """sum dz u^T, its transpose: the input first, as channels are told second."""
    found = exact_inner(u[:, np.newaxis, :], dz[np.newaxis, :, :])
    return DoubleDouble(found.hi[..., 0], found.lo[..., 0])


def _through(weights: Array, e: Bound, other: Bound, judged: Mask) -> Bound:
    """|W|^T (E + E'), judged where every channel that a position mixes is."""
    size = np.abs(weights).T
    largest = size @ (e.largest + other.largest)
    scale = size @ np.minimum(e.scale, other.scale)
    reached = (size @ ~judged == 0) & np.isfinite(largest)
    return Bound(largest, scale, np.broadcast_to(reached, largest.shape))


def _met_by(u: Array, e: Bound, other: Bound, judged: Mask) -> Bound:
    """sum (E + E') |u|^T, and for each product what is below the smallest number; transposed like the sums."""
    size = np.abs(u)
    largest = size @ (e.largest + other.largest).T + 8 * u.shape[1] * TINIEST
    scale = size @ np.minimum(e.scale, other.scale).T
    return Bound(largest, scale, np.isfinite(largest) & judged.T)


def _near_one(rows: Array) -> Array:
    """Each row by a power of two, so that its largest number is about 1."""
    exponents = np.frexp(np.max(np.abs(rows), axis=1, keepdims=True))[1]
    return np.asarray(np.ldexp(rows, -exponents))
