"""What a signature leaves open, found by a handful of tiny evaluations when a target is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from bncheck.adapter import Adapter
from bncheck.capabilities import Capabilities
from bncheck.case import Case, Native
from bncheck.direction import Direction
from bncheck.errors import BncheckError, DeviceLost, LoadError
from bncheck.implementation import Implementation
from bncheck.layout import Layout
from bncheck.outcome import Outcome
from bncheck.reference.formats import dtype_of

_HALVES = ("bfloat16", "float16")
_PROBED_LAYOUTS: tuple[Layout, ...] = ("transposed", "channels_last", "step", "padded")


class _OtherShape(NamedTuple):
    """The shape of x, and of the y that broadcasting made of it."""

    x: tuple[int, ...]
    y: tuple[int, ...]

    def __str__(self) -> str:
        return f"y has the shape {self.y}, x {self.x}"


class Probe:
    """Evaluations of one adapter, narrowing what it claims: an exception means not offered, and is the reason."""

    def __init__(self, adapter: Adapter, name: str, device: str) -> None:
        self.adapter, self.name = adapter, name
        self.implementation = Implementation(name, adapter, device)
        self.claimed = adapter.capabilities
        self.reasons = dict(adapter.capabilities.reasons)

    def narrow(self) -> Capabilities:
        """What is left of the claim; LoadError where no rank gives even a plain forward."""
        self._ranks()
        # An evaluation mode that is claimed stays: what has a switch and statistics for it and raises is wrong.
        if self.claimed.affine and self.claimed.plain:
            self._without("plain", probe_case(self.claimed, affine=False))
        if self.claimed.train and self.claimed.gradient:
            self._without("gradient", probe_case(self.claimed, dy=True))
        if self.claimed.eval and self.claimed.eval_gradient:
            self._without("eval_gradient", probe_case(self.claimed, training=False, dy=True))
            self._same_in_evaluation()
        if self.claimed.train and self.claimed.cumulative and self.claimed.momentum:
            self._without("cumulative", probe_case(self.claimed, cumulative=True))
        if self.claimed.eval and self.claimed.zero_eps and self.claimed.eps is None:
            self._zero_eps()
        half = next((each for each in _HALVES if each in self.claimed.dtypes), None)
        if half is not None and (self.claimed.mixed or self.claimed.uniform):
            self._without("mixed", probe_case(self.claimed, dtype=half, parameters="float32"))
            self._without("uniform", probe_case(self.claimed, dtype=half))
        self._claim(gradient=self.claimed.gradient and self.claimed.train)
        for mode, gradient in (("train", "gradient"), ("eval", "eval_gradient")):
            if mode in self.reasons:
                self.reasons.setdefault(gradient, self.reasons[mode])
        self._claim(eval_gradient=self.claimed.eval_gradient and self.claimed.eval)
        self._graphless()
        self._further()
        self._layouts()
        return self.claimed

    def outcome(self, case: Case) -> Outcome | str:
        """The outcome of a case, or why there is none; LoadError where nothing more can be had."""
        try:
            return self.implementation.evaluate(case)
        except DeviceLost as loss:
            raise LoadError(f"{self.name} cannot be loaded: {loss}") from loss
        except BncheckError as error:
            return str(error)

    def _ranks(self) -> None:
        modes = [
            training for training in (True, False) if (self.claimed.train if training else self.claimed.eval)
        ]
        failures: dict[bool, dict[int, str]] = {}
        for training in modes:
            told = {rank: self._failure(rank, training=training) for rank in self.claimed.ranks}
            failures[training] = {rank: error for rank, error in told.items() if isinstance(error, str)}
            ranks = _kept(told)
            if ranks:
                self._drop_training(failures[True] if not training and True in failures else {})
                dropped = [f"rank {rank}: {error}" for rank, error in told.items() if rank not in ranks]
                self.reasons |= {"ranks": "; ".join(dropped)} if dropped else {}
                self._claim(ranks=ranks)
                return
        first = next(
            (error for errors in failures.values() for error in errors.values()), "it offers no mode at all"
        )
        raise LoadError(f"{self.name} cannot be evaluated on any rank; the first attempt gave {first}")

    def _failure(self, rank: int, *, training: bool) -> str | _OtherShape | None:
        """Why x of this rank gives nothing, or what other shape it gives."""
        case = probe_case(replace(self.claimed, ranks=(rank,)), training=training)
        told = self.outcome(case)
        if isinstance(told, str):
            return told
        return None if told.y.shape == case.x.shape else _OtherShape(case.x.shape, told.y.shape)

    def _drop_training(self, failures: dict[int, str]) -> None:
        if failures:
            self.reasons["train"] = next(iter(failures.values()))
            self._claim(train=False)

    def _without(self, capability: str, case: Case) -> None:
        if not getattr(self.claimed, capability):
            return
        outcome = self.outcome(case)
        if isinstance(outcome, str):
            self.reasons[capability] = outcome
            self._claim(**{capability: False})

    def _zero_eps(self) -> None:
        """What refuses eps 0 says so by a ValueError; what raises anything else is wrong."""
        outcome = self.outcome(probe_case(self.claimed, training=False).changed(eps=0.0))
        if isinstance(outcome, str) and outcome.startswith("ValueError: "):
            self.reasons["zero_eps"] = outcome
            self._claim(zero_eps=False)

    def _further(self) -> None:
        """Derivatives beyond the gradients, which a function with a backward pass of its own may not have.

        What leaves the framework in between has no gradients and says so; in forward mode it would only be wrong.
        """
        for capability, dy in (("forward_mode", False), ("second_order", True)):
            if getattr(self.claimed, capability) and not self.claimed.gradient:
                self.reasons[capability] = self.reasons.get("gradient", "it offers no gradients in training")
                self._claim(**{capability: False})
            case = probe_case(self.claimed, dy=dy)
            self._without(capability, case.changed(direction=Direction(case.x, case.gamma, case.beta)))

    def _layouts(self) -> None:
        """What refuses to read arrays that lie elsewhere, as torch's `view` does, says so and is never wrong."""
        for training in (True, False):
            if self.claimed.train if training else self.claimed.eval:
                dy = self.claimed.gradient if training else self.claimed.eval_gradient
                for rank, layout in product(self.claimed.ranks, _PROBED_LAYOUTS):
                    case = probe_case(replace(self.claimed, ranks=(rank,)), training=training, dy=dy)
                    self._without("layouts", case.changed(layouts=_everywhere(case, layout)))

    def _same_in_evaluation(self) -> None:
        """Some layers take their mode from whether gradients are asked for; those have none in evaluation."""
        outcomes = [self.outcome(probe_case(self.claimed, training=False, dy=dy)) for dy in (False, True)]
        values = [each.y.astype(np.float64) for each in outcomes if isinstance(each, Outcome)]
        if len(values) == 2 and not np.allclose(values[0], values[1], equal_nan=True):
            self.reasons["eval_gradient"] = "it leaves evaluation mode as soon as gradients are asked for"
            self._claim(eval_gradient=False)

    def _graphless(self) -> None:
        """Whether training is the same where no graph is recorded; a layer that takes its mode from that has another y."""
        arrays = getattr(self.adapter, "arrays", None)
        if not self.claimed.train or arrays is None or not hasattr(arrays, "graphless"):
            return
        recorded = self.outcome(probe_case(self.claimed))
        arrays.graphless = True
        alone = self.outcome(probe_case(self.claimed))
        arrays.graphless = (
            isinstance(recorded, Outcome)
            and isinstance(alone, Outcome)
            and np.allclose(recorded.y.astype(np.float64), alone.y.astype(np.float64), equal_nan=True)
        )

    def _claim(self, **changes: object) -> None:
        self.claimed = replace(self.claimed, reasons=self.reasons, **changes)  # type: ignore[arg-type]  # fields of Capabilities
        self.adapter.capabilities = self.claimed


def _kept(told: Mapping[int, str | _OtherShape | None]) -> tuple[int, ...]:
    """The ranks that work; those with a y of another shape only where there is no better one.

    Also the one rank that raises between ranks that work: that is a defect, which the run reports.  Where two fail it
    may be a layer for dense and for image batches alone.
    """
    right = [rank for rank, failure in told.items() if failure is None]
    if not right:
        return tuple(rank for rank, failure in told.items() if not isinstance(failure, str))
    failing = [rank for rank in told if rank not in right]
    if len(failing) == 1 and right[0] < failing[0] < right[-1] and isinstance(told[failing[0]], str):
        return tuple(told)
    return tuple(right)


def _everywhere(case: Case, layout: Layout) -> dict[str, Layout]:
    """Batches in a layout, and every other element of a buffer for the vectors, which have no order of axes."""
    vectors: dict[str, Layout] = dict.fromkeys(("gamma", "beta", "running_mean", "running_var"), "step")
    layouts: dict[str, Layout] = {"x": layout, "dy": layout, **vectors}
    return {name: each for name, each in layouts.items() if getattr(case, name) is not None}


def probe_case(
    claimed: Capabilities,
    *,
    training: bool | None = None,
    affine: bool | None = None,
    dy: bool = False,
    cumulative: bool = False,
    dtype: str | None = None,
    parameters: str | None = None,
) -> Case:
    """A small ordinary case within what is claimed, of its first rank and of float32 where it takes that."""
    name = dtype or ("float32" if "float32" in claimed.dtypes else claimed.dtypes[0])
    channels = claimed.channels or 3
    x = _values(_shape(claimed.ranks[0], channels), 7).astype(dtype_of(name))
    row = np.dtype(dtype_of(parameters or name))
    with_affine = claimed.affine if affine is None else affine
    train = claimed.train if training is None else training
    momentum = 0.5 if claimed.fixed_momentum is None else claimed.fixed_momentum
    only_cumulative = claimed.cumulative and not claimed.momentum
    return Case(
        x=x,
        dy=_values(x.shape, 5).astype(x.dtype) if dy else None,
        gamma=(1 + _values((channels,), 3)).astype(row) if with_affine else None,
        beta=_values((channels,), 4).astype(row) if with_affine else None,
        running_mean=_values((channels,), 5).astype(row) if claimed.set_statistics else None,
        running_var=(1 + _values((channels,), 3) ** 2).astype(row) if claimed.set_statistics else None,
        eps=0.125 if claimed.eps is None else claimed.eps,
        momentum=None if cumulative or only_cumulative else momentum,
        mode="train" if train else "eval",
    )


def _shape(rank: int, channels: int) -> tuple[int, ...]:
    """(N, C, ...) in which C equals no other extent, so that a wrong axis does not broadcast."""
    extents: Iterator[int] = (each for each in (4, 5, 6, 7, 8) if each != channels)
    return (next(extents), channels, *(next(extents) for _ in range(rank - 2)))


def _values(shape: tuple[int, ...], period: int) -> Native:
    """Eighths between -1 and 1, none like its neighbours: exact in every format."""
    count = int(np.prod(shape))
    return (((np.arange(count) * 5 + 2) % (2 * period + 1) - period) / 8).reshape(shape)
