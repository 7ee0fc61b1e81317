"""The report as one page of HTML that needs no network: every target, its laws, its findings, and a plot of its errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from itertools import groupby
from math import ceil, floor, inf, isfinite, log2, log10
from typing import Any

from jinja2 import Environment, StrictUndefined

from bncheck.dialect import USUAL, usual
from bncheck.reports.characters import allowed
from bncheck.reports.finding_text import (
    CRASHES,
    NOT_HELD,
    Plain,
    beside_the_laws,
    causes,
    error_over_bound,
    why_it_fails,
)
from bncheck.reports.profile_plot import BOTTOM, HEIGHT, LEFT, RIGHT, SERIES, TOP, WIDTH, power, profile_plots
from bncheck.verdict import Status
from bncheck.why import NO_CAUSE

TEMPLATE = "page.html.j2"
FIRST_LINES = "<!doctype html>\n<!-- bncheck report -->\n"
# A letter for each verdict.
MARKS = {
    Status.HELD: "✓",
    Status.VIOLATED: "V",
    Status.UNSTABLE: "U",
    Status.UNDECIDED: "?",
    Status.CRASHED: "C",
    Status.TIMED_OUT: "T",
    Status.KNOWN: "K",
    Status.NOT_APPLICABLE: "–",
}
# Where the axis of the plot begins and ends, and the places beside it for 0 and for infinity, in hundredths of its width.
FIRST, LAST, ZERO, INFINITE = 13.0, 87.0, 4.0, 96.0
# What is below the millionth part of its bound is drawn there, so that the line at 1 stays in sight.
LOWEST = -6
TICKS = 6
# Between the texts of two ticks where there is little room, in hundredths of the width.
ROOM = 25.0


@dataclass(frozen=True, slots=True)
class Point:
    """The worst error over bound of a law, and where it stands on the axis, in hundredths of the width."""

    law: str
    status: str
    worst: float
    place: float


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis from 10^lowest to 10^highest, with 0 and infinity beside it."""

    lowest: int
    highest: int

    def place(self, value: float) -> float:
        """Hundredths of the width."""
        if not isfinite(value):
            return INFINITE
        if value <= 0:
            return ZERO
        return self._at(max(log10(value), self.lowest))

    @property
    def ticks(self) -> list[tuple[float, str, bool]]:
        """Place, text, and whether it stays where there is little room: 0, 1, infinity, and the middle one if it is far from 1."""
        step = ceil((self.highest - self.lowest) / TICKS)
        shown = [each for each in range(self.lowest, self.highest + 1) if each % step == 0]
        middle = shown[len(shown) // 2]
        kept = {0, middle} if abs(self._at(middle) - self._at(0)) >= ROOM else {0}
        powers = [(self._at(each), power(10, each), each in kept) for each in shown]
        return [(ZERO, "0", True), *powers, (INFINITE, "∞", True)]

    def _at(self, exponent: float) -> float:
        return round(FIRST + (LAST - FIRST) * (exponent - self.lowest) / (self.highest - self.lowest), 2)


@dataclass(frozen=True, slots=True)
class Plot:
    """The laws from the worst to the best; `left_out`: those of which there is no number."""

    axis: Axis
    points: tuple[Point, ...]
    left_out: tuple[str, ...]


def page(report: Plain, laws: Mapping[str, tuple[str, str]] | None = None) -> str:
    """The whole page, of a JSON report of schema 1; `laws`: the sentence and the formula of a law, by its id."""
    text = (files("bncheck.reports") / TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "short": short,
        "exact": exact,
        "words": _words,
        "offset": _offset,
        "causes": causes,
        "error_over_bound": error_over_bound,
        "beside": beside_the_laws,
        "why": why_it_fails,
    }
    environment.globals |= {
        "plot": plot,
        "profile_plots": profile_plots,
        "counts": _counts,
        "checks": _checks,
        "headline": headline,
        "conventions": conventions,
        "dtypes": _dtypes,
        "families": _families,
        "inapplicable": _inapplicable,
        "shared": _shared,
    }
    constants = {
        "marks": MARKS,
        "not_held": NOT_HELD,
        "wrong": (*NOT_HELD, Status.KNOWN),
        "no_cause": NO_CAUSE,
        "series": tuple(SERIES),
        "size": (WIDTH, HEIGHT),
        "frame": (LEFT, RIGHT, TOP, BOTTOM),
    }
    return allowed(
        FIRST_LINES + environment.from_string(text).render(report=report, known=laws or {}, **constants)
    )


def is_ours(text: str) -> bool:
    """Whether a text is such a page."""
    return text.startswith(FIRST_LINES)


def short(value: float | str | None) -> str:
    """Three digits; `∞`, `NaN` and `-` for what has none."""
    if value is None:
        return "-"
    number = float(value)
    return f"{number:.3g}" if isfinite(number) else exact(value)


def exact(value: float | str | None) -> str:
    """The digits that tell a float64 from its neighbours."""
    if value is None:
        return "-"
    number = float(value)
    return repr(number) if isfinite(number) else {inf: "∞", -inf: "-∞"}.get(number, "NaN")


def headline(target: Plain) -> str:
    """What a run says of a target, in a few words."""
    if target["error"] is not None:
        return "not loaded"
    statuses = {law["status"] for law in target["laws"]}
    failing = [status for status in statuses if Status(status).fails]
    if failing or beside_the_laws(target):
        return "not all laws hold" if failing else "no law fails, but the run does"
    if Status.UNDECIDED in statuses:
        return "no law fails, not all are decided"
    if Status.KNOWN in statuses:
        return "no law fails beyond what the baseline knows"
    return "all laws hold" if Status.HELD in statuses else "nothing was judged"


def conventions(target: Plain) -> tuple[dict[str, str], dict[str, str]]:
    """The conventions that are declared, unlike the usual ones, and the others; a number that is not declared is neither."""
    expected = asdict(usual(USUAL, (target.get("device") or "cpu").partition(":")[0]))
    told = {key: value for key, value in (target.get("dialect") or {}).items() if value is not None}
    declared = {key: str(value) for key, value in told.items() if expected.get(key) != value}
    return declared, {key: str(value) for key, value in told.items() if key not in declared}


def plot(laws: Sequence[Plain]) -> Plot | None:
    """Of the laws that were judged; None where there is no number."""
    judged = [law for law in laws if law["status"] != Status.NOT_APPLICABLE]
    drawn = [law for law in judged if law["worst"] is not None]
    if not drawn:
        return None
    exponents = [log10(worst) for law in drawn if isfinite(worst := float(law["worst"])) and worst > 0]
    axis = Axis(
        max(min(-1, floor(min(exponents, default=0.0))), LOWEST), max(1, ceil(max(exponents, default=0.0)))
    )
    points = [
        Point(law["id"], law["status"], float(law["worst"]), axis.place(float(law["worst"]))) for law in drawn
    ]
    points.sort(key=lambda point: (-point.worst, point.status == Status.HELD))
    return Plot(axis, tuple(points), tuple(law["id"] for law in judged if law["worst"] is None))


def _words(status: str) -> str:
    return status.replace("_", " ")


def _offset(numerics: Mapping[str, Any]) -> str:
    """Where the digits run out, in deviations."""
    if numerics["breakdown_offset"] is None:
        return "digits last up to an offset of 2^24 deviations"
    return f"digits run out at an offset of 2^{log2(float(numerics['breakdown_offset'])):.0f} deviations"


def _counts(laws: Sequence[Plain]) -> dict[str, int]:
    """Status to the number of laws, what failed first."""
    found = Counter(law["status"] for law in laws)
    order = (*CRASHES, *NOT_HELD, Status.KNOWN, *Status)
    return {str(status): found[status] for status in dict.fromkeys(order) if found[status]}


def _checks(report: Plain) -> int:
    return sum(law["examples"] for target in report["targets"] for law in target["laws"])


def _dtypes(laws: Sequence[Plain]) -> list[str]:
    return list(dict.fromkeys(name for law in laws for name in law["by_dtype"]))


def _families(laws: Sequence[Plain]) -> dict[str, list[Plain]]:
    found: dict[str, list[Plain]] = {}
    for law in laws:
        if law["status"] != Status.NOT_APPLICABLE:
            found.setdefault(law["family"], []).append(law)
    return found


def _inapplicable(laws: Sequence[Plain]) -> dict[str, list[str]]:
    """Reason to the laws that it rules out."""
    found: dict[str, list[str]] = {}
    for law in laws:
        if law["status"] == Status.NOT_APPLICABLE:
            found.setdefault(law["reason"] or "no reason is given", []).append(law["id"])
    return found


def _shared(law: Plain) -> list[list[Plain]]:
    """Findings, those together that have the causes, the case and the replay in common."""
    return [
        list(group)
        for _, group in groupby(law["findings"], lambda each: (each["input"], each["replay"], causes(each)))
    ]
