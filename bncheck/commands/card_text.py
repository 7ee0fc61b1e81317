"""The card as text for people: a line for each convention with its evidence, and the numeric profile in marks."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10

from rich.console import Console
from rich.markup import escape

from bncheck.identify.measurement import Card, Measurement, Point, Sweep

_LABELS: Mapping[str, str] = {
    "update": "statistics move in",
    "momentum": "momentum is the weight of",
    "momentum_none": "momentum None",
    "momentum_default": "momentum by default",
    "running_variance": "running variance",
    "first_batch": "first batch",
    "eps": "eps in training",
    "eps_evaluation": "eps in evaluation",
    "eps_storage": "eps is kept",
    "eps_default": "eps by default",
    "axes": "statistics over",
    "training_output": "training output from the statistics",
    "untrained": "evaluation of a new layer",
    "affine_terms": "affine step",
    "output": "output dtype",
    "variance": "numerics",
    "affine": "affine form",
    "clipped": "variance clipped at 0",
    "single": "one value a channel",
    "empty": "empty batch",
    "empty_counted": "empty batch counts",
    "repeatable": "repeated calls",
}
# The largest ratio of error to bound that each mark stands for; beyond the last one stands for all.
_LIMITS = (2.0**-6, 2.0**-4, 2.0**-2, 1.0, 4.0, 64.0, 2.0**16)
_MARKS, _ASCII = "▁▂▃▄▅▆▇█", "01234567"
_NOTHING = "."


def print_card(console: Console, card: Card) -> None:
    """One target: who it is, its conventions, what could not be measured, its numeric profile."""
    if card.error is not None:
        console.print(
            f"[bold]{escape(card.target)}[/]: [bold red]not loaded[/]: {escape(card.error)}", soft_wrap=True
        )
        return
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    console.print(
        f"[bold]{escape(card.target)}[/] on {card.device}, adapter {card.adapter} ({escape(versions)})",
        soft_wrap=True,
    )
    for each in card.measurements:
        if each.value is not None or each.name == "variance":
            console.print(_line(each), soft_wrap=True)
    for reason, names in _reasons(card).items():
        console.print(f"  [dim]not measured:[/] {', '.join(names)}: {escape(reason)}", soft_wrap=True)
    if card.sweeps:
        _print_profile(console, card)


def _label(name: str) -> str:
    """What a convention is called in a sentence."""
    return _LABELS.get(name, name)


def _line(found: Measurement) -> str:
    value, evidence = escape(str(found.value)), f" ({escape(found.evidence)})"
    if found.name == "variance":
        # Its evidence names the class in words.
        value, evidence = escape(found.evidence), ""
    told = f"  {_label(found.name)}: [bold]{value}[/]{evidence}"
    return f"{told}; [bold red]declared {found.declared}[/]" if found.contradicts else told


def _reasons(card: Card) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in card.measurements:
        if each.value is None and each.name != "variance":
            found.setdefault(each.evidence.removeprefix("not measured: "), []).append(_label(each.name))
    return found


def _print_profile(console: Console, card: Card) -> None:
    marks = _MARKS if console.encoding.lower().startswith("utf") else _ASCII
    console.print(
        f"  numeric profile: error of y over the bound of a stable variance; {marks[3]} is up to 1, "
        f"{marks[4]} and higher beyond, {_NOTHING} where nothing is judged",
        soft_wrap=True,
    )
    for sweep in card.sweeps:
        console.print(f"    {_told(sweep, marks)}", soft_wrap=True)


def _told(sweep: Sweep, marks: str) -> str:
    """`float32 offset 2^0 ▁▁▂▃ 2^24, worst 0.03 at 2^14`, and from where on y is lost."""
    first, last = (_at(sweep, point.at) for point in (sweep.points[0], sweep.points[-1]))
    drawn = "".join(_mark(point, marks) for point in sweep.points)
    told, worst = f"{sweep.dtype:8} {sweep.name:6} {first:>6} {drawn} {last}", sweep.worst
    if worst is not None and worst.ratio is not None:
        told += f", worst {worst.ratio:.2g} at {_at(sweep, worst.at)}"
    return told if sweep.breakdown is None else f"{told}, y is lost from {_at(sweep, sweep.breakdown)}"


def _mark(point: Point, marks: str) -> str:
    if point.ratio is None:
        return _NOTHING
    return marks[sum(point.ratio > limit for limit in _LIMITS)]


def _at(sweep: Sweep, value: float) -> str:
    """A power of the base of its sweep."""
    return f"{sweep.base}^{log10(value) / log10(sweep.base):.0f}"
