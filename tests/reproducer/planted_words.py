"""Planted layers behind the adapters that selftest judges them by, with words for what stands in the planted library."""

from __future__ import annotations

from typing import Any

from bncheck.adapter import Adapter
from bncheck.direction import Direction
from bncheck.planted.catalogue import BUGS, SOUND
from bncheck.planted.numpy_adapter import NumpyLayerAdapter
from bncheck.reproducer.frameworks import words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import Lines, Making, Spelling, parameter_dtype
from bncheck.step import Step

SOUND_ONES = {
    "sound": "numpy.two_pass",
    "sound_biased": "numpy.biased",
    "torch_sound": "torch.composed",
    "torch_by_hand": "torch.by_hand",
}


class NumpyWords:
    """Of the classes in planted_library.numpy_layers: everything that a planted layer can do is a method."""

    words = words_of("numpy", "cpu")

    def __init__(self, name: str, *, gives: bool) -> None:
        self.naming = Naming(("import planted_library.numpy_layers",), f"planted_library.numpy_layers.{name}")
        self.gives = gives

    def made(self, making: Making) -> Lines:
        """A layer with copies of what it is given; what lies elsewhere is taken as it lies."""
        case, to = making.case, making.to
        lines = [f"{to} = {self._new(making)}"]
        if case.affine:
            lines += [f"{to}.gamma, {to}.beta = gamma.copy(), beta.copy()"]
        if case.running_mean is not None and self.gives:
            lines += [f"{to}.give(running_mean, running_var, {case.batches})"]
        return [*lines, *(f"{to}.{name} = {name}" for name in case.layouts if name not in ("x", "dy"))]

    def _new(self, making: Making) -> str:
        case, dtype = making.case, self.words.dtype(parameter_dtype(making.case))
        return f"{self.naming.name}({case.channels}, {case.eps!r}, {making.momentum!r}, affine={case.affine}, dtype={dtype})"

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """A pass that no backward follows."""
        return [f"y = {making.to}.forward({x}, training={training}, differentiated=False)"]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """Forward and backward."""
        return [
            f"y = {making.to}.forward({x}, training={training})",
            f"{_GRADIENTS} = {making.to}.backward({dy})",
        ]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The pullback is kept."""
        return [f"y, pull{number} = {making.to}.forward({x}), {making.to}.pullback"]

    def closed(self, _making: Making, dy: str, number: int) -> Lines:
        """And called."""
        return [f"{_GRADIENTS} = pull{number}({dy})"]

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """By a method each."""
        to, left = making.to, f"left{number}"
        match step.action:
            case "momentum":
                return [f"{to}.momentum = {step.value!r}"]
            case "reset":
                return [f"{to}.reset()"]
            case "move":
                back = self.words.dtype(parameter_dtype(making.case))
                return [f"{to}.to(np.float64)", f"{to}.to({back})"]
            case "copy":
                return [f"{left}, {to} = {to}, copy.deepcopy({to})"]
            case _:
                return [f"{left}, {to} = {to}, {self._new(making)}", f"{to}.load({left}.state())"]

    def given(self, role: str, value: str) -> str:
        """The attribute is replaced."""
        return f"layer.{role} = {value}.copy()"

    def held(self, role: str, of: str = "layer") -> str:
        """The attribute."""
        return f"{of}.{role}"

    def count(self) -> str:
        """The attribute."""
        return "layer.batches"

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """In closed form."""
        return [f"tangent = {making.to}.tangent({x}, {_given(along)}, training={training})"]

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """In closed form."""
        call = f"{making.to}.second_order({x}, {dy}, {_given(along)}, training={training})"
        return [f"second_dy, second_x, second_gamma = {call}"]


_GRADIENTS = "dx, dgamma, dbeta"


def _given(along: Direction) -> str:
    return ", ".join(name for name in along if name is not None)


def words_of_torch(adapter: Any) -> Spelling:
    """Those of any torch module, for one of the planted library."""
    from bncheck.reproducer.modules import TorchModule  # noqa: PLC0415  # torch may not be there

    module = adapter.construction.found.thing
    place = module.__module__.replace("bncheck.planted.", "planted_library.")
    naming = Naming((f"import {place}",), f"{place}.{module.__qualname__}")
    return TorchModule(adapter, naming, "cpu")


def __getattr__(name: str) -> Adapter:
    """A new adapter of the planted bug, or the sound variant, of this name."""
    wanted = SOUND_ONES.get(name, name)
    makers = {each.id: each.make for each in BUGS} | {each.id: each.make for each in SOUND}
    made = makers.get(wanted) or makers.get(wanted.replace("__", "."))
    if made is None:
        raise AttributeError(name)
    adapter = made()
    spelt: Any = adapter
    if isinstance(adapter, NumpyLayerAdapter):
        gives = adapter.capabilities.set_statistics
        spelt.spelling = lambda: NumpyWords(name, gives=gives)
    else:
        spelt.spelling = lambda: words_of_torch(adapter)
    return adapter
