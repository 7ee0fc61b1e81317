"""Adapters of the field's libraries: they judge the library, in its own conventions, and compile little."""

from __future__ import annotations

import re
from typing import Any

import pytest

import bncheck
from bncheck.adapters.frameworks import missing_framework
from bncheck.adapters.probe import probe_case
from bncheck.errors import LoadError
from bncheck.identify.identifying import contradictions
from bncheck.loading import load, needs_isolation
from bncheck.target import parse_target

# Each with the modules that it needs, and what is declared where the documentation is silent.
SILENT = {"variance": "one_pass", "clipped": "no"}
TARGETS = {
    "flax.nnx:BatchNorm": ("flax", {}),
    "flax.nnx:BatchNorm?use_fast_variance=false": ("flax", {}),
    "flax.linen:BatchNorm": ("flax", {}),
    "flax.linen:BatchNorm?use_fast_variance=false&axis=1": ("flax", {}),
    "haiku:BatchNorm": ("haiku", SILENT),
    "haiku:BatchNorm?data_format=NCHW": ("haiku", SILENT),
    "equinox.nn:BatchNorm?mode=batch": ("equinox", {}),
    "equinox.nn:BatchNorm?mode=ema": ("equinox", {}),
    "mlx.nn:BatchNorm": ("mlx", {}),
    "onnxruntime?opset=9": ("onnxruntime", {}),
    "onnxruntime?opset=14": ("onnxruntime", {}),
    "onnxruntime": ("onnxruntime", {}),
    "onnx.reference?opset=14": ("onnx", {}),
    "onnx.reference": ("onnx", {}),
}
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"
each_target = pytest.mark.parametrize("target", TARGETS)


def needed(target: str) -> dict[str, str]:
    """What is to be declared; the test is skipped where the library is not installed."""
    module, declared = TARGETS[target]
    pytest.importorskip(module)
    return dict(declared)


@each_target
def test_the_library_is_right_by_the_main_laws(target: str) -> None:
    declared = needed(target)

    report = bncheck.check(target, profile="smoke", include=LAWS, dtypes=["float32"], dialect=declared)

    verdicts = {law.law.id: law.status.value for law in report.targets[0].laws}
    assert set(verdicts.values()) <= {"held", "not_applicable"}, verdicts
    assert verdicts["evaluation.output"] == "held"
    assert verdicts["statistics.variance"] == "held"


@each_target
def test_what_is_declared_is_what_is_measured(target: str) -> None:
    declared = needed(target)

    implementation = load(target, dialect=declared)

    found = contradictions(implementation)

    implementation.close()
    assert {each.name for each in found} == set()


# Averages that are corrected for their start at zero.
CORRECTED = r"^(statistics\.convergence|program\.(statistics|output|rest|counter))$"


def test_haiku_is_judged_as_a_new_layer_and_after_some_batches() -> None:
    declared = needed("haiku:BatchNorm")

    report = bncheck.check(
        "haiku:BatchNorm", profile="smoke", include=CORRECTED, dtypes=["float32"], dialect=declared
    )

    laws = report.targets[0].laws
    assert {law.law.id: law.status.value for law in laws} == {law.law.id: "held" for law in laws}
    assert len(laws) == 5


def test_haiku_is_not_judged_by_a_plain_average() -> None:
    declared = {**needed("haiku:BatchNorm"), "first_batch": "blends"}

    report = bncheck.check(
        "haiku:BatchNorm",
        profile="smoke",
        include=r"^statistics\.convergence$",
        dtypes=["float32"],
        dialect=declared,
    )

    assert report.targets[0].laws[0].status.value == "violated"
    assert "declared first_batch=blends" not in str(report.targets[0].contradictions)
    assert "judged by first_batch=blends, measured debiased" in str(report.targets[0].contradictions)


def test_a_new_layer_of_equinox_is_found_to_start_its_variance_at_one() -> None:
    """docs/findings.md."""
    needed("equinox.nn:BatchNorm?mode=batch")

    report = bncheck.check(
        "equinox.nn:BatchNorm?mode=batch", profile="smoke", include=CORRECTED, dtypes=["float32"]
    )

    verdicts = {law.law.id: law.status.value for law in report.targets[0].laws}
    failing = {"statistics.convergence", "program.statistics"}
    assert {name for name, status in verdicts.items() if status == "violated"} == failing
    assert set(verdicts.values()) == {"held", "violated"}
    assert report.targets[0].contradictions == ()


@pytest.mark.parametrize(
    "target", ["flax.nnx:BatchNorm?use_fast_variance=false", "mlx.nn:BatchNorm", "onnxruntime"]
)
def test_a_wrong_declaration_of_the_running_variance_is_seen(target: str) -> None:
    declared = needed(target)
    wrong = "biased" if target.startswith("mlx") else "unbiased"

    report = bncheck.check(
        target,
        profile="smoke",
        include=r"^statistics\.variance$",
        dtypes=["float32"],
        dialect={**declared, "running_variance": wrong},
    )

    assert report.targets[0].laws[0].status.value == "violated"


@pytest.mark.parametrize("target", ["flax.nnx:BatchNorm", "flax.linen:BatchNorm", "haiku:BatchNorm"])
def test_eps_and_momentum_are_traced_and_compile_nothing_more(target: str) -> None:
    needed(target)
    implementation = load(target)
    case = probe_case(implementation.capabilities, dy=True)

    for eps, momentum in ((0.125, 0.5), (1e-3, 0.25), (1.0, 0.0078125)):
        implementation.evaluate(case.changed(eps=eps, momentum=momentum))

    adapter: Any = implementation.adapter
    assert adapter._differentiated._cache_size() == 1


@pytest.mark.parametrize("weight", [0.01, 0.1, 0.3])
def test_a_traced_momentum_moves_as_one_that_is_compiled_in(weight: float) -> None:
    nnx = pytest.importorskip("flax.nnx")
    jax = pytest.importorskip("jax")
    implementation = load("flax.nnx:BatchNorm?use_fast_variance=false")
    case = probe_case(implementation.capabilities).changed(momentum=weight)
    layer = nnx.BatchNorm(case.channels, momentum=1 - weight, use_fast_variance=False, rngs=nnx.Rngs(0))
    layer.mean[...] = jax.numpy.asarray(case.running_mean)

    layer(jax.numpy.asarray(case.x), use_running_average=False)

    found = implementation.evaluate(case).running_mean
    assert found is not None
    assert found.tolist() == layer.mean[...].tolist()


def test_arguments_that_are_given_are_fixed() -> None:
    pytest.importorskip("flax")
    capabilities = load("flax.linen:BatchNorm?epsilon=1e-3&momentum=0.75").capabilities

    assert capabilities.eps == 1e-3
    assert capabilities.fixed_momentum == 0.25
    assert capabilities.why_not("momentum") == "momentum is given"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("flax.nnx:BatchNorm?decay=0.9", "takes no 'decay' here; valid are num_features"),
        ("flax.linen:BatchNorm?axis=2", "axis is 2; bncheck judges 1 and -1"),
        ("equinox.nn:BatchNorm", "mode is None; say ?mode=batch or ?mode=ema"),
        ("onnxruntime?opset=8", "opset is 8; valid are 7, 9, 14, 15"),
        ("mlx.nn:BatchNorm?affine=false", "takes no 'affine' here"),
        ("mlx.nn:BatchNorm?eps=0", "could not be made: ValueError: [BatchNorm] 'eps' must be positive"),
        ("haiku:BatchNorm?data_format=foo", "could not be made: ValueError: Unable to extract channel"),
        ("equinox.nn:BatchNorm?mode=batch&input_size=1.5", "could not be made: TypeError: Shapes must be 1D"),
    ],
)
def test_what_cannot_be_judged_is_refused_in_one_sentence(target: str, said: str) -> None:
    module = re.split(r"\W", target, maxsplit=1)[0]
    pytest.importorskip(module)

    with pytest.raises(LoadError) as told:
        load(target, isolate=False)

    assert said in str(told.value)


@pytest.mark.parametrize("module", ["flax", "haiku", "equinox", "mlx", "onnxruntime"])
def test_a_library_that_is_missing_is_told_with_the_extra_that_brings_it(module: str) -> None:
    said = missing_framework(ModuleNotFoundError(name=f"{module}.nn"), "it")

    extra = "onnx" if module == "onnxruntime" else module
    assert str(said) == f'it needs {module}, which is not installed here: pip install "bncheck[{extra}]"'


def test_mlx_runs_where_it_can_be_ended() -> None:
    assert needs_isolation(parse_target("mlx.nn:BatchNorm"))
