"""tinygrad's layer, judged by the paper that its documentation names."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest

import bncheck
from bncheck.adapters.frameworks import missing_framework
from bncheck.adapters.probe import probe_case
from bncheck.case import Case
from bncheck.errors import LoadError
from bncheck.evaluation import configured, prepared
from bncheck.identify.identifying import contradictions
from bncheck.implementation import Implementation
from bncheck.loading import load, needs_isolation
from bncheck.target import parse_target

pytestmark = pytest.mark.skipif(find_spec("tinygrad") is None, reason="tinygrad is not installed")

LAYER = "tinygrad.nn:BatchNorm"
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"
OWN = """
from tinygrad.nn import BatchNorm

class Own(BatchNorm):
    def __call__(self, x):
        if not isinstance(self.eps, float):
            raise TypeError("eps is no number")
        return super().__call__(x)
"""


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device that needs no compiler, where there is none."""
    if which("clang") is None:
        monkeypatch.setenv("DEV", "PYTHON")


def alone() -> tuple[Implementation, Case]:
    """The layer in this process, and a case that it is asked about."""
    implementation = load(LAYER, isolate=False)
    return implementation, probe_case(implementation.capabilities, dy=True)


def verdicts(laws: str, target: str = LAYER, **declared: str) -> dict[str, str]:
    report = bncheck.check(target, profile="smoke", include=laws, dtypes=["float32"], dialect=declared)
    return {law.law.id: law.status.value for law in report.targets[0].laws}


def test_tinygrad_is_right_by_the_main_laws() -> None:
    found = verdicts(LAWS)

    assert set(found.values()) == {"held"}, found


def test_what_is_declared_is_what_is_measured() -> None:
    implementation = load(LAYER)

    found = contradictions(implementation)

    implementation.close()
    assert {each.name for each in found} == set()


def test_a_wrong_declaration_of_the_running_variance_is_seen() -> None:
    assert verdicts(r"^statistics\.variance$", running_variance="biased") == {
        "statistics.variance": "violated"
    }


def test_the_second_derivative_is_found_to_take_the_mean_for_a_constant() -> None:
    """docs/findings.md."""
    found = verdicts(r"^second_order\.(dy|x|gamma)$")

    assert found == {"second_order.dy": "held", "second_order.x": "violated", "second_order.gamma": "held"}


def test_eps_and_momentum_compile_nothing_more() -> None:
    implementation, probed = alone()
    compiled = import_module("tinygrad.codegen").to_program_cache

    implementation.evaluate(probed)
    before = len(compiled)

    for eps, momentum in ((0.25, 0.75), (1e-3, 0.25), (1.5, 0.0078125)):
        implementation.evaluate(probed.changed(eps=eps, momentum=momentum))

    assert len(compiled) == before > 0


@pytest.mark.parametrize("weight", [0.0, 0.01, 0.1, 0.3, 1.0])
def test_a_momentum_that_is_given_to_the_kernel_moves_as_one_that_is_compiled_in(weight: float) -> None:
    implementation, probed = alone()
    tinygrad: Any = import_module("tinygrad")
    of = probed.changed(momentum=weight)
    layer = import_module("tinygrad.nn").BatchNorm(of.channels, eps=of.eps, momentum=weight)
    layer.running_mean = tinygrad.Tensor(of.running_mean).contiguous().realize()
    layer.running_var = tinygrad.Tensor(of.running_var).contiguous().realize()

    with tinygrad.Context(TRAINING=1):
        layer(tinygrad.Tensor(of.x))

    found = implementation.evaluate(of)
    assert found.running_mean is not None
    assert found.running_var is not None
    assert found.running_mean.tolist() == layer.running_mean.tolist()
    assert found.running_var.tolist() == layer.running_var.tolist()


def test_the_pullback_of_an_earlier_pass_gives_the_gradients_of_that_pass() -> None:
    implementation, probed = alone()
    adapter, expected = implementation.adapter, implementation.evaluate(probed)
    handle = prepared(adapter, probed, configured(probed, "cpu"))
    assert probed.dy is not None
    assert expected.dx is not None

    y, pullback = adapter.vjp(handle, adapter.place(probed.x), training=True)
    adapter.forward(handle, adapter.place(probed.x + 1), training=True)
    found = adapter.fetch(pullback(adapter.place(probed.dy)).dx)

    assert np.array_equal(adapter.fetch(y), expected.y)
    assert np.abs(found - expected.dx).max() <= 4 * np.finfo(np.float32).eps * np.abs(expected.dx).max()


def test_a_class_that_needs_eps_as_a_number_gets_it(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)

    assert verdicts(r"^statistics\.mean$", f"{tmp_path / 'own.py'}:Own") == {"statistics.mean": "held"}


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHEDB", "/dev/null/cache.db")

    assert verdicts(r"^statistics\.mean$") == {"statistics.mean": "held"}


def test_without_a_compiler_it_is_judged_on_the_device_that_needs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DEV", "PYTHON")

    assert verdicts(r"^statistics\.mean$") == {"statistics.mean": "held"}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("CPU", "needs clang, with which tinygrad compiles for the CPU, and there is none here: install it"),
        ("", "or set DEV=PYTHON, tinygrad's device that needs no compiler"),
        ("CUDA", "is judged on tinygrad's devices CPU and PYTHON, not on DEV=CUDA"),
    ],
)
def test_a_device_that_cannot_be_had_is_told_in_one_sentence(
    place: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DEV", place)

    with pytest.raises(LoadError) as told:
        load(LAYER)

    assert said in str(told.value)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (f"{LAYER}?affine=false", "takes no 'affine' here; valid are sz, eps, momentum"),
        (f"{LAYER}?sz=two", "could not be made: "),
        (f"{LAYER}@cuda", "is judged on cpu alone, not on 'cuda'"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(target: str, said: str) -> None:
    with pytest.raises(LoadError) as told:
        load(target)

    assert said in str(told.value)


def test_what_a_layer_cannot_be_asked_is_told() -> None:
    implementation = load(f"{LAYER}?eps=0.5&momentum=0.25&sz=3")
    implementation.close()
    offered = implementation.capabilities

    assert (offered.eps, offered.fixed_momentum, offered.channels) == (0.5, 0.25, 3)
    assert offered.why_not("momentum") == "momentum is given"
    assert offered.why_not("forward_mode") == "tinygrad has no forward mode"


def test_tinygrad_has_a_process_of_its_own() -> None:
    assert needs_isolation(parse_target(LAYER))


def test_a_missing_library_is_told_with_the_extra_that_brings_it() -> None:
    said = missing_framework(ModuleNotFoundError(name="tinygrad.nn"), "it")

    assert str(said) == 'it needs tinygrad, which is not installed here: pip install "bncheck[tinygrad]"'
