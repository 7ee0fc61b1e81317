"""flax's two batch normalization layers as they are written down: variables given to `apply`, and a module that holds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bncheck.adapters.construction import spoken_momentum
from bncheck.case import Case
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import InHalves, Lines, Making, indented, stands
from bncheck.step import Step

# What flax calls what a case gives, in the pairs in which it is given.
_PARAMETERS = {"gamma": "scale", "beta": "bias"}
_STATISTICS = {"running_mean": "mean", "running_var": "var"}
_NAMES = _PARAMETERS | _STATISTICS
# What a new layer holds.
_FRESH = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}


class _Flax(InHalves):
    """`adapter`: a FlaxAdapter, of which the constructor's signature and the axis of the channels are read."""

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.naming = adapter, naming
        self.words: Words = words_of("jax", device)

    def _new(self, making: Making, *, first: Lines, last: Lines) -> str:
        """The constructor's call, without what it gives by itself."""
        case, signature = making.case, self.adapter.signature
        values = {"eps": case.eps, "momentum": spoken_momentum(making.momentum, self.adapter.dialect)}
        named = [f"{key}={value!r}" for key, value in signature.options.items()]
        for role, value in values.items():
            if signature.has(role) and value not in (None, signature.roles[role].default):
                named.append(f"{signature.roles[role].name}={value!r}")
        named += [] if case.affine else ["use_bias=False", "use_scale=False"]
        return f"{self.naming.name}({', '.join([*first, *named, *last])})"

    def _moves(self, case: Case) -> bool:
        """Whether the channels of x, its second axis, are not where the layer takes them."""
        return case.x.ndim > 2 and self.adapter.axis == -1

    def _moved(self, case: Case, x: str) -> tuple[Lines, str]:
        """Lines before a call, and the expression that the layer takes."""
        if not self._moves(case):
            return [], x
        return [f"moved = jnp.moveaxis({x}, 1, -1)"], "moved"

    def _back(self, case: Case, y: str) -> str:
        """y with the axes of x."""
        return f"jnp.moveaxis({y}, -1, 1)" if self._moves(case) else y

    def _cotangent(self, case: Case, dy: str, *, promotes: bool) -> str:
        """dy in the dtype of y, which is not always that of x."""
        own = "dtype" in self.adapter.found.options
        return f"{dy}.astype(y.dtype)" if own or (promotes and case.x.dtype.itemsize < 4) else dy

    def count(self) -> str:
        """flax counts no batches."""
        return "None"


class Linen(_Flax):
    """flax.linen.BatchNorm: `variables` are given to `apply`, which returns the statistics anew."""

    def made(self, making: Making) -> Lines:
        """The module, and its variables."""
        case, to = making.case, making.to
        here, wider = self._variables(to), case.gamma is not None and case.gamma.dtype != case.x.dtype
        own = wider and "dtype" not in self.adapter.found.options
        dtype = [f"dtype={self.words.dtype(case.x.dtype.name)}"] if own else []
        lines = [f"{to} = {self._new(making, first=[], last=dtype)}"]
        if _is_new(case):
            before, x = self._moved(case, "x")
            init = f"{here} = {to}.init(jax.random.key(0), {x}, use_running_average=False)"
            return [*lines, *before, init]
        stats = '{"mean": running_mean, "var": running_var}'
        if case.running_mean is None:
            stats = f'{{"mean": jnp.zeros({case.channels}), "var": jnp.ones({case.channels})}}'
        lines.append(f'{here} = {{"batch_stats": {stats}}}')
        return [*lines, f'{here}["params"] = {{"scale": gamma, "bias": beta}}'] if case.affine else lines

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call."""
        here = self._variables(making.to)
        before, given = self._moved(making.case, x)
        call = self._call(making, here, given, training=training)
        back = [f"y = {self._back(making.case, 'y')}"] if before else []
        return [*before, f"y, changed = {call}", f"{here} |= changed", *back]

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        case, here = making.case, self._variables(making.to)
        before, given = self._moved(case, "x")
        call = self._call(making, "variables", given, training=training)
        returned = [f"return {call}"]
        if before:
            returned = [f"y, changed = {call}", f"return {self._back(case, 'y')}, changed"]
        return [
            "def function(variables, x):",
            *indented([*before, *returned]),
            f"y, pull{mark}, changed = jax.vjp(function, {here}, {x}, has_aux=True)",
            f"{here} |= changed",
        ]

    def _close(self, making: Making, dy: str, mark: str) -> Lines:
        grads = f"grads, dx = pull{mark}({self._cotangent(making.case, dy, promotes=False)})"
        if not making.case.affine:
            return [grads]
        return [grads, 'dgamma, dbeta = grads["params"]["scale"], grads["params"]["bias"]']

    def _call(self, making: Making, variables: str, x: str, *, training: bool) -> str:
        mode = f"use_running_average={not training}"
        return f'{making.to}.apply({variables}, {x}, {mode}, mutable=["batch_stats"])'

    def _variables(self, of: str) -> str:
        return "variables" if of == "layer" else f"{of}_variables"

    def changed(self, making: Making, step: Step, _number: int, /) -> Lines:
        """A momentum; layers of this kind are offered nothing else."""
        momentum = spoken_momentum(step.value, self.adapter.dialect)
        return [f"{making.to} = {making.to}.clone(momentum={momentum!r})"]

    def given(self, role: str, value: str) -> str:
        """The variable is replaced."""
        return f"{self.held(role)} = {value}"

    def held(self, role: str, of: str = "layer") -> str:
        """The variable."""
        collection = "params" if role in _PARAMETERS else "batch_stats"
        return f'{self._variables(of)}["{collection}"]["{_NAMES[role]}"]'


class Nnx(_Flax):
    """flax.nnx.BatchNorm: the module holds its arrays, and `nnx.vjp` differentiates with respect to it."""

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        imports = tuple(dict.fromkeys(("import flax.nnx", *naming.imports)))
        super().__init__(adapter, replace(naming, imports=imports), device)

    def made(self, making: Making) -> Lines:
        """The module, and the variables in the place of those that it was made with."""
        case, to = making.case, making.to
        channels = [str(case.channels)] if self.adapter.signature.has("channels") else []
        lines = [f"{to} = {self._new(making, first=channels, last=['rngs=flax.nnx.Rngs(0)'])}"]
        for pair in (_PARAMETERS, _STATISTICS):
            there = all(getattr(case, role) is not None for role in pair)
            if there and not all(_stands(case, role) for role in pair):
                places = ", ".join(f"{to}.{name}" for name in pair.values())
                lines.append(f"{places} = {', '.join(self._variable(role, role) for role in pair)}")
        return lines

    def _variable(self, role: str, value: str) -> str:
        return f"flax.nnx.{'Param' if role in _PARAMETERS else 'BatchStat'}({value})"

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call."""
        before, given = self._moved(making.case, x)
        call = f"{making.to}({given}, use_running_average={not training})"
        return [*before, f"y = {self._back(making.case, call)}"]

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        """By nnx.vjp, which leaves the layer with its new statistics."""
        before, given = self._moved(making.case, "x")
        call = f"layer({given}, use_running_average={not training})"
        return [
            "def function(layer, x):",
            *indented([*before, f"return {self._back(making.case, call)}"]),
            f"y, pull{mark} = flax.nnx.vjp(function, {making.to}, {x}, graph=False)",
        ]

    def _close(self, making: Making, dy: str, mark: str) -> Lines:
        grads = f"grads, dx = pull{mark}({self._cotangent(making.case, dy, promotes=True)})"
        return [grads, "dgamma, dbeta = grads.scale[...], grads.bias[...]"] if making.case.affine else [grads]

    def changed(self, making: Making, step: Step, _number: int, /) -> Lines:
        """A momentum; layers of this kind are offered nothing else."""
        return [f"{making.to}.momentum = {spoken_momentum(step.value, self.adapter.dialect)!r}"]

    def given(self, role: str, value: str) -> str:
        """A new variable in the place of the old one."""
        return f"layer.{_NAMES[role]} = {self._variable(role, value)}"

    def held(self, role: str, of: str = "layer") -> str:
        """What the variable holds."""
        return f"{of}.{_NAMES[role]}[...]"


def _stands(case: Case, role: str) -> bool:
    """Whether a new layer holds these very numbers in this dtype."""
    return getattr(case, role).dtype.name == "float32" and stands(case, role, _FRESH[role])


def _is_new(case: Case) -> bool:
    """Whether a new layer holds everything that a case gives."""
    return all(getattr(case, role) is None or _stands(case, role) for role in _NAMES)
