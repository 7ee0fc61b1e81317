"""Functions as they are written down: everything is an argument, statistics change in place or are returned."""

from __future__ import annotations

from typing import Any

import numpy as np

from bncheck.adapters.construction import spoken_momentum
from bncheck.adapters.probe import probe_case
from bncheck.direction import Direction
from bncheck.errors import BncheckError
from bncheck.evaluation import evaluate
from bncheck.reproducer.derivatives import (
    second_order_in_jax,
    second_order_in_torch,
    tangent_in_jax,
    tangent_in_torch,
)
from bncheck.reproducer.frameworks import Words, words_of
from bncheck.reproducer.naming import Naming
from bncheck.reproducer.spelling import Lines, Making, called, indented
from bncheck.step import Step

_PARAMETERS = ("gamma", "beta")


class Function:
    """`adapter`: a FunctionAdapter, of which the signature is read, and how it returns what it returns."""

    def __init__(self, adapter: Any, naming: Naming, device: str) -> None:
        self.adapter, self.naming = adapter, naming
        self.words: Words = words_of(adapter.arrays.framework, device)
        returned = _returned(adapter, device)
        self.several = isinstance(returned, tuple | list)
        channels = probe_case(adapter.capabilities).channels
        self.vectors = _vectors(returned[1:], channels, "") if self.several else []

    def made(self, making: Making) -> Lines:
        """The statistics that the calls go on with, where there are any."""
        if making.case.running_mean is None or not self.adapter.signature.has("mean"):
            return []
        lines: Lines = []
        for name in ("running_mean", "running_var") if making.own else ():
            copied, here = self.words.copied, self.held(name, making.to)
            if making.to != "layer":  # it starts from what was given, which the first one has moved by now
                lines.append(f"{here} = {copied.format(f'first_{name}')}")
                continue
            if any(step.action == "other" for step in making.case.program):
                lines.append(f"first_{name} = {copied.format(name)}")
            lines.append(f"{here} = {copied.format(name)}")
        return lines

    def forward(self, making: Making, x: str, *, training: bool) -> Lines:
        """One call."""
        lines = self._recorded(making, x, training=training)
        if self.words.framework == "torch" and (not training or self.adapter.arrays.graphless):
            return ["with torch.no_grad():", *indented(lines)]
        return lines

    def _recorded(self, making: Making, x: str, *, training: bool) -> Lines:
        """The same where torch records what is done."""
        return self._taken(making, self._call(making, x, training=training))

    def _call(self, making: Making, x: str, *, training: bool) -> str:
        case, signature = making.case, self.adapter.signature
        values = {
            "x": x,
            "training": repr(training),
            "inference": repr(not training),
            "momentum": repr(spoken_momentum(making.momentum, self.adapter.dialect)),
            "eps": repr(case.eps),
        }
        if case.running_mean is not None:
            values |= {
                "mean": self.held("running_mean", making.to),
                "var": self.held("running_var", making.to),
            }
        elif signature.has("mean") and signature.has("var"):
            ones = np.ones(case.channels, case.x.dtype if case.gamma is None else case.gamma.dtype)
            values |= {"mean": self.words.literal(0 * ones, None), "var": self.words.literal(ones, None)}
        for role in _PARAMETERS:
            if case.affine or signature.needs(role):
                values[role] = role if case.affine else "None"
        usual: dict[str, object] = {
            "training": training,
            "inference": not training,
            "momentum": spoken_momentum(making.momentum, self.adapter.dialect),
            "eps": case.eps,
        }
        return called(self.naming.name, signature, values, usual)

    def _taken(self, making: Making, call: str) -> Lines:
        """The result taken apart, and the statistics kept where they are returned."""
        if not self.several:
            return [f"y = {call}"]
        lines = [f"y, *rest = {call}"]
        return lines + self._kept(making)

    def _kept(self, making: Making) -> Lines:
        if not (
            self.adapter.takes_returned and len(self.vectors) > 1 and making.case.running_mean is not None
        ):
            return []
        names = ", ".join(self.held(role, making.to) for role in ("running_mean", "running_var"))
        return [f"{names} = {', '.join(f'rest{path}' for path in self.vectors[:2])}"]

    def both(self, making: Making, x: str, dy: str, *, training: bool) -> Lines:
        """As the framework finds gradients."""
        return [*self._open(making, x, "", training=training), *self._close(making, x, dy, "")]

    def opened(self, making: Making, x: str, number: int) -> Lines:
        """The same, in two halves."""
        if self.words.framework == "jax":
            return self._open(making, x, str(number), training=True)
        named = f"x{number}_"
        lines = [f"{named} = {x}.clone()", *self._open(making, named, "", training=True)]
        return [*lines, f"y{number}_ = y"]

    def closed(self, making: Making, dy: str, number: int) -> Lines:
        """The second half."""
        return self._close(making, f"x{number}_", dy, str(number))

    def tangent(self, making: Making, x: str, along: Direction, *, training: bool) -> Lines:
        """In forward mode."""
        leaves = self._leaves(making, x)
        if self.words.framework == "torch":
            return tangent_in_torch(self._recorded(making, x, training=training), leaves, along)
        function = self._function(making, training=training)
        return tangent_in_jax(function, leaves, along, aux=self.several)

    def second_order(self, making: Making, x: str, dy: str, along: Direction, *, training: bool) -> Lines:
        """As the framework differentiates twice."""
        leaves = self._leaves(making, x)
        if self.words.framework == "torch":
            return second_order_in_torch(self._recorded(making, x, training=training), leaves, dy, along)
        function = self._function(making, training=training)
        return second_order_in_jax(function, leaves, dy, along, aux=self.several)

    def _open(self, making: Making, x: str, mark: str, *, training: bool) -> Lines:
        leaves = self._leaves(making, x)
        if self.words.framework == "torch":
            grads = [f"for leaf in [{', '.join(leaves)}]:", "    leaf.requires_grad_()"]
            return [*grads, *self._recorded(making, x, training=training)]
        function = self._function(making, training=training)
        if not self.several:
            return [*function, f"y, pull{mark} = jax.vjp(function, {', '.join(leaves)})"]
        pull = f"y, pull{mark}, rest = jax.vjp(function, {', '.join(leaves)}, has_aux=True)"
        return [*function, pull, *self._kept(making)]

    def _function(self, making: Making, *, training: bool) -> Lines:
        """`function` of what is differentiated, with what comes after y beside it."""
        inner = self._call(making, "x", training=training)
        head = f"def function({', '.join(self._leaves(making, 'x'))}):"
        if not self.several:
            return [head, f"    return {inner}"]
        return [head, f"    y, *rest = {inner}", "    return y, rest"]

    def _close(self, making: Making, x: str, dy: str, mark: str) -> Lines:
        leaves = self._leaves(making, x)
        names = ", ".join(f"d{each}" for each in self._leaves(making, "x"))
        names = names if len(leaves) > 1 else f"{names},"
        if self.words.framework == "jax":
            return [f"{names} = pull{mark}({dy})"]
        y = f"y{mark}_" if mark else "y"
        return [f"{names} = torch.autograd.grad({y}, [{', '.join(leaves)}], {dy}, materialize_grads=True)"]

    def _leaves(self, making: Making, x: str) -> Lines:
        return [x, *(_PARAMETERS if making.case.affine else ())]

    def changed(self, _making: Making, _step: Step, _number: int, /) -> Lines:
        """A momentum is that of the calls from now on, which say it themselves."""
        return []

    def given(self, role: str, value: str) -> str:
        """The next call is given it."""
        return f"{role} = {self.words.copied.format(value)}"

    def held(self, role: str, of: str = "layer") -> str:
        """The array of that name; of a second layer under a name of its own."""
        return role if of == "layer" or role in _PARAMETERS else f"{of}_{role}"

    def count(self) -> str:
        """A function counts nothing."""
        return "None"


def _returned(adapter: Any, device: str) -> Any:
    """What the function returns on a small batch."""
    results: list[Any] = []
    function = adapter.function

    def watching(*arguments: Any, **named: Any) -> Any:
        results.append(function(*arguments, **named))
        return results[-1]

    adapter.function = watching
    try:
        evaluate(
            adapter, probe_case(adapter.capabilities, training=adapter.capabilities.train), device=device
        )
    except BncheckError:
        results = results or [None]
    finally:
        adapter.function = function
    return results[0]


def _vectors(values: Any, channels: int, path: str) -> list[str]:
    """Where in what is returned after y one number a channel stands, as `[1][0]`."""
    found: list[str] = []
    for place, each in enumerate(values):
        here = f"{path}[{place}]"
        if isinstance(each, tuple | list):
            found += _vectors(each, channels, here)
        elif int(np.prod(tuple(getattr(each, "shape", ())))) == channels:
            found.append(here)
    return found
