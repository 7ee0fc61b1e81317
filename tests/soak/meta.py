"""torch's own layers on its meta device, which computes shapes and dtypes alone, against the same layers on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from bncheck.case import Case
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.outcome import QUANTITIES

Looks = tuple[tuple[int, ...], str] | None


def differences(implementation: Implementation, layer: str, case: Case) -> Iterator[str | None]:
    """For each quantity that the CPU gives: None where shape and dtype are the same, else what differs."""
    fitted = fit(case, implementation)
    outcome, there = implementation.evaluate(fitted), on_meta(layer, fitted)
    for name in QUANTITIES:
        array = outcome.quantity(name)
        if array is not None:
            here: Looks = array.shape, array.dtype.name
            yield None if here == there[name] else f"{name} is {there[name]} on meta, {here} on the CPU"


def on_meta(layer: str, case: Case) -> dict[str, Looks]:
    """Shape and dtype of every quantity of a case on the meta device."""
    torch: Any = import_module("torch")
    own = case.x if case.running_mean is None else case.running_mean
    # The cumulative average reads a number of batches, and on meta there is none.
    module = getattr(torch.nn, layer)(
        case.channels,
        eps=case.eps,
        momentum=0.1 if case.momentum is None else case.momentum,
        affine=case.affine,
        device="meta",
        dtype=getattr(torch, own.dtype.name),
    ).train(case.training)
    x = torch.empty(case.x.shape, dtype=getattr(torch, case.x.dtype.name), device="meta", requires_grad=True)
    y = module(x)
    y.backward(torch.empty_like(y))
    found = {
        "y": y,
        "running_mean": module.running_mean,
        "running_var": module.running_var,
        "dx": x.grad,
        "dgamma": None if module.weight is None else module.weight.grad,
        "dbeta": None if module.bias is None else module.bias.grad,
    }
    return {
        name: None if each is None else (tuple(each.shape), str(each.dtype).removeprefix("torch."))
        for name, each in found.items()
    }
