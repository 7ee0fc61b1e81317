"""PyTorch modules as `torch.compile` makes them with inductor: one whole graph, and never the module itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch._dynamo import config as dynamo
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.exc import InvalidCxxCompiler

from bncheck.adapter import FrameworkArray
from bncheck.adapters.found import Found
from bncheck.adapters.probe import probe_case
from bncheck.adapters.torch_module import TorchModuleAdapter
from bncheck.dialect import Dialect, usual
from bncheck.errors import ImplementationCrashed, LoadError
from bncheck.evaluation import evaluate

# What torch's layers are made with where nothing is given: each other number would be compiled anew.
EPS, MOMENTUM = 1e-5, 0.1
# Graphs of one function; at the limit dynamo raises, since it is told to compile the whole.
LIMIT = 1024
_EACH = "is compiled in as a constant, so that each other one would be one more compilation"
_ABSENT = {
    "momentum": f"momentum {_EACH}",
    "cumulative": "momentum None reads a number from a tensor, which breaks the graph",
    "eval_gradient": "evaluation is compiled without gradients, as it is served: with them is one more compilation",
    "layouts": f"the order of memory {_EACH}",
    "forward_mode": "torch.compile has no forward mode",
    "second_order": "the backward pass that torch.compile makes is not differentiated again",
}


class NotCompiled(RuntimeError):
    """The module itself was called in the place of what was compiled."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A module, of which a call is one of the compiled function."""

    module: torch.nn.Module

    def __getattr__(self, name: str) -> object:
        return getattr(self.module, name)

    def __call__(self, x: torch.Tensor) -> object:
        with dynamo.patch(recompile_limit=LIMIT, accumulated_recompile_limit=LIMIT):
            return _whole(self.module, x)


@torch.compile(fullgraph=True, dynamic=True)
def _whole(module: torch.nn.Module, x: torch.Tensor) -> object:
    """y.  That it is compiled is a constant of the graph; where the function runs as it stands it is false."""
    if not torch.compiler.is_compiling():
        raise NotCompiled("torch.compile runs the module as it is: it is switched off here")
    return module(x)


class TorchCompileAdapter(TorchModuleAdapter):
    """A module, its layers and their state as they are, and every pass compiled.

    What it offers is found out of the module as it is.  Sizes but those of the parameters are dynamic, so that a graph
    serves many shapes.  Documented to compute what the module does; the numerics of torch's kernels are not claimed.
    """

    name = "torch_compile"

    def __init__(self, found: Found) -> None:
        _check_compiler(found)
        super().__init__(found)
        self.dialect = found.dialect(
            usual(Dialect(single=self.dialect.single, empty=self.dialect.empty), found.device)
        )
        # Of training a graph is recorded always: without it would be one more compilation.
        self.arrays.graphless = False
        offered = self.capabilities
        self.capabilities = replace(
            offered,
            dtypes=found.dtypes(found.dtypes_asked_for(("float32", "float64"))),
            compiles=True,
            eps=EPS if offered.eps is None else offered.eps,
            momentum=False,
            fixed_momentum=MOMENTUM if offered.momentum else offered.fixed_momentum,
            cumulative=False,
            actions=tuple(each for each in offered.actions if each != "momentum"),
            eval_gradient=False,
            layouts=False,
            forward_mode=False,
            second_order=False,
            reasons={**offered.reasons, **_ABSENT},
        )
        self._compile(found)

    def _compile(self, found: Found) -> None:
        """Once, so that what cannot be compiled here is told before it is judged."""
        case = probe_case(self.capabilities, dy=self.capabilities.gradient)
        try:
            evaluate(self, case, device=found.device)
        except ImplementationCrashed as error:
            raise LoadError(f"{found.name} cannot be compiled as one graph here: {error}") from error

    def forward(self, handle: torch.nn.Module, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call, that of training with all that a backward pass needs."""
        if not self._compiles:
            return super().forward(handle, x, training)
        if training:
            return self._differentiable(handle, x, training=True)[0].detach()
        compiled: Any = _Compiled(handle)
        return super().forward(compiled, x, training)

    def _differentiable(
        self, handle: torch.nn.Module, x: FrameworkArray, *, training: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        """Of the compiled call."""
        compiled: Any = _Compiled(handle) if self._compiles else handle
        return super()._differentiable(compiled, x, training=training)

    @property
    def _compiles(self) -> bool:
        """Whether it is known what the module offers."""
        return self.capabilities.compiles


def _check_compiler(found: Found) -> None:
    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        raise LoadError(
            f"{found.name} needs a C++ compiler, with which torch.compile makes its kernels, and none works here: "
            "install g++, or name one in the environment variable CXX"
        ) from None
