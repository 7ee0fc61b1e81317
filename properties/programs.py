"""Laws of programs: one layer through a sequence of steps, each judged from the state that it showed before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bncheck.adapter import State
from bncheck.case import Case
from bncheck.comparison import Comparison, Elements, against_truth, same_bits
from bncheck.law import law
from bncheck.model import Situation, moving
from bncheck.regions import PROGRAMS
from bncheck.trial import Trial, shape_of

NEEDS = ("train", "set_statistics", "statistics")
SOURCE = "the state of a layer: Ioffe and Szegedy 2015, Algorithm 2, step by step"
STILL = ("eval", "momentum", "copy", "reload", "move", "wrong", "other", "empty", "single")


def judged(situation: Situation, trial: Trial, *quantities: str) -> Iterator[Comparison]:
    """What a step computed against the exact outcome of the case that it evaluates."""
    case = situation.case
    if case is None:
        return
    limits = trial.bounds(case)
    for name in quantities:
        actual = situation.observation.quantity(name)
        if name in limits:
            exact, shape = trial.exact(case, name), shape_of(name, case)
            found = against_truth(name, actual, exact, limits[name], shape)
            yield replace(found, where=situation.where)


def unchanged(words: str, actual: State, given: State, where: str) -> Iterator[Comparison]:
    """Whether the running statistics are, bit for bit, those given."""
    for name, now, before in (
        ("running_mean", actual.mean, given.mean),
        ("running_var", actual.var, given.var),
    ):
        if before is not None:
            yield replace(same_bits(f"{name}{words}", now, before), where=where)


def of(case: Case, trial: Trial, *actions: str) -> Iterator[Situation]:
    """The steps of these kinds that evaluate something, or change something."""
    return (each for each in trial.situations(case) if each.step.action in actions)


@law("program.output", region=PROGRAMS, source=SOURCE, needs=(*NEEDS, "some_bounds"))
def every_output_follows_from_the_state_before_it(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y of each step, training with and without gradients and evaluation, is that of the batch and of the running
    statistics before the step: no step is computed from what an earlier one left elsewhere.
    """
    for situation in of(case, trial, "train", "eval", "forward", "open"):
        yield from judged(situation, trial, "y")


@law("program.statistics", region=PROGRAMS, source=SOURCE, needs=NEEDS)
def every_training_step_moves_the_statistics_once(case: Case, trial: Trial) -> Iterator[Comparison]:
    """r <- (1 - w) r + w s in each training step, with gradients and without, w the momentum in force or 1 / (batches
    seen): once, from the statistics before the step.  In the backward pass where the dialect declares it.
    """
    for situation in of(case, trial, *moving(case)):
        yield from judged(situation, trial, "running_mean", "running_var")


@law("program.gradients", region=PROGRAMS, source=SOURCE, needs=(*NEEDS, "gradient", "some_train_bounds"))
def every_backward_pass_belongs_to_its_own_forward_pass(case: Case, trial: Trial) -> Iterator[Comparison]:
    """dx, dgamma and dbeta are those of the batch that the forward pass saw, whatever came in between: two forward
    passes then one backward, the backward of an older one, a step in evaluation.
    """
    actions = ("train", "backward", *(("eval",) if trial.capabilities.eval_gradient else ()))
    for situation in of(case, trial, *actions):
        yield from judged(situation, trial, "dx", "dgamma", "dbeta")


@law("program.rest", region=PROGRAMS, source=SOURCE, needs=NEEDS)
def nothing_but_training_moves_the_statistics(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The running statistics are bit for bit those before after an evaluation, a backward pass, a change of momentum, a
    copy, a save and load, a move to float64 and back, a training step of another layer, and a batch that is refused or
    empty; after a forward pass in training, and not after a backward pass, where the dialect declares that they move in
    the latter.
    """
    for situation in of(case, trial, *STILL, *(("forward", "open") if case.backward else ("backward",))):
        yield from unchanged("", situation.observation.state, situation.before, situation.where)


@law(
    "program.counter",
    region=PROGRAMS,
    source="the count that a cumulative average needs",
    needs=(*NEEDS, "counter"),
)
def the_counter_counts_the_training_batches(case: Case, trial: Trial) -> Iterator[Comparison]:
    """batches <- batches + 1 in each training step; 0 after a reset; the same after everything else.

    A batch that is refused or empty may be counted or not, and in either pass where statistics move in the backward one.
    """
    growth: dict[str, int | None] = dict.fromkeys(("reset", "empty", "single", "wrong"))
    growth |= dict.fromkeys(("forward", "open", "backward")) if case.backward else {"forward": 1, "open": 1}
    growth["train"] = 1
    for situation in trial.situations(case):
        before, after = situation.before.batches, situation.observation.state.batches
        more = growth.get(situation.step.action, 0)
        expected = 0 if situation.step.action == "reset" else before if more is None else (before or 0) + more
        if more is None and situation.step.action != "reset":
            continue
        defect = f"the count of batches is {after}, expected {expected}," if after != expected else None
        yield Comparison("batches", Elements(judged=1), defect=defect, where=situation.where)


@law("program.reset", region=PROGRAMS, source="the state of a new layer", needs=(*NEEDS, "reset"))
def a_reset_brings_back_the_statistics_of_a_new_layer(case: Case, trial: Trial) -> Iterator[Comparison]:
    """After a reset the running statistics are, bit for bit, those of a layer that was just made."""
    made = trial.performance(case).made
    for situation in of(case, trial, "reset"):
        yield from unchanged("", situation.observation.state, made, situation.where)


@law("program.copy", region=PROGRAMS, source="a copy is a layer of its own", needs=(*NEEDS, "copy"))
def a_copy_shares_nothing_with_its_original(case: Case, trial: Trial) -> Iterator[Comparison]:
    """A deep copy has the statistics of its original, and what is done to the copy leaves the original alone."""
    yield from _left(case, trial, "copy")


@law("program.reload", region=PROGRAMS, source="a state saved is a state regained", needs=(*NEEDS, "reload"))
def a_saved_state_is_regained_by_a_new_layer(case: Case, trial: Trial) -> Iterator[Comparison]:
    """A new layer that loads what another has saved has its statistics, and leaves the other alone."""
    yield from _left(case, trial, "reload")


def _left(case: Case, trial: Trial, action: str) -> Iterator[Comparison]:
    for situation in of(case, trial, action):
        yield from unchanged("", situation.observation.state, situation.before, situation.where)
        left = situation.observation.left
        if left is not None:
            where = f"at the end of the program, of the layer left behind {situation.where}"
            yield from unchanged(" of the other", left, situation.before, where)


@law("program.move", region=PROGRAMS, source="float64 holds every narrower number", needs=(*NEEDS, "move"))
def a_move_to_float64_and_back_changes_no_bit(case: Case, trial: Trial) -> Iterator[Comparison]:
    """The running statistics after a move to float64 and back are, bit for bit and in dtype, those before."""
    for situation in of(case, trial, "move"):
        yield from unchanged("", situation.observation.state, situation.before, situation.where)


@law(
    "program.refusal",
    region=PROGRAMS,
    source="a layer is made for C channels",
    needs=(*NEEDS, "other_channels"),
)
def a_batch_of_another_number_of_channels_is_refused(case: Case, trial: Trial) -> Iterator[Comparison]:
    """x of C + 1 channels raises, for C >= 2 (one channel may broadcast), and leaves the statistics as they are."""
    for situation in of(case, trial, "wrong"):
        if case.channels < 2:
            continue
        taken = situation.observation.error is None
        words = f"a batch of {case.channels + 1} channels was taken by a layer of {case.channels}"
        yield Comparison("x", Elements(judged=1), defect=words if taken else None, where=situation.where)
        yield from unchanged("", situation.observation.state, situation.before, situation.where)


@law("program.instances", region=PROGRAMS, source="a layer is an object of its own", needs=NEEDS)
def a_second_layer_is_independent(case: Case, trial: Trial) -> Iterator[Comparison]:
    """A second layer computes what a first one would, and its training step leaves the first one's state alone."""
    for situation in of(case, trial, "other"):
        quantities = ("y", "dx", "dgamma", "dbeta") if trial.capabilities.gradient else ("y",)
        yield from judged(situation, trial, *quantities)
        yield from unchanged(" of the first", situation.observation.state, situation.before, situation.where)


@law("program.outputs_stay", region=PROGRAMS, source="a result belongs to its caller", needs=NEEDS)
def an_output_stays_as_it_was_returned(case: Case, trial: Trial) -> Iterator[Comparison]:
    """y of each step is, bit for bit, the same when the program has ended."""
    for situation in trial.situations(case):
        y = situation.observation.y
        if y is not None:
            defect = (
                None
                if situation.observation.kept
                else "y was written into by a later step, after it was returned"
            )
            yield Comparison("y", Elements(judged=y.size), defect=defect, where=situation.where)


PROGRAM_LAWS = (
    every_output_follows_from_the_state_before_it,
    every_training_step_moves_the_statistics_once,
    every_backward_pass_belongs_to_its_own_forward_pass,
    nothing_but_training_moves_the_statistics,
    the_counter_counts_the_training_batches,
    a_reset_brings_back_the_statistics_of_a_new_layer,
    a_copy_shares_nothing_with_its_original,
    a_saved_state_is_regained_by_a_new_layer,
    a_move_to_float64_and_back_changes_no_bit,
    a_batch_of_another_number_of_channels_is_refused,
    a_second_layer_is_independent,
    an_output_stays_as_it_was_returned,
)
