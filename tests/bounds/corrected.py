"""Averages that are corrected for a start at zero, in the forms that real code uses, on simulated machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np

from .machine import Machine, Number, Values

# d^t of the decay as a number of the machine.
Power: TypeAlias = Callable[[Number, int], Number]


@dataclass(frozen=True, slots=True)
class Weights:
    """d and w as the machine has them, and D = 1 - d^t after t batches."""

    decay: Number
    weight: Number
    share: Callable[[int], Number]


Spoken: TypeAlias = Callable[[Machine, float, Power], Weights]


def of_machine(values: Values, like: Number) -> Number:
    return like.machine.number(values.astype(like.machine.dtype))


def repeated(decay: Number, batches: int) -> Number:
    """d times d times d, a rounding each."""
    return reduce(lambda product, _: product * decay, range(batches - 1), decay)


def squared(decay: Number, batches: int) -> Number:
    """By repeated squaring."""
    found, square = decay.constant(1.0), decay
    while batches:
        found = found * square if batches % 2 else found
        square, batches = square * square, batches // 2
    return found


def library(decay: Number, batches: int) -> Number:
    """The library's own power."""
    return of_machine(np.power(decay.values, decay.values.dtype.type(batches)), decay)


def by_logarithm(decay: Number, batches: int) -> Number:
    """exp(t log d), every step rounded."""
    logarithm = of_machine(np.log(decay.values), decay)
    return of_machine(np.exp((logarithm * decay.constant(float(batches))).values), decay)


def _wide(decay: Number, batches: int) -> Number:
    """In float64, as Python does it."""
    return of_machine(decay.values.astype(np.float64) ** batches, decay)


POWERS: tuple[Power, ...] = (repeated, squared, library, by_logarithm, _wide)


def _weights(decay: Number, weight: Number, power: Power) -> Weights:
    return Weights(decay, weight, lambda batches: decay.constant(1.0) - power(decay, batches))


def of_weight(machine: Machine, w: float, power: Power) -> Weights:
    """w is given, d = 1 - w."""
    weight = machine.number([[w]])
    return _weights(weight.constant(1.0) - weight, weight, power)


def of_decay(machine: Machine, w: float, power: Power) -> Weights:
    """d is given, w = 1 - d."""
    decay = machine.number([[1.0 - w]])
    return _weights(decay, decay.constant(1.0) - decay, power)


def of_both(machine: Machine, w: float, power: Power) -> Weights:
    """Both were found in float64 and are rounded."""
    return _weights(machine.number([[1.0 - w]]), machine.number([[w]]), power)


def by_expm1(machine: Machine, w: float, _power: Power) -> Weights:
    """D = -expm1(t log1p(-w)), which does not cancel."""
    weight = machine.number([[w]])
    logarithm = of_machine(np.log1p(-weight.values), weight)

    def share(batches: int) -> Number:
        return -of_machine(np.expm1((logarithm * weight.constant(float(batches))).values), weight)

    return Weights(weight.constant(1.0) - weight, weight, share)


SPOKEN: tuple[Spoken, ...] = (of_weight, of_decay, of_both, by_expm1)


@dataclass(frozen=True, slots=True)
class Form:
    """What a layer keeps of what it is given and shows: `kept` of the average shown after so many batches, `moved` by the
    next batch, and `shown` again.  Each is told the batches seen before it.
    """

    name: str
    kept: Callable[[Number, int, Weights], Number]
    moved: Callable[[Number, int, Number, Weights], Number]
    shown: Callable[[Number, int, Weights], Number]


def after(form: Form, given: Number, statistic: Number, weights: Weights, *, seen: int, steps: int) -> Number:
    """What is shown after so many batches of one statistic."""
    state = form.kept(given, seen, weights)
    for step in range(steps):
        state = form.moved(state, seen + step, statistic, weights)
    return form.shown(state, seen + steps, weights)


def _hidden(shown: Number, seen: int, weights: Weights) -> Number:
    """s D, by the D that the layer divides by."""
    return shown * weights.share(seen) if seen else shown * shown.constant(0.0)


def _hidden_exactly(shown: Number, seen: int, weights: Weights) -> Number:
    """s D in float64, rounded once."""
    share = 1 - weights.decay.values.astype(np.float64) ** seen
    return of_machine(shown.values.astype(np.float64) * share, shown)


def _blended(hidden: Number, _seen: int, statistic: Number, weights: Weights) -> Number:
    return weights.decay * hidden + weights.weight * statistic


def _stepped(hidden: Number, _seen: int, statistic: Number, weights: Weights) -> Number:
    return hidden + weights.weight * (statistic - hidden)


def _divided(hidden: Number, seen: int, weights: Weights) -> Number:
    return hidden / weights.share(seen)


def _multiplied(hidden: Number, seen: int, weights: Weights) -> Number:
    return hidden * (hidden.constant(1.0) / weights.share(seen))


def _as_it_is(shown: Number, _seen: int, _weights: Weights) -> Number:
    return shown


def _moved_by_weight(shown: Number, seen: int, statistic: Number, weights: Weights) -> Number:
    return shown + weights.weight / weights.share(seen + 1) * (statistic - shown)


def _blended_by_weight(shown: Number, seen: int, statistic: Number, weights: Weights) -> Number:
    weight = weights.weight / weights.share(seen + 1)
    return (weight.constant(1.0) - weight) * shown + weight * statistic


def _back_and_forth(shown: Number, seen: int, statistic: Number, weights: Weights) -> Number:
    hidden = _blended(_hidden(shown, seen, weights), seen, statistic, weights)
    return _divided(hidden, seen + 1, weights)


FORMS = (
    Form("hidden_divided", _hidden, _blended, _divided),
    Form("hidden_multiplied", _hidden, _blended, _multiplied),
    Form("hidden_stepped", _hidden, _stepped, _divided),
    Form("hidden_given_exactly", _hidden_exactly, _blended, _divided),
    Form("shown_moved", _as_it_is, _moved_by_weight, _as_it_is),
    Form("shown_blended", _as_it_is, _blended_by_weight, _as_it_is),
    Form("shown_back_and_forth", _as_it_is, _back_and_forth, _as_it_is),
)
