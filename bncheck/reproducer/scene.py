"""A scene: a case written down for one kind of target, its arrays by name and the lines that evaluate it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bncheck.adapter import State
from bncheck.batches import batch_of, with_another_channel, with_one_value, without_values
from bncheck.capabilities import Capabilities
from bncheck.case import CASE_ARRAYS, Case, Native
from bncheck.direction import Direction
from bncheck.errors import UsageError
from bncheck.layout import Layout
from bncheck.reproducer.spelling import FurtherSpelling, Lines, Making, Spelling, indented
from bncheck.step import Step

_UNUSUAL: dict[str, Callable[[Native], Native]] = {
    "empty": without_values,
    "single": with_one_value,
    "wrong": with_another_channel,
}
# What a claim adds around a step: lines before it and lines after it.
Around = tuple[Lines, Lines]


@dataclass(slots=True)
class Scene:
    """`arrays`: those that lines may name, each with its layout; which of them a script needs, its lines say."""

    spelling: Spelling
    capabilities: Capabilities
    case: Case
    arrays: dict[str, tuple[Native, Layout | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in CASE_ARRAYS:
            array = getattr(self.case, name)
            if array is not None:
                self.arrays[name] = array, self.case.layouts.get(name)
        for name, array in self._directions():
            self.arrays[name] = array, None

    @property
    def making(self) -> Making:
        """The layer that the case is evaluated by; one that goes through a program leaves the arrays as they are."""
        return Making(self.case, self.case.momentum, own=bool(self.case.program))

    def made(self) -> Lines:
        """The layer."""
        return self.spelling.made(self.making)

    def called(self) -> Lines:
        """The evaluation itself, as often as the case asks for it."""
        training = self.case.training
        if self.case.direction is not None:
            return self._along()
        if self.case.dy is not None and self._differentiates(training=training):
            lines = self.spelling.both(self.making, "x", "dy", training=training)
        else:
            lines = self.spelling.forward(self.making, "x", training=training)
        if self.case.steps == 1:
            return lines
        return [f"for _ in range({self.case.steps}):", *indented(lines)]

    def _directions(self) -> list[tuple[str, Native]]:
        """The arrays of the case's direction, by name."""
        named = zip(("v", "v_gamma", "v_beta"), self.case.direction or (), strict=False)
        return [(name, array) for name, array in named if array is not None]

    def _along(self) -> Lines:
        """The derivatives along the case's direction; UsageError where the spelling has no words for them."""
        spelling, training = self.spelling, self.case.training
        if not isinstance(spelling, FurtherSpelling):
            raise UsageError(
                "no script can be written for derivatives along a direction: the target's spelling has no words for them"
            )
        there = dict(self._directions())
        along = Direction(*(name if name in there else None for name in ("v", "v_gamma", "v_beta")))
        if self.case.dy is None:
            return spelling.tangent(self.making, "x", along, training=training)
        return spelling.second_order(self.making, "x", "dy", along, training=training)

    def _differentiates(self, *, training: bool) -> bool:
        return self.capabilities.gradient if training else self.capabilities.eval_gradient

    def evaluated(self) -> Lines:
        """The layer, and the evaluation or the whole program."""
        return self.performed() if self.case.program else [*self.made(), *self.called()]

    def performed(self, last: int | None = None, around: dict[int, Around] | None = None) -> Lines:
        """The steps of the program up to `last`, all where it is None."""
        making, lines, opened = self.making, self.made(), list[tuple[int, str]]()
        steps = self.case.program if last is None else self.case.program[: last + 1]
        for number, step in enumerate(steps):
            before, after = (around or {}).get(number, ([], []))
            lines += [*before, *self._step(making, step, number, opened), *after]
            if step.action == "momentum":
                making = replace(making, momentum=step.value)
        return lines

    def given(self, state: State) -> Lines:
        """The layer's running statistics replaced."""
        lines: Lines = []
        for name, array in (("running_mean", state.mean), ("running_var", state.var)):
            if array is not None:
                self.arrays[f"{name}_before"] = array, None
                lines.append(self.spelling.given(name, f"{name}_before"))
        return lines

    def _step(self, making: Making, step: Step, number: int, opened: list[tuple[int, str]]) -> Lines:
        match step.action:
            case "train" | "eval" | "other" | "forward":
                return self._with_batch(making, step)
            case "open" | "backward":
                return self._in_two_halves(making, step, number, opened)
            case "empty" | "single" | "wrong":
                self.arrays[f"x_{step.action}"] = _UNUSUAL[step.action](self.case.x), None
                lines = self.spelling.forward(making, f"x_{step.action}", training=True)
                return ["with contextlib.suppress(Exception):", *indented(lines)]
            case _:
                return self.spelling.changed(making, step, number)

    def _with_batch(self, making: Making, step: Step) -> Lines:
        x, dy = self._batch(step.batch)
        if step.action == "forward":
            return self.spelling.forward(making, x, training=True)
        if step.action == "other":
            other = replace(making, to="other")
            return [*self.spelling.made(other), *self._passed(other, x, dy, training=True)]
        return self._passed(making, x, dy, training=step.action == "train")

    def _in_two_halves(self, making: Making, step: Step, number: int, opened: list[tuple[int, str]]) -> Lines:
        """A forward pass now, or the backward pass of one that is still open."""
        if step.action == "open" and self.case.dy is not None:
            x, dy = self._batch(step.batch)
            opened.append((number, dy))
            return self.spelling.opened(making, x, number)
        if step.action == "backward" and opened:
            first, dy = opened.pop(min(step.batch, len(opened) - 1))
            return self.spelling.closed(making, dy, first)
        return []

    def _passed(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        if not dy or not self._differentiates(training=training):
            return self.spelling.forward(making, x, training=training)
        return self.spelling.both(making, x, dy, training=training)

    def _batch(self, number: int) -> tuple[str, str]:
        """The names of a batch's x and dy."""
        mark = f"_{number}" if number else ""
        for name, array in zip(("x", "dy"), batch_of(self.case, number), strict=True):
            if mark and array is not None:
                self.arrays[f"{name}{mark}"] = array, None
        return f"x{mark}", f"dy{mark}" if self.case.dy is not None else ""

    def held(self, quantity: str, of: str = "layer") -> str:
        """The expression of a quantity, of an array that was given, or of what the layer holds."""
        if quantity in ("gamma", "beta", "running_mean", "running_var"):
            return self.spelling.held(quantity, of)
        return quantity

    def bits(self, expression: str) -> str:
        """Its bits as bytes."""
        return self.spelling.words.bits.format(expression)

    def needed(self, lines: Lines) -> dict[str, str]:
        """The arrays that lines name, as literals."""
        text = "\n".join(lines)
        literal = self.spelling.words.literal
        return {
            name: literal(*place)
            for name, place in self.arrays.items()
            if re.search(rf"(?<![\w.]){name}(?!\w|=)", text)
        }
