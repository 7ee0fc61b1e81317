"""Laws of purity: an evaluation leaves nothing behind but its outcome and the layer's own state."""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case
from bncheck.comparison import Comparison, Elements, compare, same_bits
from bncheck.evaluation import MADE, SHARES
from bncheck.law import law
from bncheck.outcome import QUANTITIES
from bncheck.properties.relation import exactly, sum_of
from bncheck.regions import EVALUATION, TRAINING
from bncheck.surroundings import OBSERVED, ONCE, STANDARD_OUTPUT
from bncheck.trial import Trial, as_rows, shape_of


@law("purity.inputs", region=TRAINING, source="a layer reads its input", needs=("train",))
def inputs_are_left_bitwise_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """x and dy after the call are, bit for bit, what they were before."""
    changed = trial.outcome(case).side_effects
    for name in ("x", "dy") if case.dy is not None else ("x",):
        defect = f"{name} was written into" if name in changed else None
        yield Comparison(name, Elements(judged=case.x.size), defect=defect)


@law(
    "purity.parameters",
    region=TRAINING,
    source="an optimiser changes parameters, a layer does not",
    needs=("train", "parameters"),
)
def parameters_are_left_bitwise_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """gamma and beta as the layer holds them after both passes are, bit for bit, what they were before."""
    changed = trial.outcome(case).side_effects
    for name in ("gamma", "beta") if case.affine and case.dy is not None else ():
        defect = f"{name} was written into" if name in changed else None
        yield Comparison(name, Elements(judged=case.channels), defect=defect)


@law(
    "purity.aliasing",
    region=TRAINING,
    source="who writes into a result does not expect to change an argument",
    needs=("train", "memory"),
)
def results_share_no_memory(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y, dx and the running statistics have no byte in common with x, dy, gamma, beta or with each other.

    dgamma and dbeta are let pass: autograd gives dy itself for dbeta where nothing is summed.
    """
    shared = [effect for effect in trial.outcome(case).side_effects if SHARES in effect]
    for name in MADE if case.dy is not None else ():
        defect = next((effect for effect in shared if effect.startswith(f"{name}{SHARES}")), None)
        yield Comparison(name, Elements(judged=1), defect=defect)


@law(
    "purity.repetition",
    region=TRAINING,
    source="a function of its arguments; a declared exception for sums in a free order",
    needs=("train",),
)
def the_same_case_has_the_same_outcome_again(case: Case, trial: Trial) -> Iterator[Comparison]:
    """A new layer of the same state on the same case gives the same bits, on the CPU and where nothing else is declared.

    Otherwise |once - again| <= 2 E: atomic additions of a GPU have an order of their own each time.
    """
    once, again = trial.outcome(case), trial.again(case)
    for name in QUANTITIES:
        first, second = once.quantity(name), again.quantity(name)
        if first is None:
            continue
        told = same_bits(name, second, first)
        if _is_bitwise(trial) or told.defect is not None or second is None:
            yield told
        elif (limit := trial.bounds(case).get(name)) is not None:
            expected = exactly(trial.rows(case, name))
            yield compare(name, as_rows(second), expected, sum_of(limit, limit), shape_of(name, case))


def _is_bitwise(trial: Trial) -> bool:
    implementation = trial.implementation
    return implementation.device == "cpu" and implementation.dialect.repeatable == "bitwise"


@law(
    "purity.surroundings", region=TRAINING, source="a layer computes and does nothing else", needs=("train",)
)
def surroundings_are_left_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """Global random states, the working directory, the warnings filters, the running threads and standard output are
    what they were.  Filters and threads that change once only, when a library is first used, are let pass.
    """
    changed = trial.outcome(case).side_effects
    if ONCE.intersection(changed):
        again = trial.again(case).side_effects
        changed = tuple(name for name in changed if name not in ONCE or name in again)
    for name in (*OBSERVED, STANDARD_OUTPUT):
        defect = f"{name} changed during the evaluation" if name in changed else None
        yield Comparison(name, Elements(judged=1), defect=defect)


@law(
    "purity.evaluation", region=EVALUATION, source="a layer reads its input", needs=("eval", "set_statistics")
)
def evaluation_leaves_everything_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The same in evaluation: nothing changes but the outcome, which has its own memory."""
    yield from inputs_are_left_bitwise_alone.check(case, trial)
    yield from surroundings_are_left_alone.check(case, trial)
    if trial.capabilities.parameters:
        yield from parameters_are_left_bitwise_alone.check(case, trial)
    if trial.capabilities.memory:
        yield from results_share_no_memory.check(case, trial)


PURITY = (
    inputs_are_left_bitwise_alone,
    parameters_are_left_bitwise_alone,
    results_share_no_memory,
    the_same_case_has_the_same_outcome_again,
    surroundings_are_left_alone,
    evaluation_leaves_everything_alone,
)
