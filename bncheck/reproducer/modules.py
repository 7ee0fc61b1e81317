"""torch modules as they are written down: parameters and buffers filled, gradients by autograd."""

from __future__ import annotations

from typing import Any

from bncheck.adapters.attributes import Slot, shape_of
from bncheck.adapters.construction import spoken_momentum
from bncheck.case import Case
from bncheck.direction import Direction
from bncheck.reproducer.derivatives import second_order_in_torch, tangent_in_torch
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import (
    SLOTS,
    Lines,
    Making,
    called,
    constructed,
    fresh_value,
    parameter_dtype,
    sample_config,
    stands,
    usual_arguments,
)
from bncheck.step import Step


class TorchModule:
    """`adapter`: a TorchModuleAdapter, of which the constructor's signature and the names of its arrays are read."""

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.naming, self.device = adapter, naming, device
        self.words: Words = words_of("torch", device)
        self.sample = adapter.make(sample_config(device))
        held = {id(each) for each in (*self.sample.parameters(), *self.sample.buffers())}
        self.slots: dict[str, Slot | None] = {role: adapter.slots[name] for role, name in SLOTS.items()}
        arrays = {role: None if slot is None else slot.read(self.sample) for role, slot in self.slots.items()}
        self.fresh = {role: fresh_value(adapter, array) for role, array in arrays.items()}
        self.registered = {role for role, array in arrays.items() if array is not None and id(array) in held}
        self.flat = {role for role, array in arrays.items() if len(shape_of(array)) == 1}
        self.counts = adapter.capabilities.counter or hasattr(self.sample, "num_batches_tracked")

    def made(self, making: Making) -> Lines:
        """Made, and filled: what is contiguous is copied in, what lies elsewhere takes the place of what was there."""
        case, to = making.case, making.to
        lines = [f"{to} = {self._construction(making)}"]
        if hasattr(self.sample, "initialize_parameters"):
            lines.append(f"{to}.initialize_parameters(x)")
        dtype = parameter_dtype(case)
        if dtype != "float32" and not self.adapter.construction.has("dtype"):
            lines.append(f"{to}.to({self.words.dtype(dtype)})")
        if self.device != "cpu" and not self.adapter.construction.has("device"):
            lines.append(f"{to}.to({self.device!r})")
        lines += [self._filled(role, to, case) for role in self._given(case)]
        if getattr(self.sample, "num_batches_tracked", None) is not None and case.batches:
            lines.append(f"{to}.num_batches_tracked.fill_({case.batches})")
        return lines

    def _construction(self, making: Making) -> str:
        construction = self.adapter.construction
        if construction.signature is None:
            return f"copy.deepcopy({self.naming.name})"
        dtype = parameter_dtype(making.case)
        momentum = spoken_momentum(making.momentum, self.adapter.dialect)
        values = constructed(making, dtype=self.words.dtype(dtype), device=self.device, momentum=momentum)
        usual = usual_arguments(making, momentum, device=self.device, plain=dtype == "float32")
        return called(self.naming.name, construction.signature, values, usual)

    def _given(self, case: Case) -> Lines:
        offered = self.adapter.capabilities
        roles = ["gamma", "beta"] if case.affine else []
        if case.running_mean is not None and offered.set_statistics:
            roles += ["running_mean", "running_var"]
        return [
            role
            for role in roles
            if self.slots[role] is not None
            and not (role in self.registered and stands(case, role, self.fresh[role]))
        ]

    def _filled(self, role: str, to: str, case: Case) -> str:
        place, value = self._place(role, to), self._like(role, to, role)
        if role not in self.registered:
            return f"{place} = {value}"
        if role in case.layouts:
            return f"{place}.data = {value}"
        return f"{place}.data.copy_({value})"

    def _place(self, role: str, of: str) -> str:
        slot = self.slots[role]
        assert slot is not None
        return f"{of}.{slot.name}" if slot.holder is None else f"{of}.{slot.holder}[{slot.name!r}]"

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call in the mode asked for."""
        call, mode = f"y = {making.to}({x})", "train" if training else "eval"
        if training and not self.adapter.arrays.graphless:
            return [f"{making.to}.train()", call]
        return [f"{making.to}.{mode}()", "with torch.no_grad():", f"    {call}"]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """By autograd."""
        mode = f"{making.to}.{'train' if training else 'eval'}()"
        return [
            mode,
            f"{x}.requires_grad_()",
            f"y = {making.to}({x})",
            self._gradients(making, x, "y", dy),
        ]

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """In forward mode, the parameters replaced by such as carry their direction."""
        to, mode = making.to, "train" if training else "eval"
        duals: Lines = []
        for role, v in (("gamma", along.gamma), ("beta", along.beta)):
            slot = self.slots[role]
            if slot is not None and v is not None:
                held = f"{self._place(role, to)}.detach()"
                duals.append(f"{slot.name}=make_dual({held}, {self._like(role, to, v)})")
        call = f"y = {to}({x})"
        if duals:
            call = f"y = torch.func.functional_call({to}, dict({', '.join(duals)}), ({x},))"
        return [f"{to}.{mode}()", *tangent_in_torch([call], [x], along)]

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """By autograd, twice."""
        to, mode = making.to, "train" if training else "eval"
        there = [role for role in ("gamma", "beta") if making.case.affine and self.slots[role] is not None]
        leaves = [x, *(self._place(role, to) for role in there)]
        moved = {role: getattr(along, role) for role in there}
        shaped = [None if v is None else self._like(role, to, v) for role, v in moved.items()]
        lines = second_order_in_torch([f"y = {to}({x})"], leaves, dy, (along.x, *shaped))
        flat = ["second_gamma = second_gamma.reshape(-1)"] if {*there} - self.flat else []
        return [f"{to}.{mode}()", *lines, *flat]

    def _like(self, role: str, of: str, value: str) -> str:
        """An expression of one number a channel, in the shape of what it stands for."""
        return value if role in self.flat else f"{value}.reshape({self._place(role, of)}.shape)"

    def _gradients(self, making: Making, x: str, y: str, dy: str) -> str:
        there = [role for role in ("gamma", "beta") if making.case.affine and self.slots[role] is not None]
        leaves = ", ".join([x, *(self._place(role, making.to) for role in there)])
        names = ", ".join(["dx", *(f"d{role}" for role in there)])
        names = names if there else f"{names},"
        return f"{names} = torch.autograd.grad({y}, [{leaves}], {dy}, materialize_grads=True)"

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The output keeps its graph."""
        return [
            f"{making.to}.train()",
            f"x{number}_ = {x}.clone().requires_grad_()",
            f"y = y{number}_ = {making.to}(x{number}_)",
        ]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """By autograd."""
        return [self._gradients(making, f"x{number}_", f"y{number}_", dy)]

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """As torch modules are changed."""
        to = making.to
        match step.action:
            case "momentum":
                return [f"{to}.momentum = {spoken_momentum(step.value, self.adapter.dialect)!r}"]
            case "reset":
                return [f"{to}.reset_running_stats()"]
            case "move":
                back = self.words.dtype(parameter_dtype(making.case))
                return [f"{to}.to(torch.float64)", f"{to}.to({back})"]
            case "copy":
                return [f"left{number}, {to} = {to}, copy.deepcopy({to})"]
            case _:
                return [
                    f"left{number}, {to} = {to}, {self._construction(making)}",
                    f"{to}.load_state_dict(left{number}.state_dict())",
                ]

    def given(self, role: str, value: str) -> str:
        """Copied into the buffer, or in the place of what is none."""
        place, shaped = self._place(role, "layer"), self._like(role, "layer", value)
        if role not in self.registered:
            return f"{place} = {self.words.copied.format(shaped)}"
        return f"{place}.data.copy_({shaped})"

    def held(self, role: str, of: str = "layer") -> str:
        """The parameter or buffer."""
        place = self._place(role, of)
        return place if role in self.flat else f"{place}.reshape(-1)"

    def count(self) -> str:
        """The buffer that torch counts in."""
        return "int(layer.num_batches_tracked)"


class CompiledModule(TorchModule):
    """The same, its forward compiled where it is made: of torch's own classes `Module.compile` compiles nothing."""

    def made(self, making: Making) -> Lines:
        """One line more."""
        return [*super().made(making), _compiled(making.to)]

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """As modules are changed; the compiled forward of a copy is still that of the one before."""
        to, lines = making.to, super().changed(making, step, number)
        if step.action not in ("copy", "reload"):
            return lines
        return [*lines, *([f"del {to}.forward"] if step.action == "copy" else []), _compiled(to)]


def _compiled(module: str) -> str:
    return f"{module}.forward = torch.compile({module}.forward, fullgraph=True, dynamic=True)"
