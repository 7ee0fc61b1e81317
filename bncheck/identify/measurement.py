"""A measurement: one convention, the value that was found, and the evidence for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bncheck.dialect import Dialect
from bncheck.errors import UsageError

# The conventions of measurements that have another name, and their words for what is measured.
_CONVENTIONS: Mapping[str, str] = {"eps": "eps_place", "eps_evaluation": "eps_place"}
_SPOKEN: Mapping[tuple[str, str], str] = {
    ("affine", "folded"): "any",
    ("eps_place", "inside the root"): "inside",
    ("eps_place", "outside the root"): "outside",
    ("training_output", "running, before the update"): "running",
    ("untrained", "statistics 0 and 1"): "statistics_0_1",
    ("untrained", "statistics 0 and 0"): "statistics_0_0",
    ("untrained", "the batch's statistics"): "batch",
    ("untrained", "NaN"): "nan",
}
# Of conventions whose values are ordered, the values that are at least as good as the one declared.
_STRONGER: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("variance", "stable"): ("two_pass",),
    ("variance", "one_pass"): ("two_pass", "stable"),
    ("affine", "any"): ("centred", "folded"),
    ("clipped", "no"): ("yes",),
    ("repeatable", "bounded"): ("bitwise",),
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """`name`: what was asked.  `value`: what was found, None where it could not be measured, which `evidence` explains.

    `declared`: what the dialect of the target says of it, None where a dialect or this one does not.
    """

    name: str
    value: str | None
    evidence: str
    declared: str | None = None

    @property
    def convention(self) -> str:
        """The name of the convention in a dialect."""
        return _CONVENTIONS.get(self.name, self.name)

    @property
    def spoken(self) -> str:
        """What was found, in the words of a dialect where it has any for it."""
        return _SPOKEN.get((self.convention, str(self.value)), str(self.value))

    @property
    def contradicts(self) -> bool:
        """Whether the target is judged by another value than the one that was found."""
        if self.value is None or self.declared in {None, "any", self.value, self.spoken}:
            return False
        return self.value not in _STRONGER.get((self.name, str(self.declared)), ())

    @property
    def declaration(self) -> str | None:
        """The value that the target would have to declare; None where a dialect has no word for it."""
        try:
            Dialect().declared(self.convention, self.spoken)
        except UsageError:
            return None
        return self.spoken

    def contradiction(self) -> str:
        """`declared running_variance=biased, measured unbiased (ratio to the biased one 1.142857 = 8/7 at m = 8)`.

        What nobody declares is judged by the default, and can be declared.
        """
        # "any" would be the word for what is no better than another value.
        told = self.value if self.spoken == "any" else self.spoken
        words = f"{self.convention}={self.declared}, measured {told} ({self.evidence})"
        if self.declared != getattr(Dialect(), self.convention):
            return f"declared {words}"
        hint = (
            ""
            if self.declaration is None
            else f"; to be judged by that: --dialect {self.convention}={self.declaration}"
        )
        return f"judged by {words}{hint}"

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "value": self.value,
            "evidence": self.evidence,
            "declared": self.declared,
            "contradicts": self.contradicts,
        }


@dataclass(frozen=True, slots=True)
class Point:
    """`at`: the parameter.  `ratio`: the largest error over its bound, None where no element was inside the domain.

    `lost`: whether y is off by half a deviation or more, or is no number.
    """

    at: float
    ratio: float | None
    lost: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """The error of y over its bound while one parameter of the input goes over its range, and all else stays.

    `name`: offset, length, eps or scale.  `base`: the points are powers of it.
    """

    name: str
    dtype: str
    base: int
    points: tuple[Point, ...]

    @property
    def worst(self) -> Point | None:
        """The point of the largest ratio; None where nothing was judged."""
        judged = [point for point in self.points if point.ratio is not None]
        return max(judged, key=lambda point: point.ratio or 0.0, default=None)

    @property
    def breakdown(self) -> float | None:
        """Where the parameter is smallest among those at which y is lost; None where it never is."""
        return next((point.at for point in self.points if point.lost), None)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "dtype": self.dtype,
            "points": [{"at": each.at, "ratio": each.ratio, "lost": each.lost} for each in self.points],
            "breakdown": self.breakdown,
        }


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that was measured of one target; `error` where it could not be loaded.  `answers`: to how many probes."""

    target: str
    adapter: str | None = None
    device: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    measurements: tuple[Measurement, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    answers: int = 0
    error: str | None = None

    def value(self, name: str) -> str | None:
        """What was found for a convention, None where it was not measured."""
        found = self.of(name)
        return None if found is None else found.value

    def of(self, name: str) -> Measurement | None:
        """The measurement of a convention, None where none was made."""
        return next((each for each in self.measurements if each.name == name), None)

    @property
    def crashed(self) -> bool:
        """Whether it answered none of the probes."""
        return self.error is None and self.answers == 0

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "target": self.target,
            "adapter": self.adapter,
            "device": self.device,
            "error": self.error,
            "versions": dict(self.versions),
            "measurements": [each.as_json() for each in self.measurements],
            "sweeps": [each.as_json() for each in self.sweeps],
        }
