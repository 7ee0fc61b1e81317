"""Questions: chosen cases put to one implementation, and what its answers are nearest to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from bncheck.case import Case, Native, from_channel_major
from bncheck.comparison import defect_of
from bncheck.errors import BncheckError, ImplementationCrashed
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.outcome import Outcome
from bncheck.reference.formats import Array, dtype_of
from bncheck.trial import shape_of

# Once crashes have cost so many starts of the target's process, it is asked nothing more.
RESTARTS = 6
# A guess is taken where the answer is nearer to it than this share of the distance between any two guesses: what
# separates conventions is a percent or more, what rounding and a hidden eps add is far below.
_SHARE = 1 / 8
# Far above what rounding to float32 adds to a formula of a few operations.
RESOLUTION = 2.0**-16
CHANNELS = 3
# Batches that a layer has seen where it counts them, so that what it does on the first one does not show.
SEEN = 3


class Unanswered(Exception):
    """A question got no answer, and why: it is not offered, or the implementation raised."""


class Raised(Unanswered):
    """The implementation raised, or ended its process."""


@dataclass(slots=True)
class Questions:
    """What one implementation is asked.  `dtype`: of x.  `restarts`: what its crashes have cost."""

    implementation: Implementation
    dtype: str
    restarts: int = 0
    answered: int = 0
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """Those of an instance, else three."""
        return self.implementation.capabilities.channels or CHANNELS

    @property
    def ranks(self) -> tuple[int, ...]:
        """Every rank; one where each new shape is compiled."""
        offered = self.implementation.capabilities
        return offered.ranks[:1] if offered.compiles else offered.ranks

    def needs(self, *capabilities: str) -> None:
        """Raise Unanswered where one of them is not offered."""
        for name in capabilities:
            reason = self.implementation.capabilities.why_not(name)
            if reason is not None:
                raise Unanswered(reason)

    def normalises(self) -> None:
        """Raise Unanswered where training does not normalise by the batch, which then hides all else."""
        if str(self.known.get("training_output")).startswith("running"):
            raise Unanswered("training is not normalised by the statistics of the batch")

    def case(
        self, values: Array, *, shape: tuple[int, ...] | None = None, training: bool = True, **changes: Any
    ) -> Case:
        """A case of the same values in every channel, gamma 1, beta 0, running mean 0, running variance 1, momentum 1/4,
        as far as the target can be given it.
        """
        channels, own = self.channels, dtype_of(self.dtype)
        outer = shape or (len(values), channels, *(1,) * (self.implementation.capabilities.ranks[0] - 2))
        vectors = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}
        given: dict[str, Any] = {
            name: self.vector(changes.pop(name) if name in changes else value)
            for name, value in vectors.items()
        }
        rows = np.broadcast_to(values, (channels, len(values)))
        case = Case(
            x=from_channel_major(rows, outer, own),
            dy=None,
            eps=changes.pop("eps", 2.0**-10),
            momentum=changes.pop("momentum", 0.25),
            batches=changes.pop("batches", SEEN if self.implementation.capabilities.counter else 0),
            mode="train" if training else "eval",
            **given,
            **changes,
        )
        return fit(case, self.implementation)

    def vector(self, value: float | None) -> Native | None:
        """One number for every channel."""
        return None if value is None else np.full(self.channels, value).astype(dtype_of(self.dtype))

    def outcome(self, case: Case) -> Outcome:
        """The answer; raises Unanswered where there is none, or its y is not shaped like x."""
        if self.restarts >= RESTARTS:
            raise Unanswered("its process ended too often to go on asking")
        try:
            outcome = self.implementation.evaluate(case)
        except ImplementationCrashed as crash:
            self.restarts += crash.restarts
            raise Raised(str(crash)) from None
        except BncheckError as error:
            raise Raised(str(error)) from None
        defect = defect_of("y", outcome.y, shape_of("y", case))
        if defect is not None:
            raise Unanswered(defect)
        self.answered += 1
        return outcome

    def tracked(self, case: Case) -> Outcome:
        """The answer in the way that moves the statistics: of a forward pass, with the backward one where it takes that."""
        return self.outcome(case.changed(dy=np.ones_like(case.x)) if self.known.get("backward") else case)

    def number(self, array: Native | None) -> float:
        """The first number of an array of the outcome; raises Unanswered where there is none."""
        if array is None or array.size == 0:
            raise Unanswered("it returned no running statistics")
        return float(array.astype(np.float64).flat[0])


def alternating(mean: float, amplitude: float, count: int = 8) -> Array:
    """mean + amplitude and mean - amplitude by turns: their mean is `mean`, their biased variance amplitude squared."""
    return mean + amplitude * np.where(np.arange(count) % 2 == 0, 1.0, -1.0)


def nearest(actual: float, guesses: Mapping[str, float], *, resolution: float = RESOLUTION) -> str | None:
    """The guess that an answer is nearest to; None where it is near to none.

    `resolution`: two guesses that differ by a smaller share of themselves are one, told by the name of the first.
    """
    apart: dict[str, float] = {}
    for name, value in guesses.items():
        if all(abs(value - kept) > resolution * max(abs(value), abs(kept)) for kept in apart.values()):
            apart[name] = value
    gaps = [right - left for left, right in pairwise(sorted(apart.values()))]
    name = min(apart, key=lambda each: abs(apart[each] - actual))
    # NaN is near to none.
    return name if abs(apart[name] - actual) <= _SHARE * min(gaps, default=abs(apart[name])) else None


def number_in_words(value: float) -> str:
    """Seven digits, trailing zeros left out."""
    return f"{value:.7g}"
