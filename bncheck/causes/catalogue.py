"""The library of causes: those that planted bugs in NumPy are, and those that only stand here."""

from __future__ import annotations

from bncheck.causes.affine_causes import AFFINE_CAUSES
from bncheck.causes.axes_causes import AXES_CAUSES
from bncheck.causes.cause import Cause, Claims
from bncheck.causes.classes import ONE_PASS, UNCLIPPED
from bncheck.causes.dtype_causes import DTYPE_CAUSES
from bncheck.causes.dx_causes import DX_CAUSES
from bncheck.causes.dx_in_both_modes import DX_IN_BOTH_MODES
from bncheck.causes.eps_causes import EPS_CAUSES
from bncheck.causes.inferred import MEASURED_CAUSES
from bncheck.causes.layout_causes import LAYOUT_CAUSES
from bncheck.causes.made import of_bug
from bncheck.causes.mode_causes import MODE_CAUSES
from bncheck.causes.moment_causes import MEAN_CAUSES, VARIANCE_CAUSES
from bncheck.causes.momentum_causes import MOMENTUM_CAUSES
from bncheck.causes.parameter_causes import PARAMETER_CAUSES
from bncheck.causes.refusal_causes import REFUSALS
from bncheck.causes.running_causes import RUNNING_CAUSES
from bncheck.causes.second_order_causes import SECOND_ORDER_CAUSES
from bncheck.causes.special_causes import NUMERICS_CAUSES, SPECIAL_CAUSES
from bncheck.causes.state_causes import STATE_CAUSES
from bncheck.planted.affine_bugs import AFFINE_BUGS
from bncheck.planted.algorithm_bugs import ALGORITHM_BUGS
from bncheck.planted.epsilon_bugs import EPSILON_BUGS
from bncheck.planted.gradient_bugs import GRADIENT_BUGS
from bncheck.planted.layout_bugs import LAYOUT_BUGS
from bncheck.planted.mode_bugs import MODE_BUGS
from bncheck.planted.momentum_bugs import MOMENTUM_BUGS
from bncheck.planted.precision_bugs import PRECISION_BUGS
from bncheck.planted.second_order_bugs import SECOND_ORDER_BUGS
from bncheck.planted.shard_bugs import SHARD_BUGS
from bncheck.planted.size_bugs import SIZE_BUGS
from bncheck.planted.special_bugs import SPECIAL_BUGS
from bncheck.planted.state_bugs import STATE_BUGS
from bncheck.planted.variance_bugs import VARIANCE_BUGS

# Said better without a dialect that is declared wrongly: `running_var.unbiased`.
_WITH_A_DIALECT = ("running_var.unbiased_against_its_dialect",)
# What is wrong most often comes before what gives the same numbers on the rank or the size that is looked at.
_USUAL = (
    "running_var.biased",
    "variance.unbiased",
    "momentum.swapped",
    "eps.outside_the_root",
    "eps.missing",
    "numerics.one_pass",
    "numerics.one_pass_unclipped",
)
_NARROW = (
    "dtype.half_in_half",
    "dtype.sums_in_half",
    "dtype.float64_in_float32",
    "numerics.one_pass_in_half",
    "gradient_dx.sums_in_half",
    "dtype.half_without_gamma",
    "numerics.squares_overflow_in_half",
)
# The class that an implementation with the bug is of.
_CLAIMS: dict[str, Claims] = {"numerics.one_pass": ONE_PASS, "numerics.one_pass_unclipped": UNCLIPPED}

PLANTED: tuple[Cause, ...] = tuple(
    of_bug(
        bug,
        complexity=1 if bug.id in _USUAL else 2,
        narrow=bug.id in _NARROW,
        claims=_CLAIMS.get(bug.id, ()),
    )
    for bug in (
        *MOMENTUM_BUGS,
        *VARIANCE_BUGS,
        *EPSILON_BUGS,
        *ALGORITHM_BUGS,
        *GRADIENT_BUGS,
        *MODE_BUGS,
        *STATE_BUGS,
        *LAYOUT_BUGS,
        *PRECISION_BUGS,
        *SIZE_BUGS,
        *SHARD_BUGS,
        *AFFINE_BUGS,
        *SPECIAL_BUGS,
        *SECOND_ORDER_BUGS,
    )
    # What a bug in another framework does is said of the one that it carries over.
    if bug.id not in _WITH_A_DIALECT and bug.port_of is None
)
CAUSES: tuple[Cause, ...] = (
    *EPS_CAUSES,
    *VARIANCE_CAUSES,
    *MEAN_CAUSES,
    *AXES_CAUSES,
    *LAYOUT_CAUSES,
    *MOMENTUM_CAUSES,
    *RUNNING_CAUSES,
    *MODE_CAUSES,
    *STATE_CAUSES,
    *AFFINE_CAUSES,
    *DX_CAUSES,
    *DX_IN_BOTH_MODES,
    *PARAMETER_CAUSES,
    *DTYPE_CAUSES,
    *NUMERICS_CAUSES,
    *SPECIAL_CAUSES,
    *REFUSALS,
    *SECOND_ORDER_CAUSES,
    *MEASURED_CAUSES,
    *PLANTED,
)
