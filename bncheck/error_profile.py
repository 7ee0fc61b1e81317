"""The error profile: the worst error over bound by the offset of the batch, its reduction length and eps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor, isfinite
from typing import Any, Literal, NamedTuple

import numpy as np

from bncheck.case import Case, channel_major
from bncheck.comparison import Comparison

Axis = Literal["offset", "length", "eps"]
# What is told of each axis, and the base of its powers, from one of which to the next errors are taken together.
AXES: Mapping[Axis, tuple[str, int]] = {
    "offset": ("largest |mean| / deviation of a channel", 2),
    "length": ("values a channel", 2),
    "eps": ("eps", 10),
}
# The laws that hold each number of an outcome against its exact value: a wrong relation, layout or side effect says
# nothing of how far an error is from its bound.
LAWS = frozenset(
    {
        "forward.output",
        "statistics.mean",
        "statistics.variance",
        "evaluation.output",
        "evaluation.zero_eps",
        "gradient.dx",
        "gradient.dgamma",
        "gradient.dbeta",
        "evaluation_gradient.dx",
        "evaluation_gradient.dgamma",
        "evaluation_gradient.dbeta",
        "precision.range",
        "precision.evaluation",
        "sizes.reduction",
    }
)
# Above it no format has digits left.
LARGEST = 64


class Place(NamedTuple):
    """A power on an axis, by its exponent."""

    axis: Axis
    exponent: int


@dataclass(slots=True)
class Near:
    """What was judged of one quantity at one place: arrays, and the worst error over bound."""

    comparisons: int = 0
    worst: float = 0.0

    def add(self, comparisons: int, worst: float) -> None:
        """Count what else was judged there."""
        self.comparisons += comparisons
        self.worst = max(self.worst, worst)


Nears = dict[tuple[Place, str], Near]


def places(case: Case) -> tuple[Place, ...]:
    """Where a case stands on each axis: the power that it reaches; an axis on which it has none is left out.

    An offset below 1 counts as 1.  A channel that is constant or not finite has no offset.
    """
    found: list[Place] = []
    if case.count > 1:
        rows = channel_major(case.x)
        with np.errstate(all="ignore"):
            offsets = np.abs(rows.mean(axis=1)) / rows.std(axis=1)
        offsets = offsets[np.isfinite(offsets)]
        if offsets.size:
            found.append(Place("offset", min(LARGEST, floor(np.log2(max(1.0, float(offsets.max())))))))
        found.append(Place("length", case.count.bit_length() - 1))
    if case.eps > 0 and isfinite(case.eps):
        # The format of x may have rounded 0.001 to a little less.
        found.append(Place("eps", floor(np.log10(case.eps) + 1e-3)))
    return tuple(found)


def add(nears: Nears, where: Iterable[Place], comparisons: Iterable[Comparison]) -> None:
    """Count the comparisons of an example that decide."""
    deciding = [each for each in comparisons if each.decides]
    for place in where:
        for each in deciding:
            nears.setdefault((place, each.quantity), Near()).add(1, each.ratio)


def profile(tallied: Iterable[tuple[str, Nears]]) -> dict[str, list[dict[str, Any]]]:
    """Axis to what was judged along it, of all laws together: plain data, `from` the power where a place begins."""
    together: dict[tuple[str, Place, str], Near] = {}
    for dtype, nears in tallied:
        for (place, quantity), near in nears.items():
            together.setdefault((dtype, place, quantity), Near()).add(near.comparisons, near.worst)
    told = [
        (
            place,
            {
                "dtype": dtype,
                "quantity": quantity,
                "from": float(AXES[place.axis][1]) ** place.exponent,
                "comparisons": near.comparisons,
                "worst": near.worst,
            },
        )
        for (dtype, place, quantity), near in sorted(together.items(), key=lambda each: each[0])
    ]
    return {axis: [entry for place, entry in told if place.axis == axis] for axis in AXES}
