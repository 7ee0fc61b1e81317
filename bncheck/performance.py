"""A performance: what was observed of one layer while it went through the steps of a program."""

from __future__ import annotations

from dataclasses import dataclass

from bncheck.adapter import State
from bncheck.case import Native


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """After one step.  `state`: the running statistics then; `y` and the gradients where the step computes them.

    `error`: what was raised, where a step may raise.  `kept`: whether y was still the same at the end of the program.
    `left`: of the layer that a copy or a new one took over from, its statistics at the end.  A step that meets nothing
    to do, such as a backward without a forward, observes the state alone.
    """

    state: State
    y: Native | None = None
    dx: Native | None = None
    dgamma: Native | None = None
    dbeta: Native | None = None
    error: str | None = None
    kept: bool = True
    left: State | None = None

    def quantity(self, name: str) -> Native | None:
        """y, a gradient, or a running statistic by its name."""
        found: Native | None = {
            "y": self.y,
            "dx": self.dx,
            "dgamma": self.dgamma,
            "dbeta": self.dbeta,
            "running_mean": self.state.mean,
            "running_var": self.state.var,
        }[name]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """`made`: the statistics of a layer as it was made; `start`: before the first step; one observation a step."""

    made: State
    start: State
    observations: tuple[Observation, ...]
