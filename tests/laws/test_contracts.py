"""The laws of one value a channel and of none, each alone, kill their bugs and allow each contract."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from laws.verdicts import CORPUS, verdicts
from mutants.layers import SOUND, LayerAdapter, Made, sound

from bncheck import Dialect, Gradients, wire
from bncheck.adapter import Pullback
from bncheck.capabilities import Capabilities
from bncheck.case import Native
from bncheck.case_file import SavedCase, find, save
from bncheck.errors import ImplementationDied, UsageError
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.properties.contracts import CONTRACTS
from bncheck.regions import EMPTY, SINGLE, Region
from bncheck.shapes import fitted_shape
from bncheck.simplification import complexity, proposals
from bncheck.trial import Trial
from bncheck.verdict import Status
from bncheck.verify import judge

LAWS = {law.id: law for law in CONTRACTS}
SINGLE_VALUE, EMPTY_BATCH, EVALUATION = LAWS


def _layer(dialect: Dialect | None = None, **parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts), dialect)  # type: ignore[arg-type]  # parts by their names


def _biased(dialect: Dialect | None = None, **parts: Callable[..., object]) -> LayerAdapter:
    """With one value a channel y is beta, and the running variance moves to 0."""
    factor: dict[str, Callable[..., object]] = {
        "tracked": lambda variance, m: variance * variance.dtype.type(m / max(m - 1, 1))
    }
    return _layer(dialect, **{**factor, **parts})


class Answering(LayerAdapter):
    """Has an answer of its own, which is y, where x has fewer than two values a channel; None where it goes on."""

    def answer(self, handle: Made, x: Native) -> Native | None:
        raise NotImplementedError

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        answer = self.answer(handle, x) if training and x.size <= x.shape[1] else None
        if answer is None:
            return super().vjp(handle, x, training)
        zero = None if handle.gamma is None else np.zeros_like(handle.gamma)
        return answer, lambda dy: Gradients(dy.copy(), zero, zero)


class Copying(Answering):
    """y is x, with nothing else done."""

    def answer(self, _handle: Made, x: Native) -> Native | None:
        return x.copy()


class Nothing(Answering):
    """y is NaN."""

    def answer(self, _handle: Made, x: Native) -> Native | None:
        return np.full_like(x, np.nan)


class Flat(Answering):
    """Empty batches of rank 2 are answered, those of other ranks go on to 0/0."""

    def answer(self, _handle: Made, x: Native) -> Native | None:
        return x.copy() if x.ndim == 2 else None


class ForRankTwo(LayerAdapter):
    """Raises for one value a channel of rank 2 alone."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        if training and x.ndim == 2 and x.size <= x.shape[1]:
            raise ValueError("expected more than one value")
        return super().vjp(handle, x, training)


class WithoutGradients(LayerAdapter):
    """Raises where no gradients are asked for."""

    def forward(self, handle: Made, x: Native, training: bool) -> Native:
        if training and x.size <= x.shape[1]:
            raise ValueError("expected more than one value")
        return super().forward(handle, x, training)


class InFloat64(LayerAdapter):
    """Raises in float64 alone."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        if training and x.dtype == np.float64 and x.size <= x.shape[1]:
            raise ValueError("expected more than one value")
        return super().vjp(handle, x, training)


class Decaying(Copying):
    """An empty batch counts as one of mean and variance 0."""

    def answer(self, handle: Made, x: Native) -> Native | None:
        assert handle.mean is not None
        assert handle.var is not None
        handle.mean, handle.var = handle.mean / 2, handle.var / 2
        return x.copy()


class Flattened(Copying):
    """y of an empty batch has lost its shape."""

    def answer(self, _handle: Made, x: Native) -> Native | None:
        return x.reshape(0)


class Refusing(LayerAdapter):
    """Raises for an empty batch in evaluation too."""

    def vjp(self, handle: Made, x: Native, training: bool) -> tuple[Native, Pullback]:
        if x.size == 0:
            raise ValueError("x is empty")
        return super().vjp(handle, x, training)


def _beta_in_evaluation(x: Native, mean: Native, r: Native, g: Native, b: Native) -> Native:
    """What is right in training alone."""
    return np.asarray(g * ((x - mean) * r) * (x.shape[1] > 1) + b)


KILLED: dict[str, list[LayerAdapter]] = {
    SINGLE_VALUE: [
        ForRankTwo(replace(sound(), tracked=lambda variance, m: variance)),
        WithoutGradients(replace(sound(), tracked=lambda variance, m: variance)),
        InFloat64(replace(sound(), tracked=lambda variance, m: variance)),
        # x - mean is not 0, or beta is forgotten
        _biased(mean=lambda x: 0 * x[:, :1]),
        _biased(affine=lambda x, mean, r, g, b: g * ((x - mean) * r) + b * (x.shape[1] > 1)),
        # the running variance jumps to infinity, or to 1
        _biased(tracked=lambda variance, m: variance + (m == 1) * np.inf),
        _biased(tracked=lambda variance, m: variance + variance.dtype.type(m == 1)),
        # other than declared
        _biased(Dialect(single="raise")),
        _biased(Dialect(single="nan")),
        _layer(Dialect(single="beta")),
        Nothing(sound(), Dialect(single="identity")),
    ],
    EMPTY_BATCH: [
        Decaying(sound()),
        Flattened(sound()),
        Flat(sound()),
        ForRankTwo(sound()),
        WithoutGradients(sound()),
        _layer(Dialect(empty="keep")),
        _layer(Dialect(empty="raise")),
        Copying(sound(), Dialect(empty="nan")),
    ],
    EVALUATION: [
        _layer(affine=_beta_in_evaluation),
        _layer(after_eval=lambda old: np.nextafter(old, old.dtype.type(9))),
        _layer(eval_moments=lambda x, mean, var: (mean, var) if x.shape[1] != 1 else (x, var)),
        _layer(eval_dbeta=lambda dy: dy.sum(axis=1, keepdims=True) + (dy.size == 0)),
    ],
}


@pytest.mark.parametrize("declared", ["any", "beta"])
@pytest.mark.parametrize("name", SOUND)
def test_beta_is_allowed_to_every_form(name: str, declared: str) -> None:
    layer = replace(
        SOUND[name], tracked=lambda variance, m: variance * variance.dtype.type(m / max(m - 1, 1))
    )
    adapter = LayerAdapter(layer, Dialect().declared("single", declared))
    assert verdicts(adapter, LAWS[SINGLE_VALUE]) == {SINGLE_VALUE: Status.HELD}


@pytest.mark.parametrize(
    ("name", "adapter"),
    [
        (SINGLE_VALUE, Copying(sound())),
        (SINGLE_VALUE, Copying(sound(), Dialect(single="identity"))),
        (SINGLE_VALUE, Nothing(sound())),
        (SINGLE_VALUE, Nothing(sound(), Dialect(single="nan"))),
        (SINGLE_VALUE, _layer(Dialect(single="raise"))),
        # 0/0, as where the factor m / (m - 1) meets a variance of 0
        (SINGLE_VALUE, _biased(tracked=lambda variance, m: variance + np.nan * (m == 1))),
        (EMPTY_BATCH, Copying(sound())),
        (EMPTY_BATCH, Copying(sound(), Dialect(empty="keep"))),
        (EMPTY_BATCH, _layer(Dialect(empty="nan"))),
        (EMPTY_BATCH, Refusing(sound(), Dialect(empty="raise"))),
    ],
)
def test_each_contract_is_allowed(name: str, adapter: LayerAdapter) -> None:
    assert verdicts(adapter, LAWS[name]) == {name: Status.HELD}


def test_evaluation_that_raises_for_an_empty_batch_is_a_crash() -> None:
    assert verdicts(Refusing(sound()), LAWS[EVALUATION]) == {EVALUATION: Status.CRASHED}


def test_the_end_of_a_process_is_no_contract() -> None:
    class Ending:
        def evaluate(self, _case: object) -> None:
            raise ImplementationDied("its process ended: signal SIGSEGV")

        def close(self) -> None:
            pass

    implementation = Implementation("layer", LayerAdapter(sound()), worker=Ending())  # type: ignore[arg-type]
    drawing = CORPUS.drawing(SINGLE, "float32", dtypes=4, ladder=False)
    case = CORPUS.examples(drawing)[0]
    failure = judge(LAWS[SINGLE_VALUE], case, Trial(implementation), drawing).failure
    assert failure is not None
    assert failure.status == Status.CRASHED


@pytest.mark.parametrize("region", [SINGLE, EMPTY])
@pytest.mark.parametrize("ranks", [(2,), (3,), (4,), (5,), (3, 4)])
def test_degenerate_cases_fit_every_rank_and_survive_the_corridor(
    region: Region, ranks: tuple[int, ...], tmp_path: Path
) -> None:
    drawing = CORPUS.drawing(region, "float16", dtypes=4, ladder=False)
    adapter = LayerAdapter(sound())
    adapter.capabilities = replace(adapter.capabilities, ranks=ranks)
    for case in CORPUS.examples(drawing)[:8]:
        fitted = fit(case, Implementation("layer", adapter))
        assert fitted.x.ndim in ranks
        assert (fitted.count, fitted.channels) == (case.count, case.channels)
        assert f"x {fitted.x.shape}" in fitted.summary()
        path = save(SavedCase("layer", "contract.empty_batch", "float16", "violated", "", fitted), tmp_path)
        assert find(str(path)).case.x.shape == fitted.x.shape
        stream = io.BytesIO()
        wire.send_case(stream, fitted)
        stream.seek(0)
        assert wire.case_of(*wire.receive(stream)).x.shape == fitted.x.shape
        smaller = [
            each for each in proposals(fitted, Capabilities()) if complexity(each) < complexity(fitted)
        ]
        assert all(min(each.count, 1) == min(case.count, 1) for each in smaller)


def test_other_laws_are_not_replayed_on_a_degenerate_case(tmp_path: Path) -> None:
    case = CORPUS.examples(CORPUS.drawing(SINGLE, "float32", dtypes=4, ladder=False))[0]
    path = save(SavedCase("layer", "forward.output", "float32", "violated", "", case), tmp_path)
    with pytest.raises(UsageError, match="fewer than two values a channel"):
        find(str(path))


@pytest.mark.parametrize(
    ("shape", "ranks", "fitted"),
    [
        ((0, 3), (4,), (0, 3, 1, 1)),
        ((1, 3), (3,), (1, 3, 1)),
        ((2, 3, 0), (4,), (2, 3, 0, 1)),
        ((2, 3, 0, 1), (2, 3), (2, 3, 0)),
        ((2, 3, 0, 1), (2,), (0, 3)),
    ],
)
def test_shapes_without_values_are_fitted(
    shape: tuple[int, ...], ranks: tuple[int, ...], fitted: tuple[int, ...]
) -> None:
    assert fitted_shape(shape, ranks) == fitted
