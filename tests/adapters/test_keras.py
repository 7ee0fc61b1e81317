"""Keras on each of its backends, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

import bncheck
from bncheck.adapters.importing import importing
from bncheck.errors import LoadError
from bncheck.identify.identifying import contradictions
from bncheck.loading import load, needs_isolation
from bncheck.target import parse_target

# Not imported here: a process has one backend, and TensorFlow and paddle come in one order alone.
pytestmark = pytest.mark.skipif(find_spec("keras") is None, reason="keras is not installed")

LAYER = "keras.layers:BatchNormalization"
# The documentation does not say how the variance is computed; on these backends it is one-pass and may be negative.
SILENT = {"variance": "one_pass", "clipped": "no"}
BACKENDS = {"torch": SILENT, "numpy": SILENT, "jax": {}, "tensorflow": {}}
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"

each_backend = pytest.mark.parametrize("backend", BACKENDS)


def needed(backend: str) -> tuple[str, dict[str, str]]:
    """The target and what is to be declared; the test is skipped where the backend is not installed."""
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    return f"{LAYER}?backend={backend}", dict(BACKENDS[backend])


def verdicts(target: str, laws: str, *, dtype: str = "float32", **declared: str) -> dict[str, str]:
    report = bncheck.check(target, profile="smoke", include=laws, dtypes=[dtype], dialect=declared)
    return {law.law.id: law.status.value for law in report.targets[0].laws}


@each_backend
def test_keras_is_right_by_the_main_laws(backend: str) -> None:
    target, declared = needed(backend)

    found = verdicts(target, LAWS, **declared)

    gradients = {each for each, verdict in found.items() if verdict == "not_applicable"}
    assert set(found.values()) <= {"held", "not_applicable"}, found
    assert gradients == ({"gradient.dx", "gradient.dgamma"} if backend == "numpy" else set())


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_channels_second_are_judged_as_well(backend: str) -> None:
    target, declared = needed(backend)

    assert verdicts(f"{target}&axis=1", r"^forward\.output$", **declared) == {"forward.output": "held"}


@each_backend
def test_what_is_declared_is_what_is_measured_but_for_float64(backend: str) -> None:
    target, declared = needed(backend)
    implementation = load(target, dialect=declared)

    found = contradictions(implementation)

    implementation.close()
    assert {each.name for each in found} == (set() if backend == "tensorflow" else {"float64"})


@pytest.mark.parametrize("backend", ["numpy", "jax"])
def test_a_wrong_declaration_of_the_running_variance_is_seen(backend: str) -> None:
    target, declared = needed(backend)

    found = verdicts(target, r"^statistics\.variance$", **declared, running_variance="unbiased")

    assert found == {"statistics.variance": "violated"}


def test_the_derivatives_of_the_gradients_are_judged() -> None:
    target, declared = needed("torch")

    found = verdicts(target, r"^(second_order\.x|forward_mode\.output)$", **declared)

    assert set(found.values()) == {"held"}, found


@pytest.mark.parametrize(("backend", "verdict"), [("numpy", "violated"), ("tensorflow", "held")])
def test_float64_that_is_computed_in_float32_is_seen(backend: str, verdict: str) -> None:
    target, declared = needed(backend)

    found = verdicts(target, r"^forward\.output$", dtype="float64", **declared)

    assert found == {"forward.output": verdict}


def test_half_precision_has_variables_of_its_own_or_of_float32() -> None:
    target, declared = needed("numpy")

    found = verdicts(target, r"^(forward\.(output|dtypes)|statistics\.mean)$", dtype="bfloat16", **declared)

    assert set(found.values()) == {"held"}, found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("?backend=mxnet", "backend is 'mxnet'; valid are torch, jax, tensorflow, numpy"),
        ("?backend=numpy&axis=2", "axis is 2; bncheck judges 1 and -1"),
        ("?backend=numpy&renorm=true", "takes no 'renorm' here; valid are axis, momentum, epsilon"),
        ("?backend=numpy@cuda", "is judged on cpu alone, not on 'cuda'"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(options: str, said: str) -> None:
    with pytest.raises(LoadError) as told:
        load(f"{LAYER}{options}")

    assert said in str(told.value)


def test_arguments_that_are_given_are_fixed() -> None:
    implementation = load(f"{LAYER}?backend=numpy&epsilon=0.5&momentum=0.75")
    implementation.close()
    capabilities = implementation.capabilities

    assert (capabilities.eps, capabilities.fixed_momentum) == (0.5, 0.25)
    assert capabilities.why_not("gradient") == "Keras's backend numpy finds no gradients"


def test_keras_has_a_process_of_its_own() -> None:
    assert needs_isolation(parse_target(LAYER))


def test_the_backend_of_the_environment_holds_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "numpy")

    implementation = load(LAYER)

    implementation.close()
    assert set(implementation.adapter.versions()) == {"keras", "numpy"}


def test_a_named_backend_comes_before_the_environment_and_leaves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    with importing("keras.layers", {"backend": "numpy"}, LAYER):
        inside = os.environ["KERAS_BACKEND"]

    assert (inside, os.environ["KERAS_BACKEND"]) == ("numpy", "jax")


def test_a_second_backend_in_one_process_is_refused() -> None:
    needed("torch")
    program = (
        "from bncheck.loading import load\n"
        f"load('{LAYER}?backend=numpy', isolate=False)\n"
        f"load('{LAYER}?backend=torch', isolate=False)\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert "Keras runs on numpy in this process already" in done.stderr


def test_nothing_is_written_on_the_terminal_while_tensorflow_loads() -> None:
    needed("tensorflow")
    program = f"from bncheck.loading import load\nload('{LAYER}?backend=tensorflow', isolate=False)\n"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
