"""Measurements of the moving average: its weight, when and how often it moves, and how it starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bncheck.adapters.construction import spoken_momentum
from bncheck.batches import batch_of
from bncheck.case import Case
from bncheck.errors import BncheckError
from bncheck.identify.measurement import Measurement
from bncheck.identify.questions import Questions, Unanswered, alternating, nearest, number_in_words
from bncheck.outcome import Outcome
from bncheck.step import Action, Step

NEEDS = ("train", "statistics")
MEAN, AMPLITUDE = 1.0, 2.0
# Behind so many batches the correction of an average for its start at zero is a factor of 1.
_MANY = 2**12


def weight_of(questions: Questions, outcome: Outcome, case: Case) -> float:
    """The weight with which a batch of mean 1 entered the running mean, which was `case.running_mean` or 0."""
    old = 0.0 if case.running_mean is None else questions.number(case.running_mean)
    return (questions.number(outcome.running_mean) - old) / (MEAN - old)


def momentum(questions: Questions) -> Measurement:
    """Whether the number given is the weight of the new batch or of the old statistics."""
    questions.needs(*NEEDS)
    found: list[tuple[str, float, float]] = []
    many = _MANY if questions.implementation.capabilities.counter else 0
    for given in (0.25, 0.125):
        case = questions.case(alternating(MEAN, AMPLITUDE), momentum=given, batches=many)
        if case.momentum is None:
            raise Unanswered("momentum is fixed at None: the cumulative average")
        spoken = spoken_momentum(case.momentum, questions.implementation.dialect)
        assert spoken is not None
        weight = weight_of(questions, questions.tracked(case), case)
        if spoken not in {0.0, 1.0} and (weight == 1.0 or (case.debias is not None and not many)):
            weight = _uncorrected(_second_weight(questions, case), spoken)
        found.append((_name(weight, spoken), spoken, weight))
        if questions.implementation.capabilities.fixed_momentum is not None:
            break
    evidence = "; ".join(
        f"{number_in_words(spoken)} gives the new batch the weight {number_in_words(weight)}"
        for _, spoken, weight in found
    )
    questions.known["weight"] = found[0][2]
    value, kept = _common(found), _kept(questions)
    if kept is not None:
        value, evidence = "no average" if value == "new" else value, f"{evidence}; {kept}"
    return Measurement("momentum", value, evidence, questions.implementation.dialect.momentum)


def _name(weight: float, spoken: float) -> str:
    guesses = {
        "new": spoken,
        "old": 1 - spoken,
        "new, squared": spoken**2,
        "new, doubled": 2 * spoken,
        "ignored: the new batch replaces the old statistics": 1.0,
        "ignored: nothing moves": 0.0,
    }
    return nearest(weight, guesses) or "another"


def _common(found: Sequence[tuple[str, float, float]]) -> str:
    """The name that fits all momenta; a momentum that makes no difference is ignored."""
    names, weights = {name for name, _, _ in found}, [weight for _, _, weight in found]
    if len(weights) > 1 and weights[0] == weights[1] and 0 < weights[0] < 1:
        return f"ignored: the weight is always {number_in_words(weights[0])}"
    return names.pop() if len(names) == 1 else "another"


def _second_weight(questions: Questions, case: Case) -> float:
    """The weight of the second batch of a layer, where the first one replaces the statistics."""
    means = _means(case)
    first, second = _after_two(questions, case)
    return (second - first) / (means[1] - first)


def _uncorrected(second: float, spoken: float) -> float:
    """The weight w of an average that is corrected for its start: its second batch enters by w / (1 - (1 - w)^2)."""
    guesses = {"replaces": spoken, "debiased": 1 / (2 - spoken), "debiased, old": 1 / (1 + spoken)}
    return 2 - 1 / second if str(nearest(second, guesses)).startswith("debiased") else second


def _means(case: Case) -> tuple[float, float]:
    first, second = (float(np.mean(batch_of(case, number)[0].astype(np.float64))) for number in (0, 2))
    return first, second


def _after_two(questions: Questions, case: Case) -> tuple[float, float]:
    """The running mean after one batch and after a second one of twice its mean."""
    action: Action = "train" if questions.known.get("backward") else "forward"
    dy = np.ones_like(case.x) if action == "train" else None
    program = case.changed(dy=dy, batches=0, program=(Step(action), Step(action, batch=2)))
    try:
        observed = questions.implementation.perform(program).observations
    except BncheckError as error:
        raise Unanswered(str(error)) from None
    first, second = (questions.number(each.state.mean) for each in observed)
    return first, second


def _kept(questions: Questions) -> str | None:
    """What the old statistics keep, where that and the weight of the new batch do not make 1."""
    if questions.implementation.capabilities.why_not("set_statistics") is not None:
        return None
    new = questions.case(alternating(MEAN, AMPLITUDE))
    entered = questions.number(questions.tracked(new).running_mean)
    old = questions.case(alternating(0.0, AMPLITUDE), running_mean=4.0)
    kept = questions.number(questions.tracked(old).running_mean) / 4.0
    if nearest(kept + entered, {"one": 1.0, "no": 0.0}) == "one" or not np.isfinite(kept):
        return None
    return (
        f"the new batch enters by {number_in_words(entered)}, the old mean stays by {number_in_words(kept)}"
    )


def cumulative(questions: Questions) -> Measurement:
    """What momentum None does after three batches."""
    questions.needs(*NEEDS, "cumulative")
    case = questions.case(alternating(MEAN, AMPLITUDE), momentum=None, batches=3)
    weight = weight_of(questions, questions.tracked(case), case)
    seen = case.batches
    guesses = {
        "cumulative": 1 / (seen + 1),
        "cumulative, one batch too many": 1 / (seen + 2),
        "an ordinary 0.1": 0.1,
        "nothing moves": 0.0,
    }
    value = nearest(weight, guesses) or f"another: {number_in_words(weight)}"
    return Measurement(
        "momentum_none", value, f"after {seen} batches the next one enters by {number_in_words(weight)}"
    )


def update(questions: Questions) -> Measurement:
    """Whether the statistics move in the forward pass, in the backward pass, or in both."""
    questions.needs(*NEEDS)
    case = questions.case(alternating(MEAN, AMPLITUDE))
    forward = weight_of(questions, questions.outcome(case.changed(backward=False)), case)
    declared = questions.implementation.dialect.update
    if questions.implementation.capabilities.why_not("gradient") is not None:
        value = "forward" if forward else "never"
        evidence = f"a forward pass alone moves them by {number_in_words(forward)}; no gradients"
        return Measurement("update", value, evidence, declared)
    both_case = case.changed(dy=np.ones_like(case.x))
    both = weight_of(questions, questions.outcome(both_case), both_case)
    once, twice = (case.momentum or 1.0), 1 - (1 - (case.momentum or 1.0)) ** 2
    value = _when(forward, both, once=once, twice=twice)
    questions.known["backward"] = value == "backward"
    evidence = f"moved by {number_in_words(forward)} in a forward pass, by {number_in_words(both)} with the backward one"
    return Measurement("update", value, evidence, declared)


def _when(forward: float, both: float, *, once: float, twice: float) -> str:
    if forward == both:
        return (
            "forward, twice"
            if once != twice and nearest(forward, {"": once, "2": twice}) == "2"
            else ("forward" if forward else "never")
        )
    if forward == 0:
        return "backward"
    return "forward without gradients alone" if both == 0 else "forward and again in backward"


def first_batch(questions: Questions) -> Measurement:
    """Whether the first batch of a new layer is blended with what the layer starts from, or replaces it."""
    questions.needs(*NEEDS)
    case = questions.case(alternating(MEAN, AMPLITUDE), running_mean=None, running_var=None)
    # Whatever is declared: a new layer.
    case = case.changed(batches=0)
    if case.momentum is None:
        raise Unanswered("momentum is fixed at None: the cumulative average")
    weight = questions.known.get("weight", case.momentum)
    if weight == 0:
        raise Unanswered("the running mean does not move")
    mean = questions.number(questions.tracked(case).running_mean)
    evidence = f"a new layer's running_mean is {number_in_words(mean)} after one batch of mean 1"
    if mean == MEAN and case.momentum != 1.0:
        value, more = _replaced(questions, case)
        evidence += more
    else:
        value = nearest(mean, {"blends": weight * MEAN, "stays": 0.0}) or "another"
    return Measurement("first_batch", value, evidence, questions.implementation.dialect.first_batch)


def _replaced(questions: Questions, case: Case) -> tuple[str, str]:
    """Replaced, or blended and corrected for the start: told apart by a second batch of another mean."""
    weight = case.momentum or 0.0
    second = _second_weight(questions, case)
    guesses = {
        "replaces": weight,
        "replaces, then the old weighs": 1 - weight,
        "debiased": 1 / (2 - weight),
        "always": 1.0,
    }
    value = nearest(second, guesses) or "replaces"
    return value.partition(",")[0], f", and a second batch enters by {number_in_words(second)}"
