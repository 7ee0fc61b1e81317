"""Coordinate ascent over all rounding errors of an algorithm, for the largest error over bound of every quantity.

Errors of first order are a sum of c_i e_i, which the signs of the c_i maximise; one sweep therefore tries each
choice of each e_i alone, sets all to the best at once, and falls back to the one best change where the others spoil
it.  A sweep that improves nothing has found a local maximum: no single rounding error can be changed for the worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from bounds.judging import exact_of
from bounds.zoo import Member

from bncheck.reference.bounds import Bound, bounds
from bncheck.reference.formats import Array, Format
from bncheck.reference.oracle import Truth, solve
from bncheck.reference.problem import Problem

from .algorithms import answer, claim
from .arithmetic import Choices, Tape

QUANTITIES = ("y", "running_mean", "running_var", "dx", "dgamma", "dbeta")
_CHOICES = np.array([-1, 0, 1], dtype=np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class Duel:
    """One algorithm on one problem in one format, and the bounds that it claims."""

    member: Member
    problem: Problem
    stored: Format
    truth: Truth
    bounds: dict[str, Bound]

    @staticmethod
    def of(member: Member, problem: Problem, stored: Format) -> Duel:
        """With the exact answer and the bounds of the algorithm's own class."""
        truth = solve(problem, double_double=False)
        return Duel(member, problem, stored, truth, bounds(problem, truth, claim(member, stored)))

    def roundings(self) -> int:
        """How many operations round."""
        tape = Tape(np.zeros((1, 0), dtype=np.int8), self.stored)
        self._answers(tape)
        return tape.used

    def errors(self, choices: Choices) -> dict[str, Array]:
        """Quantity to signed errors in bounds, (B, m) or (B, 1), a row of choices each; 0 where the bound is infinite."""
        answers = self._answers(Tape(choices, self.stored))
        return {name: self._quotients(name, answers[name], len(choices)) for name in self.bounds}

    def _answers(self, tape: Tape) -> dict[str, Array]:
        with np.errstate(all="ignore"):
            return answer(self.member, self.problem, tape)

    def _quotients(self, name: str, actual: Array, rows: int) -> Array:
        exact, bound = exact_of(self.truth, name), self.bounds[name]
        with np.errstate(all="ignore"):
            quotient = ((actual - exact.hi) - exact.lo) / bound.largest
        quotient = np.where(np.isnan(quotient), np.inf, quotient)
        held = bound.judged & np.isfinite(bound.largest)
        return np.broadcast_to(np.where(held, quotient, 0.0), (rows, bound.largest.shape[1]))


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """One element of one quantity, pushed up (1) or down (-1)."""

    name: str
    element: int
    sign: int

    def gain(self, errors: dict[str, Array]) -> Array:
        """Per row, the error in bounds in the direction of the aim."""
        return np.asarray(self.sign * errors[self.name][:, self.element])


def attained(duel: Duel, random: np.random.Generator, *, sweeps: int = 4) -> dict[str, float]:
    """Quantity to the largest |error| / bound found, by ascent from no errors and from random ones."""
    n, worst = duel.roundings(), dict.fromkeys(duel.bounds, 0.0)
    for start in (np.zeros((1, n), dtype=np.int8), random.integers(-1, 2, (1, n)).astype(np.int8)):
        for name, gain in _ascent(duel, start, random, sweeps).items():
            worst[name] = max(worst[name], gain)
    return worst


def _ascent(duel: Duel, start: Choices, random: np.random.Generator, sweeps: int) -> dict[str, float]:
    """The first sweep serves all aims; those that follow go on with the most promising aim of each quantity."""
    trials = duel.errors(_changes(start))
    aims = [
        Aim(name, element, sign)
        for name, values in trials.items()
        for element in range(values.shape[1])
        for sign in (-1, 1)
    ]
    points = np.concatenate([_best(start[0], aim.gain(trials))[:1] for aim in aims])
    gains = _own_gains(duel, points, aims)
    best: dict[str, float] = {}
    for name in duel.bounds:
        mine = [index for index, aim in enumerate(aims) if aim.name == name]
        top = max(mine, key=lambda index: gains[index])
        chosen = top if random.random() < 0.7 else int(random.choice(mine))
        best[name] = max(gains[top], _climbed(duel, points[chosen], aims[chosen], sweeps))
    return best


def _climbed(duel: Duel, point: Choices, aim: Aim, sweeps: int) -> float:
    """The gain where no sweep improves it further, or after `sweeps` of them."""
    reached = float(aim.gain(duel.errors(point[None, :]))[0])
    for _ in range(sweeps):
        candidates = _best(point, aim.gain(duel.errors(_changes(point[None, :]))))
        gains = aim.gain(duel.errors(candidates))
        better = int(np.argmax(gains))
        if not gains[better] > reached:
            break
        reached, point = float(gains[better]), candidates[better]
    return reached


def _changes(point: Choices) -> Choices:
    """Every choice of every error alone, the others as they are: (3 n, n)."""
    n = point.shape[1]
    changed = np.repeat(point, 3 * n, axis=0)
    changed[np.arange(3 * n), np.repeat(np.arange(n), 3)] = np.tile(_CHOICES, n)
    return changed


def _best(point: Choices, gains: Array) -> Choices:
    """All errors at their best choice at once, and the one best change alone: (2, n)."""
    table = gains.reshape(-1, 3)
    together = _CHOICES[np.argmax(table, axis=1)]
    alone = point.copy()
    error, choice = np.unravel_index(np.argmax(table), table.shape)
    alone[error] = _CHOICES[choice]
    return np.stack([together, alone])


def _own_gains(duel: Duel, points: Choices, aims: list[Aim]) -> Array:
    """The gain of each aim at its own point."""
    errors = duel.errors(points)
    return np.array([aim.gain(errors)[index] for index, aim in enumerate(aims)])
