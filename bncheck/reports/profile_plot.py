"""The error profile of a target as plots: the worst error over bound along offset, reduction length and eps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log2, log10
from typing import Any

from bncheck.error_profile import AXES, Axis
from bncheck.reports.finding_text import Plain

TITLES: Mapping[Axis, str] = {
    "offset": "by the offset: the largest |mean| / deviation of a channel",
    "length": "by the reduction length: the values of a channel",
    "eps": "by eps",
}
# Quantities that are drawn as one, the worst of them.
SERIES: Mapping[str, tuple[str, ...]] = {
    "y": ("y",),
    "running statistics": ("running_mean", "running_var"),
    "gradients": ("dx", "dgamma", "dbeta"),
}
WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 348, 16, 190
# What is above every finite error stands there.
INFINITE = 6
# Errors below the thousandth part of their bound are drawn there; above 10^9 of it, there.
LOWEST, HIGHEST = -3, 9
TICKS = 6
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Dot:
    """One place of a series, in units of the drawing; `told`: what a reader is told of it."""

    x: float
    y: float
    told: str
    above: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One series from left to right."""

    name: str
    dots: tuple[Dot, ...]

    @property
    def path(self) -> str:
        """The points of a polyline."""
        return " ".join(f"{dot.x:g},{dot.y:g}" for dot in self.dots)


@dataclass(frozen=True, slots=True)
class Panel:
    """One axis.  `across`, `up`: places and texts of the ticks; `one`: where an error is its bound; `breakdown`: where
    the digits run out.
    """

    axis: Axis
    title: str
    lines: tuple[Line, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    one: float
    breakdown: float | None


@dataclass(frozen=True, slots=True)
class _Scale:
    """A linear scale of exponents."""

    low: float
    high: float
    start: float
    end: float

    def at(self, exponent: float) -> float:
        share = (min(max(exponent, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * share, 1)


def profile_plots(target: Plain) -> dict[str, list[Panel]]:
    """dtype to its panels; a report of an earlier version has no profile, and so no plots."""
    found: Mapping[str, Sequence[Plain]] = target.get("profile") or {}
    dtypes = dict.fromkeys(each["dtype"] for entries in found.values() for each in entries)
    numerics = target.get("numerics") or {}
    return {
        dtype: panels
        for dtype in dtypes
        if (panels := list(_panels(found, dtype, numerics if numerics.get("dtype") == dtype else {})))
    }


def _panels(found: Mapping[str, Sequence[Plain]], dtype: str, numerics: Mapping[str, Any]) -> Iterator[Panel]:
    own = {axis: [each for each in found.get(axis, ()) if each["dtype"] == dtype] for axis in AXES}
    worst = [float(each["worst"]) for entries in own.values() for each in entries]
    finite = [log10(each) for each in worst if isfinite(each) and each > 0]
    up = _Scale(LOWEST, min(HIGHEST, max(1, ceil(max(finite, default=0)))), BOTTOM, TOP)
    for axis, entries in own.items():
        if entries:
            breakdown = numerics.get("breakdown_offset") if axis == "offset" else None
            yield _panel(axis, entries, up, None if breakdown is None else float(breakdown))


def _panel(axis: Axis, entries: Sequence[Plain], up: _Scale, breakdown: float | None) -> Panel:
    base = AXES[axis][1]
    exponents = [_exponent(axis, each["from"]) for each in entries]
    across = _Scale(min(exponents) - 0.5, max(exponents) + 0.5, LEFT, RIGHT)
    lines = [
        Line(name, tuple(_dots(axis, [each for each in entries if each["quantity"] in of], across, up)))
        for name, of in SERIES.items()
    ]
    shows = breakdown is not None and log2(breakdown) <= across.high
    return Panel(
        axis,
        TITLES[axis],
        tuple(line for line in lines if line.dots),
        tuple((across.at(each), power(base, each)) for each in _ticks(min(exponents), max(exponents))),
        tuple((up.at(each), power(10, each)) for each in _ticks(int(up.low), int(up.high))),
        up.at(0),
        across.at(log2(breakdown)) if shows and breakdown is not None else None,
    )


def _dots(axis: Axis, entries: Sequence[Plain], across: _Scale, up: _Scale) -> Iterator[Dot]:
    """The worst of the entries at each place."""
    for start in sorted({float(each["from"]) for each in entries}):
        here = [each for each in entries if float(each["from"]) == start]
        worst = max(here, key=lambda each: float(each["worst"]))
        error, count = float(worst["worst"]), sum(each["comparisons"] for each in here)
        height = INFINITE if not isfinite(error) else up.at(log10(error)) if error > 0 else up.start
        told = f"{worst['quantity']}, from {start:g}: {error:.3g} times the bound, the worst of {count}"
        yield Dot(across.at(_exponent(axis, start)), height, told, error > 1)


def _exponent(axis: Axis, start: float) -> int:
    return round(log10(start) / log10(AXES[axis][1]))


def _ticks(low: int, high: int) -> list[int]:
    step = max(1, ceil((high - low) / TICKS))
    return [each for each in range(low, high + 1) if each % step == 0]


def power(base: int, exponent: int) -> str:
    """As a text: 10⁻³, and 1."""
    return "1" if exponent == 0 else f"{base}{str(exponent).translate(RAISED)}"
