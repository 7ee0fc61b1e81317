"""The numeric profile: what an implementation claims about its arithmetic, and what a bound is derived for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .formats import FLOAT32, Format, at_least_float32

Variance = Literal["two_pass", "stable", "one_pass"]
Affine = Literal["centred", "any"]
Depth = Literal["any", "tree"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Formats of every role that real code separates, and the class of the algorithm.

    `arithmetic`: elementwise operations; `accumulator`: the sums; `statistics`: storage of the batch mean and the
    inverse standard deviation between their computation and their use; `update`: arithmetic of the running update;
    `running`: storage of the running statistics; `output`: y and dx; `parameters`: dgamma and dbeta.

    `variance`: "two_pass" is mean((x - mean)^2), "stable" is two-pass or Welford or Chan, "one_pass" is any of them
    or mean(x^2) - mean(x)^2; `clipped` says that a computed variance is never negative.
    `affine`: "centred" is (x - mean) * r, "any" also the folded a * x + b.  `backward`: "centred" sums
    dy * (x - mean), "any" also what automatic differentiation of the folded form does: sum(dy * x) - mean * sum(dy).
    `depth`: accumulator roundings on the worst path of a sum of m numbers, "any" m - 1, "tree" ceil(log2 m).
    `rsqrt_error` and `division_error` in units of u; `lattice`: sums that are exact in every order are taken as
    exact, which needs correctly rounded division; `cotangents`: storage of partial cotangents before they are added.
    `inputs`: what every array is rounded to before anything is computed, None where it is used as it is given.
    """

    arithmetic: Format = FLOAT32
    accumulator: Format = FLOAT32
    statistics: Format = FLOAT32
    update: Format = FLOAT32
    running: Format = FLOAT32
    output: Format = FLOAT32
    parameters: Format = FLOAT32
    variance: Variance = "stable"
    clipped: bool = True
    affine: Affine = "any"
    backward: Affine = "any"
    depth: Depth = "any"
    rsqrt_error: float = 3.0
    division_error: float = 2.0
    flush_to_zero: bool = True
    lattice: bool = True
    cotangents: Format | None = None
    inputs: Format | None = None


def host_profile(x: Format, parameters: Format, running: Format) -> Profile:
    """The default claim on a CPU: everything is computed in at least float32, outputs are rounded to their dtype."""
    arithmetic = at_least_float32(x)
    return Profile(
        arithmetic=arithmetic,
        accumulator=arithmetic,
        statistics=arithmetic,
        update=arithmetic,
        running=running,
        output=x,
        parameters=parameters,
    )
