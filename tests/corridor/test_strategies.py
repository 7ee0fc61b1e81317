"""The generators reach what laws need, the same for the same seed, and nothing a target says changes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from corridor.bits import fingerprint

from bncheck.case import Case, channel_major
from bncheck.corpus import Corpus
from bncheck.effort import CI, SMOKE
from bncheck.reference.formats import FORMATS
from bncheck.regions import EVALUATION, TRAINING, ZERO_EPS, Region
from bncheck.shapes import LADDER


@lru_cache(maxsize=16)
def examples(region: Region, dtype: str, seed: int = 3, *, ladder: bool = False) -> tuple[Case, ...]:
    corpus = Corpus(seed, CI)
    return tuple(corpus.examples(corpus.drawing(region, dtype, dtypes=1, ladder=ladder)))


def channels(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rows = channel_major(case.x)
    return rows.mean(axis=1), rows.std(axis=1)


REACHED: dict[str, Callable[[Case], bool]] = {
    "two values a channel": lambda case: case.count == 2,
    "a thousand values a channel": lambda case: case.count > 1000,
    "rank 2": lambda case: case.x.ndim == 2,
    "rank 5": lambda case: case.x.ndim == 5,
    "one sample": lambda case: case.x.shape[0] == 1,
    "one channel": lambda case: case.channels == 1,
    "as many channels as columns": lambda case: case.x.ndim > 2 and case.channels == case.x.shape[-1] > 1,
    "variance near eps": lambda case: bool(
        np.any((channels(case)[1] ** 2 > case.eps / 4) & (channels(case)[1] ** 2 < case.eps * 4))
    ),
    "variance far below eps": lambda case: bool(
        np.any((channels(case)[1] ** 2 < case.eps / 100) & (channels(case)[1] > 0))
    ),
    "an offset of ten thousand deviations": lambda case: bool(
        np.any(np.abs(channels(case)[0]) > 1e4 * np.maximum(channels(case)[1], 1e-300))
    ),
    "a constant channel": lambda case: bool(np.any(np.ptp(channel_major(case.x), axis=1) == 0)),
    "an eps above 0.01": lambda case: case.eps > 0.01,
    "an eps below 1e-7": lambda case: case.eps < 1e-7,
    "momentum other than 0.1": lambda case: case.momentum not in (None, 0.1, 0.5),
    "a cumulative average": lambda case: case.momentum is None,
    "negative gamma": lambda case: case.gamma is not None and bool(np.any(case.gamma < 0)),
    "zero gamma": lambda case: case.gamma is not None and bool(np.any(case.gamma == 0)),
    "beta other than zero": lambda case: case.beta is not None and bool(np.any(case.beta != 0)),
    "no gamma": lambda case: case.gamma is None,
    "running mean other than 0": lambda case: (
        case.running_mean is not None and bool(np.any(case.running_mean != 0))
    ),
    "running variance other than 1": lambda case: (
        case.running_var is not None and bool(np.any(case.running_var != 1))
    ),
    "dy that differs within a channel": lambda case: (
        case.dy is not None and bool(np.any(np.ptp(channel_major(case.dy), axis=1) > 0))
    ),
}


@pytest.mark.parametrize("name", REACHED)
def test_training_cases_reach(name: str) -> None:
    assert any(REACHED[name](case) for case in examples(TRAINING, "float32"))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_comes_with_parameters_of_both_kinds(dtype: str) -> None:
    kinds = {
        case.running_mean.dtype.name for case in examples(TRAINING, dtype) if case.running_mean is not None
    }
    assert kinds == {dtype, "float32"}


@pytest.mark.parametrize("dtype", FORMATS)
def test_cases_are_finite_and_of_their_dtype(dtype: str) -> None:
    for case in examples(TRAINING, dtype):
        assert case.x.dtype.name == dtype
        assert np.isfinite(case.x.astype(np.float64)).all()
        assert case.dy is not None
        assert np.isfinite(case.dy.astype(np.float64)).all()


def test_the_same_seed_draws_the_same_bits_and_another_seed_others() -> None:
    first = [fingerprint(case) for case in examples(TRAINING, "float32", 11)]
    corpus = Corpus(11, CI)
    again = corpus.examples(corpus.drawing(TRAINING, "float32", dtypes=1, ladder=False))
    assert [fingerprint(case) for case in again] == first
    assert [fingerprint(case) for case in examples(TRAINING, "float32", 12)] != first


def test_evaluation_without_eps_has_positive_variances() -> None:
    for case in examples(ZERO_EPS, "float16"):
        assert case.eps == 0
        assert case.running_var is not None
        assert (case.running_var > 0).all()


def test_compiled_targets_see_only_shapes_of_the_ladder() -> None:
    shapes = {case.x.shape for case in examples(EVALUATION, "float32", ladder=True)}
    assert shapes <= {plan.shape for plan in LADDER}
    assert len(LADDER) * 2 * len(FORMATS) <= 96


def test_the_effort_keeps_its_floors() -> None:
    assert CI.count(4) >= 25 * 2
    assert 4 * CI.count(4) >= 100
    assert 2 * CI.count(2) >= 100
    assert CI.count(1) >= 100
    assert 2 * SMOKE.count(2) >= 10


def test_arrays_of_a_case_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        examples(TRAINING, "float32")[0].x[...] = 0


def test_a_region_with_a_base_draws_what_the_corpus_makes_of_the_base() -> None:
    corpus = Corpus(7, SMOKE)
    drawing = corpus.drawing(ZERO_EPS, "float32", dtypes=2, ladder=False)
    assert [fingerprint(case) for case in corpus.examples(drawing)] == [
        fingerprint(case) for case in drawing.examples()
    ]


DRAWS = """
import hashlib
import sys

sys.path[:0] = sys.argv[1:]
if len(sys.argv) > 2:
    import layer
from corridor.bits import fingerprint

from bncheck.corpus import Corpus
from bncheck.effort import CI
from bncheck.regions import PROGRAMS, TRAINING

corpus = Corpus(0, CI)
for region in (TRAINING, PROGRAMS):
    for case in corpus.examples(corpus.drawing(region, "float64", dtypes=4, ladder=False)):
        print(hashlib.sha256(fingerprint(case)).hexdigest())
"""


def test_the_numbers_in_a_targets_own_source_change_no_example(tmp_path: Path) -> None:
    (tmp_path / "layer.py").write_text("NUMBERS = [3, 5, 7, 11, 1234567, 0.123, 4.5678, -2.25, 0.75]\n")
    tests = str(Path(__file__).parents[1])
    draws = [
        subprocess.run(
            [sys.executable, "-c", DRAWS, tests, *beside], capture_output=True, text=True, check=True
        ).stdout
        for beside in ([], [str(tmp_path)])
    ]
    assert draws[0] == draws[1]
    assert len(draws[0].splitlines()) == 80
