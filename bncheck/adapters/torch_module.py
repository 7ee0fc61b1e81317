"""torch.nn.Module classes with the constructor of BatchNormNd, factories of such modules, and instances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from bncheck.adapter import (
    BETA_NAMES,
    GAMMA_NAMES,
    MEAN_NAMES,
    VAR_NAMES,
    Config,
    FrameworkArray,
    Gradients,
    Pullback,
    Second,
    State,
)
from bncheck.adapters.arrays import ArraysAdapter
from bncheck.adapters.attributes import Slot, slot_of
from bncheck.adapters.claims import claimed, measured
from bncheck.adapters.construction import arguments, construction_of, spoken_momentum
from bncheck.adapters.found import RANKS, Found
from bncheck.adapters.function import NATIVE_CPU_DIALECT, NATIVE_DIALECT
from bncheck.adapters.probe import Probe
from bncheck.adapters.torch_arrays import TorchArrays, gradients, writable
from bncheck.adapters.torch_derivatives import differentiated_again, tangent_of
from bncheck.case import Native
from bncheck.dialect import Dialect, usual
from bncheck.direction import Direction
from bncheck.errors import LoadError, NotOffered
from bncheck.layout import Layout
from bncheck.reference.formats import FORMATS

_RANKS: tuple[tuple[type, tuple[int, ...]], ...] = (
    (torch.nn.BatchNorm1d, (2, 3)),
    (torch.nn.BatchNorm2d, (4,)),
    (torch.nn.BatchNorm3d, (5,)),
)


class TorchModuleAdapter(ArraysAdapter):
    """A module by the names of its constructor's arguments and of its parameters and buffers; gradients by autograd."""

    name = "torch_module"
    arrays: TorchArrays

    def __init__(self, found: Found) -> None:
        self.arrays = TorchArrays(found.device)
        self.construction = construction_of(found)
        self.dialect = found.dialect(usual(Dialect(), found.device))
        sample = self._sample(found)
        native = isinstance(sample, _BatchNorm) and type(sample).forward is _BatchNorm.forward
        if native:
            kernels = NATIVE_CPU_DIALECT if found.device == "cpu" else NATIVE_DIALECT
            self.dialect = found.dialect(usual(kernels, found.device))
        self.slots: dict[str, Slot | None] = {
            "gamma": _held(sample, GAMMA_NAMES),
            "beta": _held(sample, BETA_NAMES),
            "mean": _held(sample, MEAN_NAMES),
            "var": _held(sample, VAR_NAMES),
        }
        self.capabilities = claimed(
            found,
            self.construction,
            sample,
            slots=self.slots,
            arrays=self.arrays,
            dialect=self.dialect,
            gradient=True,
            eval_mode=True,
            dtypes=tuple(FORMATS) if native else ("float32", "float64"),
        )
        self._narrow_to_kind(found, sample)
        self._offer_actions(sample)
        probe = Probe(self, found.name, found.device)
        probe.narrow()
        self.capabilities = measured(probe, self.construction, sample)

    def make(self, config: Config) -> torch.nn.Module:
        """A new module of the parameters' dtype on the device."""
        values = arguments(config, self.dialect, dtype=self.arrays.dtype(config.parameter_dtype))
        module = self.construction.make(values)
        if not isinstance(module, torch.nn.Module):
            raise LoadError(
                f"{self.construction.found.name} made a {type(module).__name__}, not a torch.nn.Module"
            )
        if hasattr(
            module, "initialize_parameters"
        ):  # a lazy module: its first batch tells it how many channels
            first = self.place(np.zeros(config.shape, config.parameter_dtype))
            module.initialize_parameters(first)  # type: ignore[operator]  # a method
        if not self.construction.has("dtype"):
            module.to(dtype=self.arrays.dtype(config.parameter_dtype))  # type: ignore[call-overload]  # a torch.dtype
        module.to(device=config.device)
        return module

    def set_params(self, handle: torch.nn.Module, gamma: Native, beta: Native) -> None:
        """Copied into the parameters."""
        self._copy(handle, ("gamma", gamma), ("beta", beta))

    def held(self, handle: torch.nn.Module, role: str) -> FrameworkArray | None:
        """The parameter or buffer."""
        return self._read(handle, role.removeprefix("running_"))

    def lay_out(self, handle: torch.nn.Module, role: str, layout: Layout) -> None:
        """The data of a parameter or buffer lie elsewhere; a plain tensor is replaced."""
        held, slot = self.held(handle, role), self.slots[role.removeprefix("running_")]
        if slot is None or held is None:
            raise NotOffered(f"{self.name} has no {role} that could lie elsewhere")
        placed = self.place(self.fetch(held).reshape(-1), layout).reshape(held.shape)
        if any(held is each for each in (*handle.parameters(), *handle.buffers())):
            held.data = placed
        else:
            slot.write(handle, placed)

    def get_state(self, handle: torch.nn.Module) -> State:
        """The buffers, and the count of batches where the module keeps one."""
        mean, var = (self._read(handle, role) for role in ("mean", "var"))
        if mean is None or var is None:
            return State(None, None)
        count = getattr(handle, "num_batches_tracked", None)
        return State(
            self.fetch(mean).reshape(-1), self.fetch(var).reshape(-1), None if count is None else int(count)
        )

    def set_state(self, handle: torch.nn.Module, state: State) -> None:
        """Copied into the buffers."""
        if state.mean is not None and state.var is not None:
            self._copy(handle, ("mean", state.mean), ("var", state.var))
        count = getattr(handle, "num_batches_tracked", None)
        if isinstance(count, torch.Tensor) and state.batches is not None:
            count.fill_(state.batches)

    def save(self, handle: torch.nn.Module) -> object:
        """The module's state_dict, copied."""
        return {name: tensor.clone() for name, tensor in handle.state_dict().items()}

    def load(self, handle: torch.nn.Module, saved: object) -> None:
        """By load_state_dict, strictly."""
        handle.load_state_dict(saved)  # type: ignore[arg-type]  # what `save` gave

    def reset(self, handle: torch.nn.Module) -> None:
        """By reset_running_stats."""
        handle.reset_running_stats()  # type: ignore[operator]  # a method, where the action is offered

    def set_momentum(self, handle: torch.nn.Module, momentum: float | None) -> None:
        """The attribute that torch documents."""
        handle.momentum = spoken_momentum(momentum, self.dialect)  # type: ignore[assignment]  # no tensor

    def move(self, handle: torch.nn.Module, dtype: np.dtype[np.generic]) -> None:
        """By Module.to."""
        handle.to(dtype=self.arrays.dtype(dtype))  # type: ignore[call-overload]  # a torch.dtype

    def forward(self, handle: torch.nn.Module, x: FrameworkArray, training: bool) -> FrameworkArray:
        """One call in the mode asked for."""
        handle.train(training)
        with self.arrays.recording(training=training):
            return _first(handle(x))

    def vjp(
        self,
        handle: torch.nn.Module,
        x: FrameworkArray,
        training: bool,
    ) -> tuple[FrameworkArray, Pullback]:
        """By autograd, for x and the module's own parameters."""
        y, leaves = self._differentiable(handle, x, training=training)
        present = [each for each in leaves if each is not None]

        def pullback(dy: FrameworkArray) -> Gradients:
            found: Iterator[torch.Tensor] = iter(gradients(y, present, dy))
            dx = next(found)
            return Gradients(dx, *(None if each is None else next(found).reshape(-1) for each in leaves[1:]))

        return y.detach(), pullback

    def _differentiable(
        self, handle: torch.nn.Module, x: FrameworkArray, *, training: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
        """y with its graph, and the x, gamma and beta that it depends on."""
        handle.train(training)
        for role in ("gamma", "beta"):
            held = self._read(handle, role)
            if (
                isinstance(held, torch.Tensor) and not held.requires_grad
            ):  # a frozen parameter, or a plain tensor
                held.requires_grad_()
        leaf = x.detach().requires_grad_()
        with torch.enable_grad():
            y = _first(handle(writable(leaf)))
        return y, [leaf, *(self._read(handle, role) for role in ("gamma", "beta"))]

    def tangent(
        self, handle: torch.nn.Module, x: FrameworkArray, direction: Direction, training: bool
    ) -> tuple[FrameworkArray, FrameworkArray]:
        """In forward mode, the parameters replaced by such as carry their direction."""
        handle.train(training)
        names = {id(each): name for name, each in handle.named_parameters()}
        held = [self._read(handle, role) for role in ("gamma", "beta")]
        if not {id(each) for each in held if each is not None} <= set(names):
            raise NotOffered(
                "gamma and beta are no parameters of the module, so that none can stand in for them"
            )

        def function(x: torch.Tensor, gamma: torch.Tensor | None, beta: torch.Tensor | None) -> torch.Tensor:
            replaced = {
                names[id(own)]: other
                for own, other in zip(held, (gamma, beta), strict=True)
                if other is not None and own is not other
            }
            y: torch.Tensor = _first(
                torch.func.functional_call(handle, replaced, (x,)) if replaced else handle(x)
            )
            return y

        return tangent_of(function, [x, *held], direction)

    def second_order(
        self,
        handle: torch.nn.Module,
        x: FrameworkArray,
        dy: FrameworkArray,
        direction: Direction,
        training: bool,
    ) -> tuple[FrameworkArray, Second]:
        """By autograd, twice."""
        y, leaves = self._differentiable(handle, x, training=training)
        return y.detach(), differentiated_again(y, leaves, dy, direction)

    def _sample(self, found: Found) -> torch.nn.Module:
        """A module to look at; LoadError where it cannot be made."""
        float32 = np.dtype(np.float32)
        config = Config(
            (4, 3), 1e-3, 0.5, affine=True, dtype=float32, parameter_dtype=float32, device=found.device
        )
        return self.make(config)

    def _narrow_to_kind(self, found: Found, sample: torch.nn.Module) -> None:
        """Ranks of torch's own classes, what a lazy one finds out, and the average of one that counts its batches."""
        kind = getattr(sample, "cls_to_become", None) or type(sample)
        ranks = next((ranks for base, ranks in _RANKS if issubclass(kind, base)), RANKS)
        self.capabilities = replace(self.capabilities, ranks=found.ranks_within(ranks))
        if hasattr(sample, "initialize_parameters"):
            self.capabilities = replace(self.capabilities, channels=None)
        if isinstance(getattr(sample, "num_batches_tracked", None), torch.Tensor) and self.construction.has(
            "momentum"
        ):
            self.capabilities = replace(self.capabilities, cumulative=True)

    def _offer_actions(self, sample: torch.nn.Module) -> None:
        """What a torch module can do besides; statistics that are no buffers are neither saved nor moved."""
        held = (self._read(sample, role) for role in ("mean", "var"))
        if not {id(each) for each in held} <= {id(buffer) for buffer in sample.buffers()}:
            return
        actions = ["copy", "reload", "move"]
        actions += ["reset"] if callable(getattr(sample, "reset_running_stats", None)) else []
        actions += (
            ["momentum"] if isinstance(sample, _BatchNorm) and self.construction.has("momentum") else []
        )
        counts = isinstance(getattr(sample, "num_batches_tracked", None), torch.Tensor)
        self.capabilities = replace(self.capabilities, actions=tuple(actions), counter=counts)

    def _copy(self, handle: torch.nn.Module, *values: tuple[str, Native]) -> None:
        """Into a parameter or buffer, in its shape and dtype; a plain tensor, whose dtype is no choice, is replaced."""
        registered = {id(each) for each in (*handle.parameters(), *handle.buffers())}
        for role, value in values:
            slot, placed = self.slots[role], self.place(value)
            held = None if slot is None else slot.read(handle)
            with torch.no_grad():
                if held is not None and id(held) in registered:
                    held.copy_(placed.reshape(held.shape))
                elif slot is not None:
                    slot.write(handle, placed)

    def _read(self, handle: torch.nn.Module, role: str) -> FrameworkArray | None:
        slot = self.slots[role]
        return None if slot is None else slot.read(handle)


def _held(sample: torch.nn.Module, names: tuple[str, ...]) -> Slot | None:
    """The slot of these names, None where the module was made without: its None stays None."""
    slot = slot_of(sample, names)
    return None if slot is None or slot.read(sample) is None else slot


def _first(result: FrameworkArray) -> FrameworkArray:
    return result[0] if isinstance(result, tuple | list) else result
