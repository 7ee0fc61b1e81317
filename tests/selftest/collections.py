"""Collections of a few bugs, sound variants and laws, by functions that a process of its own can import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bncheck.adapter import State
from bncheck.lanes import Collection
from bncheck.planted.bug import Bug, Sound
from bncheck.planted.numpy_adapter import layer
from bncheck.planted.numpy_layer import Rows, average, total
from bncheck.properties.catalogue import CATALOGUE

STATE = State(np.zeros(1), np.ones(1))
LAWS = {law.id: law for law in CATALOGUE}


def _one_pass(rows: Rows, mean: Rows) -> Rows:
    return np.asarray(average(rows * rows) - mean * mean)


def bug(name: str, **parts: Callable[..., object]) -> Bug:
    """A bug in the parts of a layer."""
    return Bug(f"test.{name}", f"The {name} is wrong.", "tests", "none", layer(**parts))  # type: ignore[arg-type]  # parts alone


BIASED = bug("estimator", tracked=lambda s: s.variance)
NEGATED = bug("dbeta", dbeta=lambda dy, _s: -total(dy))
HARMLESS = bug("nothing")
ONE_PASS = bug("digits", variance=_one_pass)
RAISES = bug("call", inverse=lambda _variance, _eps: 1 / 0)
TWO_PASS = Sound("sound.two_pass", "Nothing.", layer())
BROKEN = Sound("sound.broken", "It is not sound.", layer(eval_eps=lambda _eps, _dtype: 0.5))


def collection(
    *bugs: Bug, sound: tuple[Sound, ...] = (TWO_PASS,), laws: tuple[str, ...] = ("statistics.variance",)
) -> Collection:
    """Some bugs against some laws."""
    return Collection(bugs, sound, tuple(LAWS[name] for name in laws))


def passing() -> Collection:
    """Two bugs and two laws, each of which kills one."""
    return collection(BIASED, NEGATED, laws=("statistics.variance", "gradient.dbeta"))


def surviving() -> Collection:
    """A bug that is none."""
    return collection(BIASED, HARMLESS)


def idle() -> Collection:
    """A law that nothing is wrong for."""
    return collection(BIASED, laws=("statistics.variance", "forward.output"))


def idle_beside_a_slow_variant() -> Collection:
    """The same, beside a sound variant that is not judged because it takes too long."""
    return collection(
        BIASED, sound=(TWO_PASS, replace(BROKEN, slow=True)), laws=("statistics.variance", "forward.output")
    )


def rejecting() -> Collection:
    """A variant that is not sound."""
    return collection(BIASED, sound=(TWO_PASS, BROKEN), laws=("statistics.variance", "evaluation.output"))


def unstable() -> Collection:
    """A bug of digits that is said to be a wrong formula."""
    return collection(BIASED, ONE_PASS, laws=("statistics.variance",))


def crashing() -> Collection:
    """A bug that raises whatever is asked of it, which is no merit of the laws that it raises under."""
    return collection(BIASED, RAISES, laws=("statistics.variance", "statistics.mean"))
