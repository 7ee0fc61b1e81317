"""Measurements of the output: over which axes and by which statistics it is normalised, gamma and beta, dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import sqrt

import numpy as np

from bncheck.case import Case, from_channel_major
from bncheck.identify.measurement import Measurement
from bncheck.identify.questions import Questions, Raised, Unanswered, alternating, nearest, number_in_words
from bncheck.recipes import ChannelRecipe, rows
from bncheck.reference.formats import FLOAT32, FORMATS, Array, dtype_of
from bncheck.reference.oracle import solve
from bncheck.trial import as_rows

_AXES = {2: "NC", 3: "NCL", 4: "NCHW", 5: "NCDHW"}
# Inputs whose normalisations over different axes are far apart are told apart by far less.
_CLOSE, _NONE = 2.0**-5, "no choice of axes"
_EXACT, _ROUNDED = 2.0**-40, 2.0**-18


def axes(questions: Questions) -> Measurement:
    """The axes that mean and variance are taken over, by which of all choices the output is that of."""
    questions.needs("train")
    questions.normalises()
    found: dict[int, str] = {}
    for rank in questions.ranks:
        extents = iter(extent for extent in (4, 3, 2, 5, 6) if extent != questions.channels)
        shape = (next(extents), questions.channels, *(next(extents) for _ in range(rank - 2)))
        found[rank] = _axes_of(questions, shape)
    names = set(found.values())
    if names == {_NONE}:
        raise Unanswered("y is that of mean and variance over no choice of axes")
    right = all(name == _AXES[rank].replace("C", "") for rank, name in found.items())
    value = "all but the channels" if right else ", ".join(sorted(names))
    told = ", ".join(f"{name} of {_AXES[rank]}" for rank, name in found.items())
    return Measurement("axes", value, f"mean and variance are taken over {told}")


def _axes_of(questions: Questions, shape: tuple[int, ...]) -> str:
    count = int(np.prod(shape)) // shape[1]
    values = rows(
        tuple(ChannelRecipe("normal", 3.0 * channel, 2.0 + channel, channel) for channel in range(shape[1])),
        count,
        np.dtype(np.float64),
    )
    base = questions.case(values[0], shape=shape)
    x = from_channel_major(values, base.x.shape, base.x.dtype)
    y = questions.outcome(base.changed(x=x)).y.astype(np.float64)
    x = x.astype(np.float64)
    letters, every = _AXES[len(shape)], range(len(shape))
    right = tuple(axis for axis in every if axis != 1)
    for chosen in (right, *(each for size in every for each in combinations(every, size + 1))):
        centred = x - x.mean(chosen, keepdims=True)
        for correction in (0, 1):
            variance = x.var(chosen, keepdims=True, ddof=correction)
            if np.abs(y - centred / np.sqrt(variance + base.eps)).max() < _CLOSE:
                return "".join(letters[axis] for axis in chosen)
    return _NONE


def training_output(questions: Questions) -> Measurement:
    """Which statistics normalise in training: the batch's, or the running ones before or after their update."""
    questions.needs("train")
    settable = questions.implementation.capabilities.why_not("set_statistics") is None
    mean, variance = (8.0, 64.0) if settable else (0.0, 1.0)
    case = questions.case(alternating(1.0, 2.0), running_mean=mean, running_var=variance)
    y = questions.number(questions.outcome(case).y)
    guesses = {"batch": 2 / sqrt(4 + case.eps)}
    guesses["batch, with the unbiased variance"] = 2 / sqrt(32 / 7 + case.eps)
    if case.running_mean is not None:
        weight = float(case.weights()[0])
        moved = (1 - weight) * mean + weight
        guesses["running, before the update"] = (3 - mean) / sqrt(variance + case.eps)
        tracked = 4.0 if questions.known.get("running_variance") == "biased" else 32 / 7
        spread = (1 - weight) * variance + weight * tracked
        guesses["running, after the update"] = (3 - moved) / sqrt(spread + case.eps)
    value = questions.known["training_output"] = nearest(y, guesses) or "another"
    evidence = f"x 3 of a batch of mean 1 and deviation 2 gives {number_in_words(y)}"
    if case.running_mean is not None:
        evidence += f", with running mean {mean:g} and deviation {sqrt(variance):g}"
    declared = questions.implementation.dialect.training_output
    return Measurement("training_output", value, evidence, declared)


def untrained(questions: Questions) -> Measurement:
    """What a layer that was never trained does in evaluation."""
    questions.needs("eval")
    declared = questions.implementation.dialect.untrained
    case = questions.case(alternating(1.0, 2.0), training=False, running_mean=None, running_var=None)
    try:
        y = questions.number(questions.outcome(case).y)
    except Raised as crash:
        return Measurement("untrained", "raises", str(crash), declared)
    guesses = {
        "statistics 0 and 1": 3 / sqrt(1 + case.eps),
        "statistics 0 and 0": 3 / sqrt(case.eps) if case.eps > 0 else np.inf,
        "the batch's statistics": 2 / sqrt(4 + case.eps),
    }
    value = "NaN" if np.isnan(y) else nearest(y, guesses) or "another"
    evidence = f"x 3 of a batch of mean 1 gives {number_in_words(y)}"
    return Measurement("untrained", value, evidence, declared)


def affine(questions: Questions) -> Measurement:
    """How gamma and beta enter, by gamma -3, beta 1/2 and a normalised value of about 1."""
    questions.needs("train", "affine")
    questions.normalises()
    case = questions.case(alternating(0.0, 8.0), gamma=-3.0, beta=0.5)
    y = questions.number(questions.outcome(case).y)
    guesses = {
        "gamma xhat + beta": -2.5,
        "|gamma| xhat + beta": 3.5,
        "(1 + gamma) xhat + beta": -1.5,
        "xhat + beta, without gamma": 1.5,
        "gamma xhat, without beta": -3.0,
        "gamma (xhat + beta)": -4.5,
        "gamma and beta exchanged": -2.75,
        "xhat, without either": 1.0,
    }
    value = nearest(y, guesses) or "another"
    return Measurement("affine_terms", value, f"gamma -3 and beta 1/2 make {number_in_words(y)} of xhat 1")


def output_dtype(questions: Questions) -> Measurement:
    """Whether y is of the dtype of x, or of the wider of those of x and gamma."""
    questions.needs("train")
    found = {label: _dtype_of(questions, case) for label, case in _dtype_cases(questions)}
    if not found:
        raise Unanswered("it answers in no dtype")
    own = all(actual == x for (x, _), actual in found.items())
    wider = all(actual == _wider(x, parameters) for (x, parameters), actual in found.items())
    value = "input" if own else "promoted" if wider else "another"
    told = ", ".join(f"{_pair_in_words(pair)}: {actual}" for pair, actual in found.items())
    return Measurement("output", value, told, questions.implementation.dialect.output)


def _dtype_cases(questions: Questions) -> Iterator[tuple[tuple[str, str], Case]]:
    offered = questions.implementation.capabilities
    for x in offered.dtypes:
        half = FORMATS[x].significand < FLOAT32.significand
        for parameters in (x, "float32") if half and offered.affine else (x,):
            if half and not (offered.uniform if parameters == x else offered.mixed):
                continue
            own = dtype_of(parameters)
            case = questions.case(alternating(1.0, 2.0))
            vectors = ("gamma", "beta", "running_mean", "running_var")
            given = {name: getattr(case, name) for name in vectors}
            yield (
                (x, parameters),
                case.changed(
                    x=case.x.astype(dtype_of(x)),
                    **{name: None if each is None else each.astype(own) for name, each in given.items()},
                ),
            )


def _dtype_of(questions: Questions, case: Case) -> str:
    return str(questions.outcome(case).y.dtype.name)


def _wider(x: str, parameters: str) -> str:
    return max(x, parameters, key=lambda name: FORMATS[name].significand)


def _pair_in_words(pair: tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else f"{pair[0]} x with {pair[1]} parameters"


def double(questions: Questions) -> Measurement:
    """Whether float64 is computed in float64."""
    questions.needs("train")
    if "float64" not in questions.implementation.capabilities.dtypes:
        raise Unanswered("it is not offered in float64")
    asked = Questions(questions.implementation, "float64", questions.restarts)
    case = asked.case(_normal())
    y = asked.outcome(case).y
    error = float(solve(case.problem(), double_double=True).y.error_of(as_rows(y)).max())
    kept = y.dtype == np.float64 and error < _EXACT
    evidence = f"y is {y.dtype.name}, off by at most {error:.2g} deviations"
    if not (kept or error < _ROUNDED):
        raise Unanswered(f"{evidence}: more than rounding to float32 makes")
    declared = questions.implementation.dialect.float64
    return Measurement("float64", "honoured" if kept else "demoted", evidence, declared)


def _normal() -> Array:
    return ChannelRecipe("normal", 0.0, 1.0, 3).values(64, np.dtype(np.float64)).astype(np.float64)


def repeatable(questions: Questions) -> Measurement:
    """Whether the same call gives the same bits."""
    case = questions.case(_normal(), training=questions.implementation.capabilities.train)
    first, second = (questions.outcome(case).y.tobytes() for _ in range(2))
    value = "bitwise" if first == second else "bounded"
    told = "the same bits" if first == second else "other bits"
    return Measurement(
        "repeatable", value, f"a second call gives {told}", questions.implementation.dialect.repeatable
    )
