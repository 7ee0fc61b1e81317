"""The roundings on the way to tangents and second derivatives, counted in what JAX makes of the composed forms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bncheck.reference.derivative_bounds import AFTER, AGAIN, IN_SUM

if TYPE_CHECKING:
    import jax
    import jax.numpy as jnp
    from jax.extend import core
else:
    jax = pytest.importorskip("jax")
    jnp = pytest.importorskip("jax.numpy")
    core = pytest.importorskip("jax.extend.core")

SHAPE, EPS = (8, 3), 1e-3
# Of x, mean, variance + eps, gamma and beta.
FORMS: dict[str, Callable[..., Any]] = {
    "centred": lambda x, mean, w, g, b: (x - mean) * jax.lax.rsqrt(w) * g + b,
    "reciprocal": lambda x, mean, w, g, b: (x - mean) * (1 / jnp.sqrt(w)) * g + b,
    "divided": lambda x, mean, w, g, b: (x - mean) / jnp.sqrt(w) * g + b,
    "divided last": lambda x, mean, w, g, b: (g * (x - mean)) / jnp.sqrt(w) + b,
    "power": lambda x, mean, w, g, b: (g * (x - mean)) * w**-0.5 + b,
    "folded": lambda x, mean, w, g, b: x * (g * jax.lax.rsqrt(w)) + (b - mean * (g * jax.lax.rsqrt(w))),
    "folded, divided": lambda x, mean, w, g, b: x * (g / jnp.sqrt(w)) + (b - mean * (g / jnp.sqrt(w))),
    "normalised": lambda x, mean, w, g, b: (x / jnp.sqrt(w) - mean / jnp.sqrt(w)) * g + b,
}
ROUNDED = {"mul", "div", "add", "sub", "add_any", "integer_pow", "square"}
# A mean is divided by m, which c_div counts, in the bound of p, and K1 in that of q: two roundings.
DIVISION = 2


class Carried(NamedTuple):
    """`roundings`: since the sums of elements.  `moving`: whether it depends on dy, v or a tangent, `summed`: and was
    summed.  `statistic`: a sum over m, or one plus eps.  `constant`: a number of the code.
    """

    roundings: int = 0
    moving: bool = False
    summed: bool = False
    statistic: bool = False
    constant: bool = False


def counted(jaxpr: Any, given: Iterable[Carried], in_sums: list[Carried]) -> list[Carried]:
    """What the results carry; what each sum of a moving term carries is added to `in_sums`."""
    known = dict(zip(jaxpr.invars, given, strict=True))

    def carried(atom: Any) -> Carried:
        return Carried(constant=True) if isinstance(atom, core.Literal) else known[atom]

    for each in jaxpr.eqns:
        inputs = [carried(atom) for atom in each.invars]
        inner = each.params.get("jaxpr") or each.params.get("call_jaxpr")
        if inner is not None:
            results = counted(getattr(inner, "jaxpr", inner), inputs, in_sums)
        else:
            results = [_after(each, inputs, in_sums)] * len(each.outvars)
        known.update(zip(each.outvars, results, strict=True))
    return [carried(atom) for atom in jaxpr.outvars]


def _after(equation: Any, inputs: list[Carried], in_sums: list[Carried]) -> Carried:
    name = equation.primitive.name
    moving, summed = any(each.moving for each in inputs), any(each.summed for each in inputs)
    statistic = any(each.statistic for each in inputs)
    constant = all(each.constant for each in inputs)
    most = max((each.roundings for each in inputs), default=0)
    if name == "reduce_sum":
        if moving:
            in_sums.append(inputs[0])
        return Carried(most if summed else 0, moving, moving, statistic=True)
    if name in ("rsqrt", "sqrt", "pow"):
        return Carried(0, moving, summed)
    by_constant = len(inputs) == 2 and any(each.constant for each in inputs)
    if name not in ROUNDED or (by_constant and (statistic or _is_power_of_two(equation))):
        return Carried(most, moving, summed, statistic, constant)
    if name == "sub" and not moving and equation.outvars[0].aval.shape == SHAPE:
        return Carried(most)  # x - mean, which has an error of its own
    if name in ("add", "sub", "add_any"):
        return Carried(most + 1, moving, summed, constant=constant)
    if name in ("integer_pow", "square"):
        power = equation.params.get("y", 2)
        product = abs(power) * most + abs(power) - (power > 0)  # one more for the reciprocal
    else:
        product = sum(each.roundings for each in inputs) + 1
    return Carried(product, moving, summed, constant=constant)


def _is_power_of_two(equation: Any) -> bool:
    """Whether a product with a constant is exact."""
    constants = [float(atom.val) for atom in equation.invars if isinstance(atom, core.Literal)]
    return equation.primitive.name == "mul" and any(abs(each) in (0.25, 0.5, 1.0, 2.0) for each in constants)


def layer(form: Callable[..., Any], *, one_pass: bool) -> Callable[..., Any]:
    """A training pass of a form."""

    def called(x: Any, gamma: Any) -> Any:
        count = x.shape[0]
        mean = jnp.sum(x, 0) / count
        centred = x - mean
        variance = jnp.sum(centred * centred, 0) / count
        if one_pass:
            variance = jnp.sum(x * x, 0) / count - mean * mean
        return form(x, mean, variance + EPS, gamma, gamma)

    return called


@pytest.mark.parametrize("one_pass", [False, True])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_no_way_has_more_roundings_than_the_bounds_allow(form: Callable[..., Any], one_pass: bool) -> None:  # noqa: FBT001
    function = layer(form, one_pass=one_pass)
    x, gamma = jnp.ones(SHAPE), jnp.ones(SHAPE[1])
    in_sums: list[Carried] = []
    still, moving = Carried(), Carried(moving=True)

    def along(x: Any, gamma: Any, t: Any) -> Any:
        return jax.jvp(lambda x: function(x, gamma), (x,), (t,))[1]

    def gradients(dy: Any, x: Any, gamma: Any) -> Any:
        return jax.vjp(function, x, gamma)[1](dy)

    def twice(dy: Any, x: Any, gamma: Any, v: Any) -> Any:
        return jax.vjp(gradients, dy, x, gamma)[1]((v, jnp.zeros_like(gamma)))

    (tangent,) = counted(jax.make_jaxpr(along)(x, gamma, x).jaxpr, [still, still, moving], in_sums)
    closed = jax.make_jaxpr(twice)(x, x, gamma, x)
    of_dy, of_x, of_gamma = counted(closed.jaxpr, [moving, still, still, moving], in_sums)

    assert max(each.roundings for each in in_sums if not each.summed) + DIVISION <= IN_SUM
    assert max(each.roundings for each in in_sums) <= AGAIN
    assert 0 < max(tangent.roundings, of_dy.roundings) <= AFTER
    assert 0 < max(of_x.roundings, of_gamma.roundings) <= AGAIN
