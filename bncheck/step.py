"""A step of a program: what is done to a layer next, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Action = Literal[
    "train",
    "eval",
    "forward",
    "open",
    "backward",
    "momentum",
    "reset",
    "copy",
    "reload",
    "move",
    "empty",
    "single",
    "wrong",
    "other",
]
ACTIONS: tuple[Action, ...] = get_args(Action)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.  The batches of a program are variants of its case's x and dy, numbered by `batch`.

    train, eval: forward and backward in that mode. forward: a training forward of which no gradients are asked,
    under no_grad in torch. open: a training forward whose backward comes later. backward: that of the `batch`-th
    forward that is still open, counted from the oldest. momentum: `value` from now on, None for the cumulative
    average. reset: statistics as when it was made. copy: go on with a deep copy. reload: save, and go on with a new
    layer that the state is loaded into. move: to float64 and back. empty, single: a training batch without any
    value, and with one value a channel. wrong: a batch of one channel too many. other: a second layer is made and
    trained on the batch.
    """

    action: Action
    batch: int = 0
    value: float | None = None

    def __str__(self) -> str:
        words = [str(self.action)]
        words += [str(self.batch)] if self.batch else []
        words += [repr(self.value)] if self.action == "momentum" else []
        return ":".join(words)
