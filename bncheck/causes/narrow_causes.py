"""Causes in narrow formats: what passes through one on its way, or is computed in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.case import Native
from bncheck.causes.cause import Cause
from bncheck.causes.classes import IN_FLOAT32, UNCLIPPED
from bncheck.causes.made import cause
from bncheck.causes.narrow_arithmetic import (
    arithmetic_in,
    blended,
    moved,
    narrow_affine,
    narrow_moments,
    narrow_sum,
    one_pass_where_narrow,
)
from bncheck.causes.parts import unbiased
from bncheck.planted.numpy_layer import (
    Layer,
    Rows,
    average,
    column,
    squares,
    stored,
    total,
)
from bncheck.reference.formats import dtype_of

# The one with the most digits first: what it explains up to its own error, those with fewer explain too.
NARROW = ("float32", "float16", "bfloat16")


def _through(values: Any, name: str) -> Any:
    return values.astype(dtype_of(name)).astype(values.dtype)


def _demotions(name: str) -> tuple[Cause, ...]:
    """What can pass through a narrow format on its way."""
    words = f"through {name}"
    end = f"through_{name}"

    def read(array: Native, axis: int) -> Rows:
        return Layer().read(_through(array, name) if name != array.dtype.name else array, axis)

    def named(detail: str, what: str, complexity: int = 1, **parts: Any) -> Cause:
        return cause(f"dtype.{detail}_{end}", f"{what} {words}.", complexity, rounds_to=name, **parts)

    return (
        named(
            "output", "The output passes", output=lambda y, x, _made: y.astype(dtype_of(name)).astype(x.dtype)
        ),
        named(
            "output_in_evaluation",
            "In evaluation the output passes",
            2,
            eval_affine=lambda s: _through(s.gamma * s.xhat + s.beta, name),
        ),
        named(
            "output_in_training",
            "In training the output passes",
            2,
            affine=lambda s: _through(s.gamma * s.xhat + s.beta, name),
        ),
        named("input", "x passes", read=read),
        named("input_and_dy", "x and dy pass", 2, read=read, read_dy=lambda dy, _x, axis: read(dy, axis)),
        named(
            "everything",
            "x, gamma, beta and dy pass",
            3,
            read=read,
            read_dy=lambda dy, _x, axis: read(dy, axis),
            parameter=lambda vector, dtype, _x: column(_through(vector, name), dtype),
        ),
        named("xhat", "xhat passes", both=lambda s: s.gamma * _through(s.xhat, name) + s.beta),
        named(
            "xhat_in_training",
            "In training xhat passes",
            2,
            affine=lambda s: s.gamma * _through(s.xhat, name) + s.beta,
        ),
        named(
            "parameters",
            "gamma and beta pass",
            parameter=lambda vector, dtype, _x: column(_through(vector, name), dtype),
        ),
        named(
            "statistics",
            "The statistics of the batch pass",
            moments=lambda _layer, rows, _x, _made: (
                _through(average(rows), name),
                _through(squares(rows, average(rows)), name),
            ),
        ),
        named(
            "statistics_after_the_mean",
            "Mean, then the variance about it, pass",
            2,
            moments=lambda _layer, rows, _x, _made: (
                mean := _through(average(rows), name),
                _through(squares(rows, mean), name),
            ),
        ),
        named("mean", "The mean passes", mean=lambda rows: _through(average(rows), name)),
        named(
            "variance", "The variance passes", variance=lambda rows, mean: _through(squares(rows, mean), name)
        ),
        named(
            "inverse_deviation",
            "The inverse deviation passes",
            inverse=lambda variance, eps: _through(1 / np.sqrt(variance + eps), name),
        ),
        named(
            "running_statistics",
            "The running statistics pass",
            stored=lambda made, which, values: stored(made, which, values.astype(dtype_of(name))),
        ),
        named(
            "tracked_statistics",
            "What the running statistics track passes",
            2,
            tracked_mean=lambda s: _through(s.mean, name),
            tracked=lambda s: _through(unbiased(s.variance, s.rows.shape[1]), name),
        ),
        named(
            "running_mean",
            "The running mean passes",
            2,
            stored=lambda made, which, values: stored(
                made, which, values.astype(dtype_of(name)) if which == "running_mean" else values
            ),
        ),
        named(
            "running_var",
            "The running variance passes",
            2,
            stored=lambda made, which, values: stored(
                made, which, values.astype(dtype_of(name)) if which == "running_var" else values
            ),
        ),
        named(
            "statistics_read",
            "The running statistics are read",
            statistic=lambda vector, dtype, _x: column(_through(vector, name), dtype),
        ),
        cause(
            f"dtype.running_statistics_moved_in_{name}",
            f"The running statistics are moved in {name}.",
            2,
            rounds_to=name,
            blend=lambda old, new, weight: blended(old, new, weight, name),
        ),
        cause(
            f"dtype.running_statistics_moved_by_a_difference_in_{name}",
            f"The running statistics are moved in {name}, by their weighted difference from those of the batch.",
            3,
            rounds_to=name,
            blend=lambda old, new, weight: moved(old, new, weight, name),
        ),
        named("dy", "dy passes", read_dy=lambda dy, _x, axis: Layer().read(_through(dy, name), axis)),
        cause(
            f"gradient_dx.passes_{end}",
            f"dx passes {words}.",
            rounds_to=name,
            dx_output=lambda dx, x: dx.astype(dtype_of(name)).astype(x.dtype),
        ),
        cause(
            f"gradient_dx.xhat_{end}",
            f"dx takes an xhat that passed {words}.",
            2,
            rounds_to=name,
            dx=lambda dy, s: (
                s.gamma
                * s.r
                * (dy - average(dy) - _through(s.xhat, name) * average(dy * _through(s.xhat, name)))
            ),
        ),
        cause(
            f"gradient_dgamma.passes_{end}",
            f"dgamma passes {words}.",
            2,
            rounds_to=name,
            dgamma=lambda dy, s: _through(total(dy * s.xhat), name),
            eval_dgamma=lambda dy, s: _through(total(dy * s.xhat), name),
        ),
        cause(
            f"gradient_dbeta.passes_{end}",
            f"dbeta passes {words}.",
            2,
            rounds_to=name,
            dbeta=lambda dy, _s: _through(total(dy), name),
            eval_dbeta=lambda dy, _s: _through(total(dy), name),
        ),
        cause(
            f"dtype.parameter_gradients_{end}",
            f"dgamma and dbeta pass {words}.",
            3,
            rounds_to=name,
            dgamma=lambda dy, s: _through(total(dy * s.xhat), name),
            eval_dgamma=lambda dy, s: _through(total(dy * s.xhat), name),
            dbeta=lambda dy, _s: _through(total(dy), name),
            eval_dbeta=lambda dy, _s: _through(total(dy), name),
        ),
        cause(
            f"eps.rounded_{end}",
            f"eps passes {words}.",
            3,
            eps=lambda eps, _dtype: float(np.float64(eps).astype(dtype_of(name))),
            eval_eps=lambda eps, _dtype: float(np.float64(eps).astype(dtype_of(name))),
        ),
        cause(
            f"momentum.rounded_{end}",
            f"The momentum passes {words}.",
            3,
            weight=lambda made: float(np.float64(Layer().weight(made)).astype(dtype_of(name))),
        ),
        cause(
            f"momentum.old_weight_rounded_{end}",
            f"The weight of the old statistics passes {words}.",
            3,
            weight=lambda made: 1 - float(np.float64(1 - Layer().weight(made)).astype(dtype_of(name))),
        ),
        cause(
            f"dtype.computed_in_{name}",
            f"Everything is computed in {name}.",
            2,
            narrow=True,
            claims=IN_FLOAT32 if name == "float32" else (),
            arithmetic=lambda x: arithmetic_in(name, x),
        ),
        cause(
            f"dtype.computed_in_{name}_in_one_pass",
            f"Everything is computed in {name}, the variance as mean(x^2) - mean(x)^2.",
            3,
            narrow=True,
            claims=(*IN_FLOAT32, *UNCLIPPED) if name == "float32" else (),
            arithmetic=lambda x: arithmetic_in(name, x),
            moments=lambda layer, rows, x, _made: one_pass_where_narrow(layer, rows, x),
        ),
        cause(
            f"dtype.sums_in_{name}",
            f"The sums over the batch are taken in {name}.",
            2,
            narrow=True,
            moments=lambda _layer, rows, _x, _made: narrow_moments(rows, name),
        ),
        cause(
            f"dtype.forward_in_{name}",
            f"The output is computed in {name}, the statistics in more.",
            2,
            narrow=True,
            both=lambda s: narrow_affine(s, name),
        ),
        cause(
            f"dtype.gradient_sums_in_{name}",
            f"The sums of the backward pass are taken in {name}.",
            3,
            narrow=True,
            dgamma=lambda dy, s: narrow_sum(dy * s.xhat, name),
            dbeta=lambda dy, _s: narrow_sum(dy, name),
            eval_dgamma=lambda dy, s: narrow_sum(dy * s.xhat, name),
            eval_dbeta=lambda dy, _s: narrow_sum(dy, name),
            dx=lambda dy, s: (
                s.gamma
                * s.r
                * (
                    dy
                    - narrow_sum(dy, name) / dy.shape[1]
                    - s.xhat * narrow_sum(dy * s.xhat, name) / dy.shape[1]
                )
            ),
        ),
    )


NARROW_CAUSES = tuple(each for name in NARROW for each in _demotions(name))
