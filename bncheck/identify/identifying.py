"""From an implementation to its card: every measurement, and the numeric profile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np

from bncheck.errors import LoadError
from bncheck.identify import arithmetic, averages, degenerate, epsilon, estimators, outputs
from bncheck.identify.measurement import Card, Measurement, Sweep
from bncheck.identify.questions import Questions, Unanswered
from bncheck.identify.sweeps import profile
from bncheck.implementation import Implementation
from bncheck.loading import load

Measure = Callable[[Questions], Measurement]

MEASURES: Mapping[str, Measure] = {
    "update": averages.update,
    "momentum": averages.momentum,
    "momentum_none": averages.cumulative,
    "momentum_default": partial(epsilon.default, name="momentum"),
    "running_variance": estimators.running_variance,
    "first_batch": averages.first_batch,
    "training_output": outputs.training_output,
    "eps": partial(epsilon.place, training=True),
    "eps_evaluation": partial(epsilon.place, training=False),
    "eps_storage": epsilon.storage,
    "eps_default": partial(epsilon.default, name="eps"),
    "axes": outputs.axes,
    "untrained": outputs.untrained,
    "affine_terms": outputs.affine,
    "output": outputs.output_dtype,
    "float64": outputs.double,
    "variance": arithmetic.variance,
    "affine": arithmetic.affine,
    "clipped": arithmetic.clipped,
    "repeatable": outputs.repeatable,
    "single": degenerate.single,
    "empty": degenerate.empty,
    "empty_counted": degenerate.empty_counted,
}


# Those that are read from a signature alone.
DEFAULTS = ("eps_default", "momentum_default")
# Those by which the conventions that no law can judge are measured, and what they rest on.
ASKED = (
    "update",
    "running_variance",
    "training_output",
    "eps",
    "eps_evaluation",
    *DEFAULTS,
    "untrained",
    "float64",
)


def identified(implementation: Implementation, *, sweeps: bool = True, dtypes: tuple[str, ...] = ()) -> Card:
    """The card of a loaded target.  `sweeps`: the numeric profile too, in `dtypes`, those offered where empty."""
    offered = implementation.capabilities.dtypes
    chosen = tuple(name for name in offered if not dtypes or name in dtypes)
    questions = Questions(implementation, usual_dtype(implementation, dtypes))
    with np.errstate(all="ignore"):
        measurements = tuple(_measured(questions, name, measure) for name, measure in MEASURES.items())
        found = tuple(_sweeps(questions, chosen)) if sweeps else ()
    return Card(
        implementation.name,
        implementation.adapter.name,
        implementation.device,
        implementation.adapter.versions(),
        measurements,
        found,
        questions.answered,
    )


def _measured(questions: Questions, name: str, measure: Measure) -> Measurement:
    try:
        return measure(questions)
    except Unanswered as reason:
        return Measurement(name, None, f"not measured: {reason}")


def _sweeps(questions: Questions, dtypes: tuple[str, ...]) -> Iterator[Sweep]:
    for dtype in dtypes:
        yield from profile(questions, dtype)


def contradictions(implementation: Implementation) -> tuple[Measurement, ...]:
    """The conventions by which a target is judged and which it was measured not to follow."""
    return tuple(each for each in identified(implementation, sweeps=False).measurements if each.contradicts)


def misdeclared(implementation: Implementation) -> tuple[Measurement, ...]:
    """Of the conventions that are declared and that no law can judge, those that it was measured not to follow."""
    wanted = set(implementation.dialect.measured)
    if not wanted:
        return ()
    asked = DEFAULTS if wanted <= set(DEFAULTS) else ASKED
    questions = Questions(implementation, usual_dtype(implementation, ()))
    with np.errstate(all="ignore"):
        found = [_measured(questions, name, measure) for name, measure in MEASURES.items() if name in asked]
    return tuple(each for each in found if each.contradicts and each.convention in wanted)


def usual_dtype(implementation: Implementation, dtypes: tuple[str, ...]) -> str:
    """float32 where that is among those asked for, which are all that are offered where none is."""
    offered = implementation.capabilities.dtypes
    chosen = tuple(name for name in offered if not dtypes or name in dtypes)
    return "float32" if "float32" in chosen else (*chosen, *offered)[0]


def carded(
    target: str | object,
    *,
    device: str | None = None,
    dialect: Mapping[str, str] = MappingProxyType({}),
    dtypes: tuple[str, ...] = (),
    isolate: bool | None = None,
) -> Card:
    """The card of a target, loaded as for a run; one that cannot be loaded has an error on it.

    Raises UsageError on misuse.
    """
    try:
        implementation = load(target, device=device, dialect=dialect, dtypes=dtypes, isolate=isolate)
    except LoadError as error:
        return Card(target if isinstance(target, str) else repr(target), error=str(error))
    try:
        return identified(implementation, dtypes=dtypes)
    finally:
        implementation.close()
