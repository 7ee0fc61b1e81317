"""The laws of purity, each alone, kill their bugs and hold for sound layers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from laws.verdicts import verdicts
from mutants.layers import LayerAdapter, Made, sound, total

from bncheck import Adapter, Gradients
from bncheck.adapter import Pullback
from bncheck.case import Native
from bncheck.corpus import Corpus
from bncheck.dialect import Dialect
from bncheck.effort import CI
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.properties.purity import PURITY
from bncheck.verdict import Status
from bncheck.verify import planned, started, verify

LAWS = {law.id: law for law in PURITY}


class Watched(LayerAdapter):
    """A sound layer, to plant bugs in."""

    def __init__(self, dialect: Dialect | None = None) -> None:
        super().__init__(sound(), dialect)


class FoldsIntoGamma(Watched):
    """Multiplies gamma by a constant where it lies, once it has computed with it."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, pullback = super().vjp(handle, x, training)

        def folding(dy: Native) -> Gradients:
            found = pullback(dy)
            if handle.gamma is not None:
                handle.gamma *= handle.gamma.dtype.type(2)
            return found

        return y, folding


class KeepsAnotherBeta(Watched):
    """Puts another beta in the place of the one that it was given."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        return self.vjp(handle, x, training)[0]

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        found = super().vjp(handle, x, training)
        if handle.beta is not None:
            handle.beta = handle.beta + handle.beta.dtype.type(1)
        return found


class WritesDxOverY(Watched):
    """Saves memory: dx goes to where y was."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        y, pullback = super().vjp(handle, x, training)

        def over(dy: Native) -> Gradients:
            found = pullback(dy)
            y[...] = found.dx
            return found._replace(dx=y[...])

        return y, over


class TiesTheStatistics(Watched):
    """Keeps the running variance in the memory of gamma, which has the same shape and starts with ones as well."""

    def _track(self, handle: Made, mean: Any, variance: Any, count: int) -> None:
        super()._track(handle, mean, variance, count)
        if handle.gamma is not None and handle.var is not None:
            handle.var = handle.gamma[:]


class SumsInAnyOrder(Watched):
    """Adds up in another order each time, as atomic additions do."""

    def __init__(self, dialect: Dialect | None = None) -> None:
        super().__init__(dialect)
        self.layer = replace(sound(), mean=lambda x: total(self._shuffled(x)) / x.dtype.type(x.shape[1]))

    @staticmethod
    def _shuffled(x: Native) -> Native:
        return np.add.accumulate(np.random.default_rng().permutation(x, axis=1), axis=1)[:, -1:]


KILLED: dict[str, list[LayerAdapter]] = {
    "purity.parameters": [FoldsIntoGamma(), KeepsAnotherBeta()],
    "purity.aliasing": [WritesDxOverY(), TiesTheStatistics()],
    "purity.repetition": [SumsInAnyOrder()],
    "purity.evaluation": [FoldsIntoGamma(), WritesDxOverY()],
}


def test_sums_in_any_order_hold_where_they_are_declared() -> None:
    declared = SumsInAnyOrder(Dialect(repeatable="bounded"))
    assert verdicts(declared, LAWS["purity.repetition"]) == {"purity.repetition": Status.HELD}


def test_what_differs_beyond_its_bound_is_no_matter_of_order() -> None:
    class Guesses(Watched):
        def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
            y, pullback = super().vjp(handle, x, training)
            return y * y.dtype.type(np.random.default_rng().choice((1, 2))), pullback

    declared = Guesses(Dialect(repeatable="bounded"))
    assert verdicts(declared, LAWS["purity.repetition"]) == {"purity.repetition": Status.VIOLATED}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "target",
    ["reference.numpy", "reference.torch", "torch.nn:BatchNorm1d", "torch.nn:BatchNorm2d", "torch.nn:BatchNorm3d", "torch.nn.functional:batch_norm"],
)  # fmt: skip
def test_references_and_torchs_own_layers_are_pure(target: str, seed: int) -> None:
    if "torch" in target:
        pytest.importorskip("torch")
    corpus = Corpus(seed, replace(CI, examples=60, per_dtype=15))
    assert verdicts(load(target), *PURITY, corpus=corpus) == dict.fromkeys(LAWS, Status.HELD)


def test_enough_examples_decide() -> None:
    implementation = Implementation("sound", Watched())
    plan = planned(PURITY, implementation, implementation.capabilities.dtypes)
    for by_dtype in verify(implementation, plan, Corpus(0, CI), started(plan)).values():
        assert min(tally.deciding for tally in by_dtype.values()) >= 25
        assert sum(tally.deciding for tally in by_dtype.values()) >= 100


def test_a_torch_module_that_writes_into_its_weight_is_seen() -> None:
    torch = pytest.importorskip("torch")

    class Clamps(torch.nn.BatchNorm1d):  # type: ignore[misc,name-defined]  # torch is imported where it is installed
        def forward(self, x: Any) -> Any:
            y = super().forward(x)
            self.bias.data += 1
            return y

    assert verdicts(load(Clamps), LAWS["purity.parameters"]) == {"purity.parameters": Status.VIOLATED}


def test_jax_whose_arrays_cannot_be_changed_has_no_such_laws() -> None:
    pytest.importorskip("jax")
    offered = load("reference.jax").capabilities
    for name in ("parameters", "memory", "layouts"):
        assert offered.why_not(name) == "arrays of jax have no strides and cannot be changed in place"


def test_a_strangers_adapter_declares_what_it_shows() -> None:
    adapter = Adapter()
    handle = SimpleNamespace(gamma=np.full(3, 2.0), beta=np.ones((1, 3)), moving_mean=np.zeros(3))

    gamma, beta = adapter.get_params(handle)
    assert gamma is not None
    assert beta is not None
    assert (gamma.tolist(), beta.tolist()) == ([2, 2, 2], [1, 1, 1])
    assert adapter.held(handle, "running_mean") is handle.moving_mean
    assert adapter.held(handle, "running_var") is None
    adapter.lay_out(handle, "gamma", "step")
    assert (handle.gamma.tolist(), handle.gamma.strides) == ([2, 2, 2], (16,))
    assert LAWS["purity.parameters"].why_not(adapter.capabilities) is not None
