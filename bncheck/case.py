"""A case: everything that one evaluation depends on, frozen and exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bncheck.direction import Direction
from bncheck.layout import Layout
from bncheck.reference.formats import Array, Format, format_of
from bncheck.reference.problem import Debias, Problem
from bncheck.step import Step

Mode = Literal["train", "eval"]
Native = NDArray[Any]
# The arrays of a case, by name.
CASE_ARRAYS = ("x", "dy", "gamma", "beta", "running_mean", "running_var")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The input of one evaluation, in the canonical dialect: channels second, momentum the weight of the new batch.

    `x`, `dy`: shape (N, C, ...) of rank 2 to 5 and one dtype.  `gamma`, `beta`, `running_mean`, `running_var`: shape
    (C,), None where the case has none; their dtype is x's or float32.  `momentum` None is the cumulative average,
    `batches` the number of batches already seen.  `steps`: how often a training batch is shown in a row; the outcome
    is that of the last.  `layouts`: how an array lies in the memory of the framework, by its name, where it is not
    contiguous.  `replaces`: whether the first batch that a layer sees replaces its statistics; `debiased`: whether they
    are those of an average that is corrected for its start at zero, so that those of no batch yet weigh nothing.
    `backward`: whether they move in the backward pass, which is then run with a dy of 0 where there is none.
    `program`: steps that one layer goes through; x, dy and the rest are then what it starts from.
    `direction`: what is asked for is the derivative of y along it, or, where there is a dy, the derivatives of its
    inner product with the gradients.  All arrays are read-only.
    """

    x: Native
    dy: Native | None
    gamma: Native | None
    beta: Native | None
    running_mean: Native | None
    running_var: Native | None
    eps: float
    momentum: float | None
    mode: Mode
    batches: int = 0
    steps: int = 1
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    program: tuple[Step, ...] = ()
    replaces: bool = False
    debiased: bool = False
    backward: bool = False
    direction: Direction | None = None

    def __post_init__(self) -> None:
        given = (self.x, self.dy, self.gamma, self.beta, self.running_mean, self.running_var)
        for array in (*given, *(self.direction or ())):
            if array is not None:
                array.setflags(write=False)

    @property
    def channels(self) -> int:
        """C."""
        return int(self.x.shape[1])

    @property
    def count(self) -> int:
        """m, the number of values in a channel."""
        return self.x.size // max(self.channels, 1)

    @property
    def training(self) -> bool:
        """Whether the batch's own statistics normalise."""
        return self.mode == "train"

    @property
    def affine(self) -> bool:
        """Whether gamma and beta are there."""
        return self.gamma is not None

    @property
    def formats(self) -> tuple[Format, Format, Format]:
        """Of x and y, of the parameters, of the running statistics; x's where there are none."""
        x = format_of(self.x.dtype)
        parameters = x if self.gamma is None else format_of(self.gamma.dtype)
        return x, parameters, x if self.running_mean is None else format_of(self.running_mean.dtype)

    def changed(self, **changes: Any) -> Case:
        """This case with other fields."""
        return replace(self, **changes)

    def reshaped(self, shape: tuple[int, ...]) -> Case:
        """The same channels with their values in the same order, under another shape (N', C, ...)."""
        return self.changed(
            x=from_channel_major(channel_major(self.x), shape, self.x.dtype),
            dy=None if self.dy is None else from_channel_major(channel_major(self.dy), shape, self.dy.dtype),
        )

    def weights(self) -> tuple[Fraction, ...]:
        """The weight of the new batch in each step: momentum, or 1 / (batches seen, this one counted); 1 in the first
        step of all where that replaces the statistics; that of a corrected average where they are one.
        """
        debias = self.debias
        if debias is not None:
            return debias.weights(self.steps)
        if self.momentum is not None:
            first = 1 if self.replaces and self.batches == 0 else Fraction(self.momentum)
            return (Fraction(first), *(Fraction(self.momentum),) * (self.steps - 1))
        return tuple(Fraction(1, self.batches + step) for step in range(1, self.steps + 1))

    @property
    def debias(self) -> Debias | None:
        """The correction for a start at zero, which neither a cumulative average needs nor one that stands still has."""
        if not self.debiased or not self.momentum:
            return None
        return Debias(Fraction(self.momentum), self.batches)

    def problem(self, *, biased: bool = False) -> Problem:
        """The mathematical problem of this case; `biased` as the dialect says of the running variance."""
        return Problem(
            x=channel_major(self.x),
            dy=None if self.dy is None else channel_major(self.dy),
            gamma=_column(self.gamma),
            beta=_column(self.beta),
            running_mean=_column(self.running_mean),
            running_var=_column(self.running_var),
            eps=self.eps,
            training=self.training,
            weights=self.weights() if self.training else (),
            biased=biased,
            debias=self.debias,
        )

    def summary(self) -> str:
        """One line: shape, dtypes, mode and the numbers that are not arrays."""
        x, parameters, statistics = self.formats
        words = [f"x {self.x.shape} {x.name}", self.mode, f"eps {self.eps!r}"]
        if self.affine and parameters != x:
            words.append(f"parameters {parameters.name}")
        if not self.affine:
            words.append("no affine")
        if self.training and self.running_mean is not None:
            words.append(f"momentum {self.momentum!r}")
            words += [f"{self.batches} batches seen"] if self.momentum is None or self.debiased else []
            words += [f"{self.steps} steps"] if self.steps > 1 else []
            words += [f"statistics {statistics.name}"] if statistics != x else []
        words += [f"{name} {layout}" for name, layout in self.layouts.items()]
        words += ["program " + " ".join(map(str, self.program))] if self.program else []
        return ", ".join(words)


def channel_major(array: Native) -> Array:
    """(N, C, ...) as float64 of shape (C, m), exact for every format; order within a channel kept."""
    moved = array.astype(np.float64).swapaxes(0, 1)
    return np.ascontiguousarray(moved.reshape(moved.shape[0], -1))


def from_channel_major(rows: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Native:
    """(C, m) back to (N, C, ...)."""
    outer = (shape[1], shape[0], *shape[2:])
    return np.ascontiguousarray(rows.reshape(outer).swapaxes(0, 1)).astype(dtype)


def _column(vector: Native | None) -> Array | None:
    return None if vector is None else vector.astype(np.float64).reshape(-1, 1)
