"""The zoo: sound batch normalization algorithms on simulated machines, each with the profile that it claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Literal, TypeAlias

import numpy as np

from bncheck.dialect import Dialect
from bncheck.reference.formats import FLOAT64, Array, Format, dtype_of
from bncheck.reference.problem import Problem
from bncheck.reference.profile import Affine, Depth, Profile, Variance

from . import backward, forward, moments, sums
from .machine import Machine, Number

Outcome: TypeAlias = dict[str, Array]
MachineKind: TypeAlias = Literal["ieee", "flushing", "accelerator"]
Statistics: TypeAlias = Literal["float32", "parameter"]


@dataclass(frozen=True, slots=True)
class Formats:
    """Storage of x, dy, y and dx; of gamma, beta and their gradients; of the running statistics."""

    x: Format
    parameters: Format
    running: Format

    @property
    def name(self) -> str:
        """The formats of x and of the parameters."""
        return f"{self.x.name}-{self.parameters.name}"


@dataclass(frozen=True, slots=True)
class Member:
    """One algorithm and the class it claims; arithmetic is float32, or float64 for float64 inputs.

    `statistics`: batch statistics and the running update are kept in float32 at least, or in the parameters' format.
    `machine`: "ieee", "flushing" (subnormals are zero), or "accelerator" (flushing, and dividing within 2 ulp).
    """

    total: sums.Sum
    moments: moments.Moments
    normalise: forward.Normalise
    update: forward.Update
    train: backward.Backward
    evaluation: backward.Backward
    variance: Variance
    affine: Affine
    gradient: Affine
    depth: Depth = "any"
    clipped: Literal["yes", "no"] = "yes"
    statistics: Statistics = "float32"
    machine: MachineKind = "ieee"

    @property
    def parts(self) -> tuple[str, ...]:
        """What the algorithm is made of, in words."""
        steps = (self.moments, self.total, self.normalise, self.update, self.train, self.evaluation)
        return (*(step.__name__ for step in steps), self.depth, self.statistics, self.machine)

    @property
    def name(self) -> str:
        """All parts."""
        return "-".join(self.parts)

    def profile(self, formats: Formats) -> Profile:
        """The claim, for a problem of these formats."""
        dialect = Dialect(
            variance=self.variance,
            affine=self.affine,
            backward=self.gradient,
            depth=self.depth,
            clipped=self.clipped,
            statistics=self.statistics,
        )
        device = "cuda" if self.machine == "accelerator" else "cpu"
        profile = dialect.profile(formats.x, formats.parameters, formats.running, device=device)
        return replace(profile, accumulator=FLOAT64) if self.total is sums.in_double else profile


def evaluate(member: Member, problem: Problem, formats: Formats, *, seed: int = 0) -> Outcome:
    """Quantity name to what `member` answers, after all training steps of the problem."""
    profile, random = member.profile(formats), np.random.default_rng(seed)
    flush, loose = member.machine != "ieee", member.machine == "accelerator"
    arithmetic, storage = dtype_of(profile.arithmetic.name), dtype_of(profile.statistics.name)
    machine = Machine(arithmetic, storage, flush=flush, loose=loose, random=random)
    updating = replace(
        machine, dtype=dtype_of(profile.update.name), flush=flush and profile.update == profile.arithmetic
    )
    with np.errstate(all="ignore"):
        s = _statistics(member, problem, machine)
        found = {"y": _read(member.normalise(machine.number(problem.x), s), formats.x)}
        if problem.training and problem.weights:
            found |= _running(member, problem, s, updating, formats.running)
        if problem.dy is not None:
            found |= _gradients(member, problem, s, formats)
    return found


def _statistics(member: Member, problem: Problem, machine: Machine) -> forward.Statistics:
    if problem.training:
        mean, variance = (each.kept() for each in member.moments(machine.number(problem.x), member.total))
    else:
        mean = _column(machine, problem.running_mean, 0.0)
        variance = _column(machine, problem.running_var, 1.0)
    w = variance + machine.number([[problem.eps]])
    gamma, beta = _column(machine, problem.gamma, 1.0), _column(machine, problem.beta, 0.0)
    return forward.Statistics(mean, variance, w, w.inverse_root().kept(), gamma, beta)


def _column(machine: Machine, values: Array | None, default: float) -> Number:
    return machine.number([[default]] if values is None else values)


def _running(
    member: Member, problem: Problem, s: forward.Statistics, updating: Machine, stored: Format
) -> Outcome:
    """Every step updates what the step before it stored; m/(m - 1) is rounded, and its product again."""
    unbiased = s.variance if problem.biased else s.variance * s.variance.constant(float(problem.bessel))
    found = {}
    for name, statistic in (("running_mean", s.mean), ("running_var", unbiased)):
        old = _column(updating, problem.running_mean if name == "running_mean" else problem.running_var, 0.0)
        for weight in problem.weights:
            old = member.update(old, statistic.on(updating), float(weight)).stored(dtype_of(stored.name))
        found[name] = _read(old, stored)
    return found


def _gradients(member: Member, problem: Problem, s: forward.Statistics, formats: Formats) -> Outcome:
    machine = s.mean.machine
    x, dy = machine.number(problem.x), _column(machine, problem.dy, 0.0)
    dx, dgamma, dbeta = (member.train if problem.training else member.evaluation)(dy, x, s, member.total)
    found = {"dx": _read(dx, formats.x)}
    if problem.gamma is not None:
        found |= {"dgamma": _read(dgamma, formats.parameters), "dbeta": _read(dbeta, formats.parameters)}
    return found


def _read(number: Number, stored: Format) -> Array:
    return np.asarray(number.values.astype(dtype_of(stored.name)).astype(np.float64))


# Two passes, each sum in order, the closed form backward: the strongest claim of all.
TEXTBOOK = Member(
    sums.sequential,
    moments.two_pass,
    forward.scaled_last,
    forward.by_rest,
    backward.closed_form,
    backward.evaluated,
    variance="two_pass",
    affine="centred",
    gradient="centred",
)

# With the class that it claims, and whether its sums are its own, not the member's.
ALGORITHMS: tuple[tuple[moments.Moments, Variance, bool], ...] = (
    (moments.two_pass, "two_pass", False),
    (moments.by_reciprocal, "two_pass", False),
    (moments.around_stored, "two_pass", False),
    (moments.corrected_two_pass, "two_pass", False),
    (moments.compensated_two_pass, "two_pass", True),
    (moments.welford, "stable", True),
    (moments.chan, "stable", True),
    (moments.one_pass, "one_pass", False),
    (moments.unclipped, "one_pass", False),
)
AFFINE: tuple[tuple[forward.Normalise, Affine], ...] = (
    (forward.scaled_last, "centred"),
    (forward.scaled_first, "centred"),
    (forward.divided, "centred"),
    (forward.divided_last, "centred"),
    (forward.centred_fused, "centred"),
    (forward.folded, "any"),
    (forward.folded_fused, "any"),
    (forward.normalised, "any"),
)
UPDATES = (forward.by_rest, forward.by_step, forward.by_decay, forward.by_step_back)
TRAIN: tuple[tuple[backward.Backward, Affine], ...] = (
    (backward.closed_form, "centred"),
    (backward.projected, "centred"),
    (backward.staged, "centred"),
    (backward.differentiated, "centred"),
    (backward.differentiated_folded, "any"),
)
ONE_PASS_TRAIN = (*TRAIN, (backward.differentiated_one_pass, "centred"))
EVALUATION: tuple[tuple[backward.Backward, Affine], ...] = (
    (backward.evaluated, "centred"),
    (backward.evaluated_late, "centred"),
    (backward.evaluated_folded, "any"),
)
TOTALS = (sums.sequential, sums.backwards, sums.shuffled, sums.blocked, sums.pairwise, sums.in_double)
MACHINES: tuple[MachineKind, ...] = ("ieee", "flushing", "accelerator")
STATISTICS: tuple[Statistics, ...] = ("float32", "parameter")


def everyone() -> Iterator[Member]:
    """Every combination of moments, sums, affine form, update, backward passes and machine that is sound together."""
    for algorithm, variance, own_sums in ALGORITHMS:
        for total in TOTALS:
            if not (
                own_sums and total is sums.in_double
            ):  # they accumulate in the arithmetic, whatever else does not
                yield from _with(
                    algorithm, total, variance=variance, tree=not own_sums or algorithm is moments.chan
                )


def _with(algorithm: moments.Moments, total: sums.Sum, *, variance: Variance, tree: bool) -> Iterator[Member]:
    train = ONE_PASS_TRAIN if algorithm is moments.one_pass else TRAIN
    for (normalise, affine), update, (training, first), (evaluation, second), machine, statistics in product(
        AFFINE, UPDATES, train, EVALUATION, MACHINES, STATISTICS
    ):
        yield Member(
            total,
            algorithm,
            normalise,
            update,
            training,
            evaluation,
            variance=variance,
            affine=affine,
            gradient="any" if "any" in {first, second} else "centred",
            depth="tree" if tree and total is sums.pairwise else "any",
            clipped="no" if algorithm is moments.unclipped else "yes",
            statistics=statistics,
            machine=machine,
        )


def sample(stride: int) -> tuple[Member, ...]:
    """Every `stride`-th member: a prime stride meets every part, and every pair of parts evenly."""
    return tuple(islice(everyone(), 0, None, stride))
