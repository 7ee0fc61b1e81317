"""Measurements of eps: where it stands, whether it is the one that was given, and to which digits."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, log2, sqrt

import numpy as np

from bncheck.adapters.defaults import defaults_of
from bncheck.identify.measurement import Measurement
from bncheck.identify.questions import Questions, Unanswered, alternating, nearest, number_in_words
from bncheck.reference.formats import dtype_of

# Far from one another in all that eps may stand in, on a deviation of 1/2.
_GIVEN = (0.625, 3.0)
_COUNT = 8
_OPPOSITE, _SAME = 2.0**-5, 2.0**-6
# The formats of eps are told apart in float64.
_DOUBLE = 2.0**-40


def place(questions: Questions, *, training: bool) -> Measurement:
    """Where eps stands, by y of values a and -a: y = a / sqrt(a^2 + eps) where it stands inside the root."""
    questions.needs(*(("train",) if training else ("eval", "set_statistics")))
    if training:
        questions.normalises()
    fixed = questions.implementation.capabilities.eps
    if fixed == 0:
        raise Unanswered("eps is 0")
    amplitude = 0.5 if fixed is None else 2.0 ** round(log2(sqrt(fixed / 3)))
    found: dict[float, tuple[str | None, float]] = {}
    for eps in _GIVEN if fixed is None else (fixed,):
        y = _shown(questions, amplitude, eps, training=training)
        found[eps] = nearest(y, _guesses(amplitude, eps, training=training)), y
    value = _value(amplitude, found)
    told = ", ".join(f"{number_in_words(y)} at eps {eps:g}" for eps, (_, y) in found.items())
    name = "eps" if training else "eps_evaluation"
    declared = questions.implementation.dialect.eps_place
    return Measurement(name, value, f"deviation {amplitude:g} is normalised to {told}", declared)


def _shown(questions: Questions, amplitude: float, eps: float, *, training: bool) -> float:
    """y of the value at one deviation above the mean 0."""
    case = questions.case(
        alternating(0.0, amplitude, _COUNT), training=training, eps=eps, running_var=amplitude**2
    )
    y = questions.outcome(case).y.astype(np.float64)[:2].reshape(2, -1)[:, 0]
    if not abs(y[0] + y[1]) < _OPPOSITE * abs(y[0]):
        raise Unanswered(f"y of a value and its opposite are {y[0]:.4g} and {y[1]:.4g}, not opposite")
    return float(y[0])


def _guesses(amplitude: float, eps: float, *, training: bool) -> Mapping[str, float]:
    square = amplitude**2
    guesses = {
        "inside the root": amplitude / sqrt(square + eps),
        "outside the root": amplitude / (amplitude + eps),
        "outside the root, as sqrt(eps)": amplitude / (amplitude + sqrt(eps)),
        "a floor of the variance": amplitude / sqrt(max(square, eps)),
        "inside the root, squared": amplitude / sqrt(square + eps**2),
        "inside the root, doubled": amplitude / sqrt(square + 2 * eps),
        "inside, without a root": amplitude / (square + eps),
        "missing": 1.0,
    }
    if training:
        guesses["inside the root, beside the unbiased variance"] = amplitude / sqrt(
            square * _COUNT / (_COUNT - 1) + eps
        )
    return guesses


def _value(amplitude: float, found: Mapping[float, tuple[str | None, float]]) -> str:
    """The one name that fits each eps; else the eps that would explain what was seen inside the root."""
    names = {name for name, _ in found.values()}
    if len(names) == 1 and None not in names:
        return str(names.pop())
    implied = [_implied(amplitude, y) for _, y in found.values()]
    if len(implied) > 1 and abs(implied[0] - implied[1]) < _SAME * implied[0]:
        return f"ignored: {implied[0]:.3g} whatever is given"
    if all(abs(each) < 2.0**-8 * amplitude**2 for each in implied):
        return f"ignored: below {2.0**-8 * amplitude**2:.1g} whatever is given"
    return f"another: y is that of an eps of {', '.join(f'{each:.4g}' for each in implied)} inside the root"


def _implied(amplitude: float, y: float) -> float:
    return amplitude**2 * (1 / y**2 - 1) if y else inf


def storage(questions: Questions) -> Measurement:
    """To which digits eps is kept, where float64 is offered: 0.1 is another number in each format."""
    questions.needs("train", "free_eps")
    questions.normalises()
    if "float64" not in questions.implementation.capabilities.dtypes:
        raise Unanswered("it is not offered in float64, which alone would show it")
    double = Questions(questions.implementation, "float64", questions.restarts)
    given, amplitude = 0.1, 0.25
    implied = _implied(amplitude, _shown(double, amplitude, given, training=True))
    guesses = {"exact": given} | {
        name: float(np.array(given).astype(dtype_of(name))) for name in ("float32", "float16", "bfloat16")
    }
    value = nearest(implied, guesses, resolution=_DOUBLE)
    if value is None:
        raise Unanswered(
            f"an eps of 0.1 acts as {implied:.10g} on float64, which is 0.1 in no format: its float64 is not exact"
        )
    return Measurement(
        "eps_storage",
        value,
        f"an eps of 0.1 acts as {implied:.12g} on float64",
        questions.implementation.dialect.eps_storage,
    )


def default(questions: Questions, name: str) -> Measurement:
    """The default that the signature gives to eps or momentum."""
    told = defaults_of(questions.implementation.adapter)
    if name not in told:
        raise Unanswered("its signature names none")
    dialect = questions.implementation.dialect
    declared = dialect.eps_default if name == "eps" else dialect.momentum_default
    spoken = None if declared is None else repr(declared)
    return Measurement(f"{name}_default", repr(told[name]), "from the signature", spoken)
