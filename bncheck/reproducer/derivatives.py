"""Derivatives along a direction as they are written down, in torch and in JAX."""

from __future__ import annotations

from collections.abc import Sequence

from bncheck.reproducer.spelling import Lines, indented

# The names of the arrays of a direction of x, gamma and beta; None, or nothing, where it is 0.
Along = Sequence[str | None]
_ZEROS = "materialize_grads=True"
_SECOND = ("second_dy", "second_x", "second_gamma")


def tangent_in_torch(call: Lines, leaves: Sequence[str], along: Along) -> Lines:
    """y of `call`, and its derivative along a direction of the variables `leaves`, in forward mode."""
    moved = {leaf: v for leaf, v in zip(leaves, along, strict=False) if v is not None}
    duals = ", ".join(f"make_dual({leaf}, {v})" for leaf, v in moved.items())
    return [
        "make_dual = torch.autograd.forward_ad.make_dual",
        "with torch.autograd.forward_ad.dual_level():",
        f"    {', '.join(moved)} = {duals}",
        *indented(call),
        "    y, tangent = torch.autograd.forward_ad.unpack_dual(y)",
        "tangent = torch.zeros_like(y) if tangent is None else tangent",
    ]


def second_order_in_torch(call: Lines, leaves: Sequence[str], dy: str, along: Along) -> Lines:
    """What the inner product of the gradients with a direction depends on, by autograd twice."""
    names = ("dx", "dgamma", "dbeta")[: len(leaves)]
    moved = {name: v for name, v in zip(names, along, strict=False) if v is not None}
    wanted = [dy, *leaves[:2]]
    of, to = ", ".join(leaves), ", ".join(wanted)
    outputs, cotangents = ", ".join(moved), ", ".join(moved.values())
    first = f"torch.autograd.grad(y, [{of}], {dy}, create_graph=True, {_ZEROS})"
    return [
        f"for leaf in [{', '.join([dy, *leaves])}]:",
        "    leaf.requires_grad_()",
        *call,
        f"{_several(names)} = {first}",
        f"{', '.join(_SECOND[: len(wanted)])} = torch.autograd.grad([{outputs}], [{to}], [{cotangents}], {_ZEROS})",
    ]


def tangent_in_jax(function: Lines, leaves: Sequence[str], along: Along, *, aux: bool) -> Lines:
    """y and its derivative along a direction; `function`: the lines that define `function` of the leaves, with `aux`."""
    given, kept = (", has_aux=True", ", _") if aux else ("", "")
    return [
        *function,
        f"y, tangent{kept} = jax.jvp(function, ({_several(leaves)}), ({_completed(leaves, along)}){given})",
    ]


def second_order_in_jax(function: Lines, leaves: Sequence[str], dy: str, along: Along, *, aux: bool) -> Lines:
    """The derivatives of the inner product of the gradients with a direction, by jax.vjp of jax.vjp."""
    names = ", ".join(leaves)
    wanted = [*_SECOND[: min(len(leaves), 2) + 1], *("_" for _ in leaves[2:])]
    return [
        *function,
        f"def pulled(dy, {names}):",
        f"    return jax.vjp(function, {names}{', has_aux=True' if aux else ''})[1](dy)",
        f"pull_again = jax.vjp(pulled, {dy}, {names})[1]",
        f"{', '.join(wanted)} = pull_again(({_completed(leaves, along)}))",
    ]


def _completed(leaves: Sequence[str], along: Along) -> str:
    """Zeros for what a direction leaves out."""
    pairs = zip(leaves, along, strict=False)
    return _several([f"jnp.zeros_like({leaf})" if v is None else v for leaf, v in pairs])


def _several(names: Sequence[str]) -> str:
    """The inside of a tuple."""
    return f"{names[0]}," if len(names) == 1 else ", ".join(names)
