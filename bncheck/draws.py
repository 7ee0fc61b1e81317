"""One value of a Hypothesis strategy from a seed of its own, whatever was drawn before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import StopTest, Unsatisfiable, UnsatisfiedAssumption
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")
# What is tried where filters reject: where they reject nine draws in ten, one value in 38,000 would not be found.
ATTEMPTS = 100
_CONSTANT = "_maybe_draw_constant"


def simplest(strategy: SearchStrategy[Value]) -> Value:
    """The value that Hypothesis finds simplest."""
    return _runs(strategy, 0, 1)[0]


def drawn(strategy: SearchStrategy[Value], number: int) -> Value:
    """The value that the seed `number` gives; raises Unsatisfiable where the strategy rejects all that is tried."""
    return (_drawn_alone if _can_be_alone() else _drawn_in_a_run)(strategy, number)


def _drawn_alone(strategy: SearchStrategy[Value], number: int) -> Value:
    """By one draw of the data that Hypothesis gives its tests, in a third of the time of a run."""
    from hypothesis.control import BuildContext  # noqa: PLC0415  # no release need have them
    from hypothesis.internal.conjecture.data import ConjectureData  # noqa: PLC0415

    random = Random(number)  # noqa: S311  # examples, no secrets
    for _ in range(ATTEMPTS):
        data = ConjectureData(random=random)
        try:
            with BuildContext(data, wrapped_test=_drawn_alone):
                return data.draw(strategy)
        except (StopTest, UnsatisfiedAssumption):
            continue
    raise Unsatisfiable(f"{strategy!r} rejected {ATTEMPTS} draws")


def _drawn_in_a_run(strategy: SearchStrategy[Value], number: int) -> Value:
    """By a run of two examples, the simplest one and another, which uses only what Hypothesis documents.

    A longer run follows each example by some mutations of it: one of 150 examples was measured to hold 61 different x.
    """
    return _runs(strategy, number, 2)[-1]


def _runs(strategy: SearchStrategy[Value], number: int, count: int) -> list[Value]:
    found: list[Value] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )
    @given(strategy)
    def run(value: Value) -> None:
        found.append(value)

    run()
    return found


@cache
def _can_be_alone() -> bool:
    """Whether this release of Hypothesis can be asked so: its inner parts are no promise."""
    try:
        _drawn_alone(st.integers().map(str), 0)
    except Exception:  # noqa: BLE001  # whatever a changed release raises
        return False
    return True


@contextmanager
def constants_of_no_module() -> Iterator[None]:
    """Hypothesis draws, now and then, a constant that it finds in the source of the local modules that are loaded.

    The target's own is one of them, and its examples would not be those of another target.  No setting turns it off.
    """
    own = getattr(HypothesisProvider, _CONSTANT, None)
    if own is None:
        yield
        return
    setattr(HypothesisProvider, _CONSTANT, lambda *_given, **_named: None)
    try:
        yield
    finally:
        setattr(HypothesisProvider, _CONSTANT, own)
