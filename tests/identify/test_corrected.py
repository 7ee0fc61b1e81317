"""Averages that are corrected for a start at zero: judged as a new layer and after some batches, in every form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from identify.planted import PLANTED

from bncheck.adapter import Adapter, State
from bncheck.case import Native
from bncheck.checking import judged
from bncheck.command_line import commands
from bncheck.compare.comparing import compared
from bncheck.compare.difference import Kind
from bncheck.corpus import Corpus
from bncheck.effort import SMOKE
from bncheck.fitting import fit
from bncheck.identify.identifying import contradictions, identified
from bncheck.loading import load
from bncheck.options import Options
from bncheck.planted.numpy_adapter import NumpyLayerAdapter, layer
from bncheck.planted.numpy_layer import Layer, Made, Rows, weight_of
from bncheck.properties.catalogue import CATALOGUE
from bncheck.regions import EVALUATION, PROGRAMS, REPEATED, TRAINING
from bncheck.report import FAILING
from bncheck.verdict import Status

LAYERS = Path(__file__).parent / "samples" / "layers.py"
DEBIASED = {"first_batch": "debiased"}
LAWS = r"^(statistics|parameters\.momentum|symmetry\.shift|evaluation|program\.(statistics|output|rest|counter)|special)"
CORPUS = Corpus(0, replace(SMOKE, shrinks=0))


def share(made: Made, batches: int) -> float:
    """1 - (1 - w)^t; a cumulative average, and a layer without a batch, need none."""
    momentum = made.config.momentum
    return 1.0 if momentum is None or batches == 0 else 1 - (1 - momentum) ** batches


def corrected(made: Made) -> float:
    """The weight of the next batch in the corrected average, which is all that this layer keeps."""
    return weight_of(made) / share(made, made.batches + 1)


def too_late(made: Made) -> float:
    """As if there had been a batch more."""
    return weight_of(made) / share(made, made.batches + 2)


def as_shown(_rows: Rows, mean: Rows, var: Rows, made: Made) -> tuple[Rows, Rows]:
    by = mean.dtype.type(share(made, made.batches))
    return mean / by, var / by


class Hidden(NumpyLayerAdapter):
    """Keeps the averages that start at zero, and a count; what it shows is corrected."""

    def __init__(self, kept: Layer) -> None:
        super().__init__(replace(kept, eval_moments=as_shown))

    def make(self, config: object) -> Made:
        made: Made = super().make(config)  # type: ignore[arg-type]  # a Config
        made.running_var[...] = 0
        return made

    def reset(self, handle: Made) -> None:
        super().reset(handle)
        handle.running_var[...] = 0

    def set_state(self, handle: Made, state: State) -> None:
        batches = state.batches or 0
        by = share(handle, batches) if batches else 0.0
        super().set_state(handle, State(_times(state.mean, by), _times(state.var, by), batches))

    def get_state(self, handle: Made) -> State:
        kept = super().get_state(handle)
        by = 1 / share(handle, handle.batches)
        return State(_times(kept.mean, by), _times(kept.var, by), kept.batches)


def _times(values: Native | None, factor: float) -> Native:
    assert values is not None
    return np.asarray((values.astype(np.float64) * factor).astype(values.dtype))


def shown_alone() -> Adapter:
    return layer(weight=corrected)()


def hidden() -> Adapter:
    return Hidden(Layer())


def hidden_from_one() -> Adapter:
    """Its variance starts at 1, and is corrected as if it had started at 0."""

    class FromOne(Hidden):
        def make(self, config: object) -> Made:
            made = super().make(config)
            made.running_var[...] = 1
            return made

    return FromOne(Layer())


def verdicts(target: object, dialect: dict[str, str], include: str = LAWS) -> dict[str, Status]:
    options = Options(
        profile="smoke", dialect=dialect, include=include, dtypes=("float32", "float64"), isolate=False
    )
    report = judged(target, CATALOGUE, options, CORPUS)
    assert report.error is None
    return {each.law.id: each.status for each in report.laws}


def failing(target: object, dialect: dict[str, str]) -> set[str]:
    return {id_ for id_, status in verdicts(target, dialect).items() if status in FAILING}


@pytest.mark.parametrize("make", [shown_alone, hidden])
def test_a_layer_that_counts_is_held_by_every_law(make: Callable[[], Adapter]) -> None:
    found = verdicts(make(), DEBIASED)
    assert {status for status in found.values() if status != Status.HELD} <= {Status.NOT_APPLICABLE}
    assert found["statistics.convergence"] == found["program.statistics"] == Status.HELD


def test_a_layer_that_counts_for_itself_is_held_too() -> None:
    assert failing(f"{LAYERS}:Corrected", DEBIASED) == set()


@pytest.mark.parametrize(
    "target",
    [
        PLANTED["numpy.two_pass"].make(),
        layer(weight=too_late)(),
        f"{LAYERS}:Unbiased",
        f"{LAYERS}:CorrectedByOneTooMany",
    ],
    ids=["not at all", "by one batch too many", "not at all, uncounted", "by one batch too many, uncounted"],
)
def test_what_is_not_corrected_or_not_so_is_found(target: object) -> None:
    found = failing(target, DEBIASED)
    assert {"statistics.mean", "statistics.variance", "statistics.convergence", "program.statistics"} <= found


def test_what_it_starts_from_must_weigh_nothing() -> None:
    """No law that gives the statistics sees it: only a layer that is new shows what it starts from."""
    found = failing(hidden_from_one(), DEBIASED)
    assert found >= {"statistics.convergence", "program.statistics"}
    assert not found & {"statistics.mean", "statistics.variance", "evaluation.output"}


def test_a_corrected_layer_that_says_nothing_is_told_what_it_is() -> None:
    assert {each.name for each in contradictions(load(hidden()))} == {"first_batch"}
    told = next(each.contradiction() for each in contradictions(load(hidden())))
    assert "measured debiased (a new layer's running_mean is 1 after one batch of mean 1" in told
    assert told.endswith("to be judged by that: --dialect first_batch=debiased")


@pytest.mark.parametrize("target", [shown_alone(), hidden(), f"{LAYERS}:Corrected"])
@pytest.mark.parametrize("dialect", [{}, DEBIASED])
def test_what_is_measured_of_it_does_not_hang_on_what_is_declared(
    target: object, dialect: dict[str, str]
) -> None:
    card = identified(
        load(target, dialect=dialect, isolate=False if isinstance(target, str) else None), sweeps=False
    )
    found = {
        name: card.value(name)
        for name in ("first_batch", "momentum", "running_variance", "update", "clipped")
    }
    assert found == {
        "first_batch": "debiased",
        "momentum": "new",
        "running_variance": "unbiased",
        "update": "forward",
        "clipped": "yes",
    }


def test_a_wrong_declaration_is_told_with_what_was_measured() -> None:
    words = ["run", "--profile", "smoke", "--dtype", "float32", "--include", r"^statistics\.mean$"]
    result = CliRunner().invoke(commands, [*words, f"{LAYERS}:Unbiased", "--dialect", "first_batch=debiased"])
    assert result.exit_code == 1
    assert (
        "dialect: declared first_batch=debiased, measured blends (a new layer's running_mean" in result.output
    )


def test_a_momentum_of_nothing_is_not_asked_of_it() -> None:
    implementation = load(hidden(), dialect=DEBIASED)
    assert "0 / 0" in str(implementation.capabilities.why_not("frozen"))
    assert "weighs little" in str(implementation.capabilities.why_not("small_weights"))
    drawn = CORPUS.examples(CORPUS.drawing(TRAINING, "float32", dtypes=1, ladder=False))
    assert all(case.momentum is None or fit(case, implementation).momentum for case in drawn)


@pytest.mark.parametrize(
    ("region", "new"), [(TRAINING, False), (EVALUATION, False), (REPEATED, True), (PROGRAMS, True)]
)
def test_it_is_new_where_several_batches_follow_and_not_where_one_does(region: object, new: object) -> None:
    implementation = load(hidden(), dialect=DEBIASED)
    drawn = CORPUS.examples(CORPUS.drawing(region, "float32", dtypes=1, ladder=False))  # type: ignore[arg-type]  # a Region
    fitted = [fit(case, implementation) for case in drawn]
    assert all(case.debiased for case in fitted)
    assert any(case.batches == 0 for case in fitted if case.momentum is not None) == new
    assert all(fit(case, implementation) is case for case in fitted)
    assert not any(step.action == "momentum" for case in fitted for step in case.program)


def test_a_comparison_translates_it() -> None:
    options = Options(profile="smoke", dtypes=("float32",), include=r"^statistics\.(mean|variance)$")
    contest = compared([PLANTED["numpy.two_pass"].make(), hidden()], CATALOGUE, options)
    assert {each.kind for each in contest.differences} == {Kind.DIALECT}
    assert "takes what a new layer starts from off its average" in contest.headline
    assert contest.differences[0].declare == DEBIASED
    assert contest.pairs[0].failures == ()
