"""PyTorch's operators of batch normalization, which are called below `torch.nn.functional.batch_norm` and its checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from bncheck.adapters.found import Found
from bncheck.adapters.function import NATIVE_CPU_DIALECT, FunctionAdapter
from bncheck.errors import LoadError
from bncheck.reference.formats import FORMATS

# An argument that is no quantity of batch normalization, and what F.batch_norm gives for it.
_CUDNN = "cudnn_enabled"
# The numerics of the kernels on the CPU are those that F.batch_norm has.
_NUMERICS = ("backward", "statistics")


class TorchOpAdapter(FunctionAdapter):
    """An operator by the names in its schema; running statistics change in place.

    What training does with one value a channel, or none, is documented of F.batch_norm's check alone: it is left open.
    """

    name = "torch_native"

    def __init__(self, found: Found) -> None:
        function = _described(found)
        cudnn = {_CUDNN: torch.backends.cudnn.enabled} if _CUDNN in _names(function) else {}
        super().__init__(replace(found, thing=function, options={**cudnn, **found.options}))


def _described(found: Found) -> Callable[..., object]:
    """The operator with a signature, which a built-in function does not have, and what its kernels are known to do."""
    operator: Any = found.callable
    packet = getattr(torch.ops.aten, getattr(operator, "__name__", ""), None)
    schema = getattr(getattr(packet, "default", None), "_schema", None)
    if schema is None:
        raise LoadError(f"{found.name} is no operator that torch.ops.aten has a schema of")

    def function(*arguments: object, **named: object) -> object:
        return operator(*arguments, **named)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    described: Any = function
    described.__signature__ = inspect.Signature(
        [inspect.Parameter(argument.name, kind) for argument in schema.arguments]
    )
    described.__bncheck__ = {
        "framework": "torch",
        "dtypes": list(FORMATS),
        "dialect": {name: getattr(NATIVE_CPU_DIALECT, name) for name in _NUMERICS}
        if found.device == "cpu"
        else {},
    }
    return function


def _names(function: Callable[..., object]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)
