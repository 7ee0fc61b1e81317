"""MLX's layers as they are written down: attributes replaced, gradients by mx.vjp."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bncheck.adapters.construction import spoken_momentum
from bncheck.case import Native
from bncheck.reproducer.frameworks import Words
from bncheck.reproducer.literals import shape_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import (
    Lines,
    Making,
    OfAttributes,
    called,
    fresh_value,
    parameter_dtype,
    sample_config,
    stands,
    usual_arguments,
)
from bncheck.step import Step

_ROLES = ("gamma", "beta", "running_mean", "running_var")
# MLX would take another device where there is one, and float64 is the CPU's alone.
_DEVICE = "mx.set_default_device(mx.cpu)"


class MlxWords(Words):
    """An empty array comes from NumPy: one from a list lies in memory otherwise, and its sums return where these do not."""

    def _plain(self, array: Native) -> str:
        if array.size:
            return super()._plain(array)
        name = array.dtype.name
        numpy = "float32" if name == "bfloat16" else name
        return f"mx.array(np.zeros({shape_of(array)}, np.{numpy}), {self.dtype(name)})"


_WORDS = MlxWords(
    "mlx",
    ("import mlx.core as mx",),
    "mx",
    "mx.array({0}, {1})",
    "mx.array({0})",
    "np.array({0}, np.float64).tobytes()",
)


class MlxLayer(OfAttributes):
    """`adapter`: an MlxAdapter, of which the constructor's signature and a sample are read."""

    words: Words = _WORDS

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.device = adapter, device
        self.naming = replace(naming, imports=(*naming.imports, _DEVICE))
        sample = adapter.make(sample_config(device))
        self.fresh = {role: fresh_value(adapter, adapter.held(sample, role)) for role in _ROLES}

    def made(self, making: Making) -> Lines:
        """Made, and what differs from a new layer's replaced."""
        case, to = making.case, making.to
        roles = ["gamma", "beta"] if case.affine else []
        roles += ["running_mean", "running_var"] if case.running_mean is not None else []
        given = [role for role in roles if not stands(case, role, self.fresh[role])]
        return [*self._new(making), *([_updated(to, given)] if given else [])]

    def _new(self, making: Making) -> Lines:
        """A layer as its constructor gives it, in the dtype of the parameters."""
        case, signature = making.case, self.adapter.signature
        momentum = spoken_momentum(making.momentum, self.adapter.dialect)
        values = {"channels": str(case.channels), "eps": repr(case.eps), "momentum": repr(momentum)}
        usual = usual_arguments(making, momentum, device=self.device, plain=False)
        if not case.affine:
            signature = replace(signature, options={**signature.options, "affine": False})
        lines = [f"{making.to} = {called(self.naming.name, signature, values, usual)}"]
        dtype = parameter_dtype(case)
        return lines if dtype == "float32" else [*lines, self._moved(making.to, dtype)]

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call in the mode asked for, computed at once."""
        return [_mode(making.to, training=training), f"y = {_call(making, making.to, x)}", "mx.eval(y)"]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """By mx.vjp, after which the layer gets its own parameters back where it goes on."""
        to, again = making.to, bool(making.case.program) or making.case.steps > 1
        lines = [_mode(to, training=training), *_pulled(making, to, x, dy)]
        if not (again and making.case.affine):
            return lines
        held = ", ".join(self.held(role, to) for role in ("gamma", "beta"))
        return [f"kept = {held}", *lines, f"{held} = kept"]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """MLX has no backward pass without its forward pass: a copy of the layer goes through both later."""
        to = making.to
        return [
            _mode(to, training=True),
            f"x{number}_, layer{number} = {x}, copy.deepcopy({to})",
            f"y = {_call(making, to, x)}",
        ]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """On that copy."""
        return _pulled(making, f"layer{number}", f"x{number}_", dy)

    def changed(self, making: Making, step: Step, number: int, /) -> Lines:
        """As modules of MLX are changed."""
        to, left = making.to, f"left{number}"
        match step.action:
            case "momentum":
                return [f"{to}.momentum = {spoken_momentum(step.value, self.adapter.dialect)!r}"]
            case "move":
                return [self._moved(to, "float64"), self._moved(to, parameter_dtype(making.case))]
            case "copy":
                return [f"{left}, {to} = {to}, copy.deepcopy({to})"]
            case _:
                return [f"{left} = {to}", *self._new(making), f"{to}.update({left}.parameters())"]

    def count(self) -> str:
        """Layers of MLX count nothing."""
        return "None"

    def _moved(self, to: str, dtype: str) -> str:
        return f"{to}.set_dtype({self.words.dtype(dtype)})"


def _mode(to: str, *, training: bool) -> str:
    return f"{to}.{'train' if training else 'eval'}()"


def _updated(to: str, roles: Lines) -> str:
    """Arrays of the layer replaced by those of the roles' names."""
    return f"{to}.update(dict({', '.join(f'{OfAttributes.names.get(role, role)}={role}' for role in roles)}))"


def _call(making: Making, to: str, x: str) -> str:
    """The call, around which the channels are moved to the end."""
    if making.case.x.ndim == 2:
        return f"{to}({x})"
    return f"mx.moveaxis({to}(mx.moveaxis({x}, 1, -1)), -1, 1)"


def _pulled(making: Making, to: str, x: str, dy: str) -> Lines:
    """y and the gradients, of a function that puts gamma and beta into the layer."""
    roles = ["gamma", "beta"] if making.case.affine else []
    names = ", ".join(["dx", *(f"d{role}" for role in roles)])
    leaves = ", ".join([x, *(f"{to}.{OfAttributes.names[role]}" for role in roles)])
    return [
        f"def function({', '.join(['x', *roles])}):",
        *([f"    {_updated(to, roles)}"] if roles else []),
        f"    return {_call(making, to, 'x')}",
        f"(y,), ({names if roles else f'{names},'}) = mx.vjp(function, [{leaves}], [{dy}])",
        f"mx.eval(y, {names})",
    ]
