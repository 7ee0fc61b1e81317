"""Claims about programs: what a step leaves behind, as lines that end with `wrong`."""

from __future__ import annotations

from dataclasses import dataclass

from bncheck.reproducer.claims import taken
from bncheck.reproducer.scene import Around, Scene
from bncheck.reproducer.spelling import Lines


@dataclass(frozen=True, slots=True)
class Taken:
    """A batch of one channel too many is taken in a step of a program."""

    step: int

    def lines(self, scene: Scene) -> Lines:
        """The steps before it, and the batch."""
        lines = scene.performed(self.step)
        place = max(
            number for number, line in enumerate(lines) if line.startswith("with contextlib.suppress")
        )
        return [*lines[:place], *taken([line.removeprefix("    ") for line in lines[place + 1 :]])]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A step moves running statistics that it is to leave alone."""

    quantity: str
    step: int

    def lines(self, scene: Scene) -> Lines:
        """Their bits before and after the step."""
        held = scene.held(self.quantity)
        around: Around = ([f"before = {scene.bits(held)}", f'print("before:", {held})'], [])
        action = scene.case.program[self.step].action
        return [
            *scene.performed(self.step, {self.step: around}),
            f'print("after {action}:", {held})',
            f"wrong = {scene.bits(held)} != before",
        ]


@dataclass(frozen=True, slots=True)
class Reset:
    """A reset leaves other statistics than those of a new layer."""

    quantity: str
    step: int

    def lines(self, scene: Scene) -> Lines:
        """Against those of a layer that was just made."""
        first, *rest = scene.performed(self.step)
        held = scene.held(self.quantity)
        return [
            first,
            f"before = {scene.bits(held)}",
            *rest,
            f'print("after the reset:", {held})',
            f"wrong = {scene.bits(held)} != before",
        ]


@dataclass(frozen=True, slots=True)
class Kept:
    """An output, or the statistics of the layer left behind by a copy, change until the program ends."""

    quantity: str
    step: int
    left: bool

    def lines(self, scene: Scene) -> Lines:
        """Their bits at the step and at the end."""
        around: Around = ([], ["kept = y", f"before = {scene.bits('kept')}"])
        then = "kept"
        if self.left:
            around = ([f"before = {scene.bits(scene.held(self.quantity))}"], [])
            then = scene.held(self.quantity, f"left{self.step}")
        return [
            *scene.performed(None, {self.step: around}),
            f"wrong = {scene.bits(then)} != before",
            f'print("{self.quantity} of step {self.step + 1} was changed later:", wrong)',
        ]


@dataclass(frozen=True, slots=True)
class Counted:
    """The count of batches is not `expected` after a step."""

    expected: int
    step: int

    def lines(self, scene: Scene) -> Lines:
        """The two numbers."""
        return [
            *scene.performed(self.step),
            f"actual, expected = {scene.spelling.count()}, {self.expected}",
            'print(f"the count of batches is {actual}, expected {expected}")',
            "wrong = actual != expected",
        ]
