"""Laws of purity: an evaluation leaves nothing behind but its outcome and the layer's own state."""

from __future__ import annotations

from collections.abc import Iterator

from bncheck.case import Case
from bncheck.comparison import Comparison, Elements
from bncheck.law import law
from bncheck.regions import EVALUATION, TRAINING
from bncheck.surroundings import OBSERVED, ONCE, STANDARD_OUTPUT
from bncheck.trial import Trial


@law("purity.inputs", region=TRAINING, source="a layer reads its input", needs=("train",))
def inputs_are_left_bitwise_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """x and dy after the call are, bit for bit, what they were before."""
    changed = trial.outcome(case).side_effects
    for name in ("x", "dy") if case.dy is not None else ("x",):
        defect = f"{name} was written into" if name in changed else None
        yield Comparison(name, Elements(judged=case.x.size), defect=defect)


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
def evaluation_leaves_inputs_and_surroundings_alone(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The same in evaluation: nothing changes but the outcome."""
    yield from inputs_are_left_bitwise_alone.check(case, trial)
    yield from surroundings_are_left_alone.check(case, trial)


PURITY = (
    inputs_are_left_bitwise_alone,
    surroundings_are_left_alone,
    evaluation_leaves_inputs_and_surroundings_alone,
)
