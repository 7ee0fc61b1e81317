"""The dialect: the conventions that an implementation declares, its numeric class among them, and its profile."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from math import isfinite
from typing import Any, Literal, get_args, get_type_hints

from bncheck.errors import UsageError
from bncheck.reference.formats import FLOAT32, FLOAT64, Format
from bncheck.reference.profile import Affine, Depth, Profile, Variance, host_profile

# In units of u: sqrt and division round once each and the root halves nothing; 2 ulp are at most 4 u, one more rounding.
ROUNDED_ROOT, APPROXIMATE_ROOT = 3.0, 5.0
# That these are declared wrongly no law shows, or not of every target: they are measured whenever they are declared.
MEASURED = (
    "update",
    "eps_place",
    "training_output",
    "float64",
    "untrained",
    "eps_default",
    "momentum_default",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Conventions by which a target is judged.

    `momentum`: whether the number given is the weight of the new batch or of the old statistics.
    `running_variance`: the estimator that is tracked; by_rank: biased below rank 4, unbiased from there on.  `variance`, `affine`, `backward`, `depth`: the numeric class
    (see `Profile`).  `statistics`: storage of batch statistics between computation and use, and of the running
    update: at least float32, or the dtype of the parameters.  `inverse_root`: a rounded root and a rounded division,
    or an approximate reciprocal root of up to 2 ulp, as XLA makes of 1 / sqrt on the CPU too.  `clipped`: whether a
    computed variance is never negative.

    `single`: what training does with one value a channel: it raises; y is beta; y is x; or y is NaN.  `empty`: what
    it does with none: it raises; the statistics keep their bits; or they are NaN.  "any": one of these, but the same
    on every entry point.  `empty_counted`: whether a batch without values counts among the batches seen.

    `cotangents`: whether the parts of dx are added in at least float32, or as JAX adds them where x is used more than
    once: each rounded to the dtype of x.  `first_batch`: whether the first batch of a new layer is blended with what it starts from, or replaces it.
    `eps_storage`: whether eps is used as it is given, or rounded to float32.  `output`: whether y is of the dtype of x,
    or of the wider one of those of x and the parameters.  `repeatable`: whether the same call gives the same bits, or
    two results within their bounds.
    """

    momentum: Literal["new", "old"] = "new"
    running_variance: Literal["unbiased", "biased", "by_rank"] = "unbiased"
    variance: Variance = "stable"
    affine: Affine = "any"
    backward: Affine = "any"
    depth: Depth = "any"
    statistics: Literal["float32", "parameter"] = "float32"
    inverse_root: Literal["rounded", "approximate"] = "rounded"
    clipped: Literal["yes", "no"] = "yes"
    single: Literal["any", "raise", "beta", "identity", "nan"] = "any"
    empty: Literal["any", "raise", "keep", "nan"] = "any"
    empty_counted: Literal["any", "yes", "no"] = "any"
    cotangents: Literal["float32", "input"] = "float32"
    first_batch: Literal["blends", "replaces", "debiased"] = "blends"
    update: Literal["forward", "backward"] = "forward"
    eps_storage: Literal["exact", "float32"] = "exact"
    output: Literal["input", "promoted"] = "input"
    repeatable: Literal["bitwise", "bounded"] = "bitwise"
    float64: Literal["honoured", "demoted"] = "honoured"
    eps_place: Literal["inside", "outside"] = "inside"
    training_output: Literal["batch", "running"] = "batch"
    untrained: Literal["any", "statistics_0_1", "statistics_0_0", "batch", "raises", "nan"] = "any"
    eps_default: float | None = None
    momentum_default: float | None = None

    def declared(self, key: str, value: str) -> Dialect:
        """This dialect with one convention declared by its name, as `--dialect key=value` gives it."""
        allowed = _allowed()
        if key not in allowed:
            raise UsageError(f"{key!r} is no convention of a dialect; valid are {', '.join(sorted(allowed))}")
        if float in allowed[key]:
            number: Dialect = replace(self, **{key: _number(key, value)})  # type: ignore[arg-type]  # by its hint
            return number
        if value not in allowed[key]:
            raise UsageError(
                f"{value!r} is not valid for the convention {key!r}; valid are {', '.join(allowed[key])}"
            )
        changed: Dialect = replace(self, **{key: value})  # type: ignore[arg-type]  # checked against the hints above
        return changed

    @property
    def measured(self) -> tuple[str, ...]:
        """The conventions that are declared, and judged by measurement alone."""
        return tuple(name for name in MEASURED if getattr(self, name) != getattr(USUAL, name))

    @property
    def is_usual(self) -> bool:
        """Whether it rules out nothing that a target can be asked."""
        return (
            self.eps_place == "inside"
            and self.training_output == "batch"
            and self.float64 == "honoured"
            and self.first_batch != "debiased"
        )

    def unbounded(self, *, training: bool) -> str | None:
        """Why no bound of y is derived in a mode; None where one is."""
        if self.eps_place == "outside":
            return "the dialect puts eps outside the root, for which no bound of y is derived"
        if training and self.training_output == "running":
            return (
                "the dialect normalises training batches by the running statistics before their update, "
                "for which no bound of y is derived"
            )
        return None

    def biased(self, rank: int) -> bool:
        """Whether the biased variance is tracked of an x of this rank."""
        return self.running_variance == "biased" or (self.running_variance == "by_rank" and rank < 4)

    @lru_cache(maxsize=1024)  # noqa: B019  # frozen and few: a profile is asked for with every comparison
    def profile(self, x: Format, parameters: Format, running: Format, *, device: str = "cpu") -> Profile:
        """The numeric profile of this dialect for a case of these formats on a device."""
        demoted = self.float64 == "demoted" and x == FLOAT64
        if demoted:
            x, parameters, running = FLOAT32, FLOAT32, FLOAT32
        profile = replace(
            host_profile(x, parameters, running),
            inputs=FLOAT32 if demoted else None,
            variance=self.variance,
            affine=self.affine,
            backward=self.backward,
            depth=self.depth,
            rsqrt_error=APPROXIMATE_ROOT if self.inverse_root == "approximate" else ROUNDED_ROOT,
            clipped=self.clipped == "yes",
        )
        if self.cotangents == "input" and x.is_narrower_than(profile.arithmetic):
            profile = replace(profile, cotangents=x)
        if self.statistics == "parameter":
            stored = parameters if parameters.is_narrower_than(profile.arithmetic) else profile.arithmetic
            profile = replace(profile, statistics=stored, update=_narrower(running, profile.arithmetic))
        return profile if device == "cpu" else on_accelerator(profile)


USUAL = Dialect()


@cache
def _allowed() -> dict[str, tuple[Any, ...]]:
    """The values of each convention, or the types of which it is."""
    hints = get_type_hints(Dialect)
    return {field.name: get_args(hints[field.name]) for field in fields(Dialect)}


def _number(key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not (isfinite(number) and number >= 0):
        raise UsageError(f"{value!r} is not valid for the convention {key!r}; valid is a number of 0 or more")
    return number


def usual(dialect: Dialect, device: str) -> Dialect:
    """What a target of this dialect is judged by on a device where nothing is declared.

    On an accelerator the order of a sum, and with it the last bits, may differ from call to call.
    """
    return dialect if device == "cpu" else replace(dialect, repeatable="bounded")


def on_accelerator(profile: Profile) -> Profile:
    """The same claim on a GPU: 2-ulp reciprocal roots and divisions, subnormals flushed, no exact means.

    Source: the CUDA programming guide's table of maximum ulp errors (rsqrtf: 2 ulp; approximate division: 2 ulp).
    """
    return replace(
        profile,
        rsqrt_error=APPROXIMATE_ROOT,
        division_error=APPROXIMATE_ROOT,
        flush_to_zero=True,
        lattice=False,
    )


def _narrower(stored: Format, arithmetic: Format) -> Format:
    return stored if stored.is_narrower_than(arithmetic) else arithmetic
