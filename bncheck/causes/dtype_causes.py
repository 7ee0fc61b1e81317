"""Causes in dtypes: arrays that pass through too narrow a format or are computed in one, and those of a wrong dtype."""

from __future__ import annotations

import numpy as np

from bncheck.causes.made import cause
from bncheck.causes.narrow_causes import NARROW_CAUSES

DTYPE_CAUSES = (
    *NARROW_CAUSES,
    cause(
        "dtype.output_in_float64", "The output is float64.", output=lambda y, _x, _made: y.astype(np.float64)
    ),
    cause(
        "dtype.output_in_float32", "The output is float32.", output=lambda y, _x, _made: y.astype(np.float32)
    ),
    cause("dtype.dx_in_float64", "dx is float64.", dx_output=lambda dx, _x: dx.astype(np.float64)),
    cause("dtype.dx_in_float32", "dx is float32.", dx_output=lambda dx, _x: dx.astype(np.float32)),
    cause(
        "dtype.outputs_in_float32",
        "The output and dx are float32.",
        output=lambda y, _x, _made: y.astype(np.float32),
        dx_output=lambda dx, _x: dx.astype(np.float32),
    ),
    cause(
        "dtype.outputs_in_float64",
        "The output and dx are float64.",
        output=lambda y, _x, _made: y.astype(np.float64),
        dx_output=lambda dx, _x: dx.astype(np.float64),
    ),
    cause(
        "dtype.output_rounded_to_integers",
        "The output is rounded to integers.",
        output=lambda y, x, _made: np.rint(y).astype(x.dtype),
    ),
)
