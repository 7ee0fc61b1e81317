"""Each change of the surroundings is seen by its name, and what can be set back is set back."""
# ruff: noqa: NPY002  # the legacy generator is what is watched

from __future__ import annotations

import os
import random
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bncheck import surroundings
from bncheck.surroundings import FILTERS, RESTORED, STANDARD_OUTPUT, THREADS, _twister_bits, watched

STOP = threading.Event()


def start_a_thread() -> None:
    threading.Thread(target=STOP.wait, daemon=True).start()


EFFECTS: dict[str, Callable[[], object]] = {
    "Python's random state": random.random,
    "NumPy's random state": np.random.rand,
    "the working directory": lambda: os.chdir("/"),
    FILTERS: lambda: warnings.simplefilter("once"),
    THREADS: start_a_thread,
    STANDARD_OUTPUT: lambda: print("noise"),  # noqa: T201  # the noise that is watched
}


@pytest.mark.parametrize("name", EFFECTS)
def test_a_change_is_seen_by_its_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    STOP.clear()
    with warnings.catch_warnings():
        with watched() as watch:
            EFFECTS[name]()
        assert watch.changed == (name,)
    assert capsys.readouterr().out == ""
    STOP.set()


@pytest.mark.parametrize("name", [name for name in EFFECTS if name in RESTORED])
def test_what_can_be_set_back_is_set_back(name: str) -> None:
    with watched() as first:
        pass
    here, next_number = Path.cwd(), random.Random(0).random()
    random.seed(0)
    with watched():
        EFFECTS[name]()
    assert first.changed == ()
    assert Path.cwd() == here
    assert random.random() == next_number


def test_torch_s_random_state_is_seen_and_set_back() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    with watched() as watch:
        torch.rand(3)
    assert watch.changed == ("torch's random state",)
    assert torch.equal(torch.rand(1), expected)


def test_a_block_that_changes_nothing_changes_nothing() -> None:
    with watched() as watch:
        np.random.default_rng(0).normal(size=3)
    assert watch.changed == ()


def test_a_spare_normal_number_that_is_drawn_is_seen() -> None:
    np.random.seed(0)
    np.random.normal()  # of two that are made, one is kept for the next call
    before = np.random.get_state(legacy=False)
    with watched() as watch:
        np.random.normal()
    assert watch.changed == ("NumPy's random state",)
    assert str(np.random.get_state(legacy=False)) == str(before)


@pytest.mark.parametrize("bits_are_read", [True, False])
def test_a_spare_normal_number_of_python_that_is_drawn_is_seen(
    monkeypatch: pytest.MonkeyPatch, *, bits_are_read: bool
) -> None:
    monkeypatch.setattr(surroundings, "_PYTHON_BITS_ARE_READ", bits_are_read)
    random.seed(0)
    random.gauss()  # of two that are made, one is kept for the next call
    before = random.getstate()
    with watched() as watch:
        random.gauss()
    assert watch.changed == ("Python's random state",)
    assert random.getstate() == before


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="only CPython's memory is known")
def test_the_bits_of_python_s_generator_are_its_place_and_its_words() -> None:
    random.seed(7)
    random.random()
    *words, place = random.getstate()[1]
    assert surroundings._python_bits() == np.array([place, *words], np.uint32).tobytes()
    assert surroundings._PYTHON_BITS_ARE_READ


def test_the_bits_of_the_generator_are_its_key_and_its_place() -> None:
    np.random.seed(7)
    np.random.rand(3)
    _, key, place, *_ = np.random.get_state()
    assert _twister_bits() == np.append(np.asarray(key, np.uint32), np.uint32(place)).tobytes()


def test_another_bit_generator_is_watched_too() -> None:
    usual = np.random.get_bit_generator()  # type: ignore[attr-defined]  # public since NumPy 1.24
    try:
        np.random.set_bit_generator(np.random.PCG64(0))  # type: ignore[attr-defined]  # likewise
        with watched() as watch:
            np.random.rand()
        assert watch.changed == ("NumPy's random state",)
    finally:
        np.random.set_bit_generator(usual)  # type: ignore[attr-defined]  # likewise
