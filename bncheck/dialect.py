"""The dialect: the conventions that an implementation declares, its numeric class among them, and its profile."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Literal, get_args, get_type_hints

from bncheck.errors import UsageError
from bncheck.reference.formats import Format
from bncheck.reference.profile import Affine, Depth, Profile, Variance, host_profile

# In units of u: sqrt and division round once each and the root halves nothing; 2 ulp are at most 4 u, one more rounding.
ROUNDED_ROOT, APPROXIMATE_ROOT = 3.0, 5.0


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
    first_batch: Literal["blends", "replaces"] = "blends"
    eps_storage: Literal["exact", "float32"] = "exact"
    output: Literal["input", "promoted"] = "input"
    repeatable: Literal["bitwise", "bounded"] = "bitwise"

    def declared(self, key: str, value: str) -> Dialect:
        """This dialect with one convention declared by its name, as `--dialect key=value` gives it."""
        allowed = {field.name: get_args(get_type_hints(Dialect)[field.name]) for field in fields(self)}
        if key not in allowed:
            raise UsageError(f"{key!r} is no convention of a dialect; valid are {', '.join(sorted(allowed))}")
        if value not in allowed[key]:
            raise UsageError(
                f"{value!r} is not valid for the convention {key!r}; valid are {', '.join(allowed[key])}"
            )
        changed: Dialect = replace(self, **{key: value})  # type: ignore[arg-type]  # checked against the hints above
        return changed

    def biased(self, rank: int) -> bool:
        """Whether the biased variance is tracked of an x of this rank."""
        return self.running_variance == "biased" or (self.running_variance == "by_rank" and rank < 4)

    @lru_cache(maxsize=1024)  # noqa: B019  # frozen and few: a profile is asked for with every comparison
    def profile(self, x: Format, parameters: Format, running: Format, *, device: str = "cpu") -> Profile:
        """The numeric profile of this dialect for a case of these formats on a device."""
        profile = replace(
            host_profile(x, parameters, running),
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
