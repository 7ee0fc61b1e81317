"""The algorithms that the adversary drives, and what each answers on an adversary's machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from bounds import backward, forward, moments
from bounds.machine import Number
from bounds.sums import Sum, pairwise
from bounds.zoo import AFFINE, EVALUATION, TRAIN, UPDATES, Member

from bncheck.reference.formats import Array, Format
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Affine, Profile, Variance

from .arithmetic import Adversary, Tape, adversary


def in_order(terms: Number) -> Number:
    """((t1 + t2) + t3) + ..., one rounding an addition."""
    total = terms.columns(slice(0, 1))
    for k in range(1, terms.count):
        total = total + terms.columns(slice(k, k + 1))
    return total


def welford(x: Number, total: Sum) -> tuple[Number, Number]:
    """Value by value (Welford 1962), the mean kept between the old mean and the new value.

    Rounding to nearest is monotone, so that no sound machine leaves that interval and no square it adds is negative;
    the standard model does not know it, and without it a computed variance may be below 0.
    """
    del total
    mean, squares = x.columns(slice(0, 1)), x.constant(0.0)
    for k in range(1, x.count):
        value = x.columns(slice(k, k + 1))
        distance = value - mean
        moved = mean + distance / x.constant(k + 1)
        low, high = np.minimum(mean.values, value.values), np.maximum(mean.values, value.values)
        mean = replace(moved, values=np.clip(moved.values, low, high))
        squares = squares + distance * (value - mean)
    return mean, squares / x.constant(x.count)


def differentiated_folded_one_pass(
    dy: Number, x: Number, s: forward.Statistics, total: Sum
) -> backward.Gradients:
    """Reverse mode through a x + b and max(0, mean(x^2) - mean^2): nothing is centred."""
    m, a, dbeta = x.constant(x.count), s.gamma * s.r, total(dy)
    da = total(dy * x) - s.mean * dbeta
    cut = da * s.gamma * x.constant(-0.5) * (s.r * s.r * s.r)
    dvariance = replace(cut, values=np.where(s.variance.values > 0, cut.values, np.zeros_like(cut.values)))
    dmean = -(a * dbeta) - x.constant(2.0) * s.mean * dvariance
    return dy * a + x * (x.constant(2.0) * dvariance / m) + dmean / m, da * s.r, dbeta


@dataclass(frozen=True, slots=True)
class Order:
    """Moments by one algorithm with sums in one order; `name` is the class that tables tell."""

    name: str
    moments: moments.Moments
    total: Sum
    variance: Variance


ORDERS = (
    Order("two-pass, in order", moments.two_pass, in_order, "two_pass"),
    Order("two-pass, tree", moments.two_pass, pairwise, "two_pass"),
    Order("two-pass times 1/m, in order", moments.by_reciprocal, in_order, "two_pass"),
    Order("Welford, in order", welford, in_order, "stable"),
    Order("Welford, tree (Chan)", moments.chan, pairwise, "stable"),
    Order("one-pass, in order", moments.one_pass, in_order, "one_pass"),
    Order("one-pass, tree", moments.one_pass, pairwise, "one_pass"),
)
ONE_PASS_TRAIN: tuple[tuple[backward.Backward, Affine], ...] = (
    (backward.differentiated_one_pass, "centred"),
    (differentiated_folded_one_pass, "any"),
)


def members(random: np.random.Generator) -> Iterator[tuple[str, Member]]:
    """Algorithms without end, each with the name of its order; every part is drawn evenly."""
    while True:
        order = ORDERS[random.integers(len(ORDERS))]
        trains = (*TRAIN, *(ONE_PASS_TRAIN if order.variance == "one_pass" else ()))
        normalise, affine = AFFINE[random.integers(len(AFFINE))]
        train, first = trains[random.integers(len(trains))]
        evaluation, second = EVALUATION[random.integers(len(EVALUATION))]
        yield (
            order.name,
            Member(
                order.total,
                order.moments,
                normalise,
                UPDATES[random.integers(len(UPDATES))],
                train,
                evaluation,
                variance=order.variance,
                affine=affine,
                gradient="any" if "any" in {first, second} else "centred",
                depth="tree" if order.total is pairwise else "any",
            ),
        )


def claim(member: Member, stored: Format) -> Profile:
    """The profile of an algorithm with every role in one format.

    No sum is taken as exact: the adversary errs also where a machine would not.  Nothing underflows.
    """
    return Profile(
        arithmetic=stored,
        accumulator=stored,
        statistics=stored,
        update=stored,
        running=stored,
        output=stored,
        parameters=stored,
        variance=member.variance,
        affine=member.affine,
        backward=member.gradient,
        depth=member.depth,
        flush_to_zero=False,
        lattice=False,
    )


def answer(member: Member, problem: Problem, tape: Tape) -> dict[str, Array]:
    """Quantity name to what the algorithm answers on a problem of one channel, (B, m) or (B, 1)."""
    machine = adversary(tape)
    rows = np.zeros((len(tape.choices), 1))
    x, dy = machine.number(problem.x + rows), machine.number(np.asarray(problem.dy) + rows)
    s = _statistics(member, problem, x, machine)
    member.normalise(x, s)
    found = {"y": tape.nearest()}
    if problem.training:
        found |= _running(member, problem, s, machine)
    dx, dgamma, dbeta = (member.train if problem.training else member.evaluation)(dy, x, s, member.total)
    gradients = {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}
    return found | {name: _read(number) for name, number in gradients.items()}


def _read(number: Number) -> Array:
    return np.asarray(number.values, dtype=np.float64)


def _statistics(member: Member, problem: Problem, x: Number, machine: Adversary) -> forward.Statistics:
    if problem.training:
        mean, variance = member.moments(x, member.total)
    else:
        mean, variance = (
            machine.number(np.asarray(each)) for each in (problem.running_mean, problem.running_var)
        )
    w = variance + machine.number(problem.eps)
    gamma, beta = (machine.number(np.asarray(each)) for each in (problem.gamma, problem.beta))
    return forward.Statistics(mean, variance, w, w.inverse_root(), gamma, beta)


def _running(member: Member, problem: Problem, s: forward.Statistics, machine: Adversary) -> dict[str, Array]:
    """Every step rounds to nearest when it is stored."""
    unbiased = s.variance if problem.biased else s.variance * s.variance.constant(float(problem.bessel))
    found = {}
    for name, statistic in (("running_mean", s.mean), ("running_var", unbiased)):
        old = machine.number(np.asarray(getattr(problem, name)))
        for weight in problem.weights:
            member.update(old, statistic, float(weight))
            old = replace(old, values=machine.tape.nearest())
        found[name] = _read(old)
    return found
