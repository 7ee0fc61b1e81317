"""The catalogue of planted bugs and sound variants: what it says of itself, and that it is right and wrong where it says so."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import pytest
from planted.battery import NOT_OFFERED, battery, laid_out, seen, shown, simple_case

from bncheck.adapter import Adapter
from bncheck.adapters.found import RANKS
from bncheck.case import Mode
from bncheck.errors import LoadError
from bncheck.implementation import Implementation
from bncheck.planted.bug import Bug, Sound
from bncheck.planted.catalogue import BUGS, SOUND
from bncheck.planted.classes import CLASSES, NOT_PLANTED
from bncheck.reference.formats import FORMATS
from bncheck.trial import Trial

FAMILIES = {
    "eps", "variance", "mean", "axes", "affine", "momentum", "running_mean", "running_var", "mode", "dtype",
    "numerics", "layout", "special_values", "gradient_dx", "gradient_dgamma", "gradient_dbeta", "second_order",
    "determinism", "aliasing", "state", "validation", "crash",
}  # fmt: skip
REPORT = re.compile(r"[\w.-]+/[\w.-]+#\d+|src:[\w.-]+/[\w.-]+(@\w+)?:[\w./-]+")
SENTENCE = re.compile(r"\S.*[^.]\.")
COUNTED = [bug for bug in BUGS if bug.port_of is None]


def made(each: Bug | Sound) -> Adapter:
    try:
        return each.make()
    except (ModuleNotFoundError, LoadError) as error:
        pytest.skip(str(error))


def test_every_id_is_its_own() -> None:
    ids = [*(bug.id for bug in BUGS), *(sound.id for sound in SOUND)]

    assert len(set(ids)) == len(ids)


def test_the_family_of_a_bug_is_one_of_causes() -> None:
    assert {bug.id.partition(".")[0] for bug in BUGS} <= FAMILIES


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_bug_says_what_it_is_and_what_it_models(bug: Bug) -> None:
    assert SENTENCE.fullmatch(bug.text)
    assert REPORT.fullmatch(bug.report)
    assert bug.bug_class in CLASSES
    assert set(bug.dtypes) <= set(FORMATS)


@pytest.mark.parametrize("sound", SOUND, ids=lambda sound: sound.id)
def test_a_sound_variant_says_what_it_is(sound: Sound) -> None:
    assert SENTENCE.fullmatch(sound.text)
    assert set(sound.dtypes) <= set(FORMATS)


def test_a_port_names_a_bug_of_the_same_class_that_is_none() -> None:
    known = {bug.id: bug for bug in COUNTED}

    for bug in BUGS:
        if bug.port_of is not None:
            assert known[bug.port_of].bug_class == bug.bug_class


def test_every_class_of_reports_has_two_bugs_or_a_reason() -> None:
    counts = Counter(bug.bug_class for bug in COUNTED)

    assert {each for each in CLASSES if counts[each] < 2} == set(NOT_PLANTED)
    assert all(SENTENCE.fullmatch(reason) for reason in NOT_PLANTED.values())


def test_there_are_enough_of_both() -> None:
    assert len(COUNTED) >= 120
    assert len(SOUND) >= 18


def test_the_catalogue_loads_no_framework() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import bncheck.planted.catalogue"]

    run = subprocess.run(command, capture_output=True, text=True, check=True)

    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in run.stderr.splitlines()}
    assert "bncheck" in loaded
    assert loaded.isdisjoint({"torch", "jax", "jaxlib"})


@pytest.mark.parametrize("sound", [each for each in SOUND if not each.slow], ids=lambda sound: sound.id)
def test_a_sound_variant_is_right_on_simple_cases(sound: Sound) -> None:
    implementation = Implementation(sound.id, made(sound))
    ranks = implementation.capabilities.ranks
    shape = next(shape for shape in ((6, 3, 2, 2), (6, 3), (3, 3, 2, 2, 2)) if len(shape) in ranks)
    modes: tuple[Mode, ...] = ("train", "eval")

    for dtype in sound.dtypes:
        for mode in modes:
            case, trial = simple_case(dtype, shape=shape, mode=mode), Trial(implementation)
            statistics = ("running_mean", "running_var") if mode == "train" else ()
            compared = trial.agreement(case, "y", "dx", "dgamma", "dbeta", *statistics)
            assert [each.message() for each in compared if each.fails] == []


@lru_cache
def base_of(kind: str) -> Adapter:
    """The sound variant that bugs of a kind of adapter are variations of."""
    name = {"NumpyLayerAdapter": "numpy.two_pass", "JaxLayerAdapter": "jax.functional"}.get(
        kind, "torch.composed"
    )
    return next(sound for sound in SOUND if sound.id == name).make()


@lru_cache
def seen_of_base(kind: str, dtype: str) -> tuple[object, ...]:
    return tuple(everything_of(base_of(kind), dtype))


def everything_of(adapter: Adapter, dtype: str) -> Iterator[object]:
    yield adapter.dialect
    compiles = adapter.capabilities.compiles
    ranks = (3,) if compiles else RANKS
    yield from (seen(adapter, case) for case in battery(dtype, ranks, few=compiles))
    if not compiles:
        yield from (seen(adapter, case) for case in laid_out(dtype, ranks))
    yield shown(adapter, simple_case(dtype, shape=(6, 3, 4)))


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.id)
def test_a_bug_shows_on_a_simple_case(bug: Bug) -> None:
    adapter = made(bug)
    kind = type(adapter).__name__

    assert any(
        own != sound and NOT_OFFERED not in (own, sound)
        for dtype in bug.dtypes
        for own, sound in zip(everything_of(adapter, dtype), seen_of_base(kind, dtype), strict=True)
    )


@pytest.mark.parametrize(
    "bug", [bug for bug in BUGS if bug.id.startswith("determinism.")], ids=lambda bug: bug.id
)
def test_what_varies_from_call_to_call_varies_the_same_in_every_run(bug: Bug) -> None:
    case = simple_case()
    runs = [[seen(adapter, case) for _ in range(3)] for adapter in (made(bug), made(bug))]

    assert runs[0] == runs[1]
