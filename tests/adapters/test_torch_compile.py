"""Compiled modules: what is judged is what torch.compile makes, and nothing is judged where it makes nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import bncheck
from bncheck.adapters.found import Found
from bncheck.adapters.probe import probe_case
from bncheck.errors import ImplementationCrashed, LoadError
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.spelling import spelling_of
from bncheck.step import Action, Step

torch: Any = pytest.importorskip("torch")
torch_compile: Any = pytest.importorskip("bncheck.adapters.torch_compile")

TARGET = "torch_compile+torch.nn:BatchNorm2d"
LAWS = r"^(forward\.output|statistics\.(mean|variance)|evaluation\.(output|statistics)|gradient\.d(x|gamma))$"
# A graph of a new kind takes seconds, and the first one of a folder a minute.
compiling = pytest.mark.slow


class OtherWhenCompiled(torch.nn.BatchNorm1d):  # type: ignore[misc]  # torch may be missing
    """Right as it is, and off by one where it is compiled."""

    def forward(self, x: Any) -> Any:
        y = super().forward(x)
        return y + 1 if torch.compiler.is_compiling() else y


class Broken(torch.nn.BatchNorm1d):  # type: ignore[misc]  # torch may be missing
    """No whole graph."""

    def forward(self, x: Any) -> Any:
        torch._dynamo.graph_break()
        return super().forward(x)


def implementation_of(module: type, name: str = "mine", **options: object) -> Implementation:
    return Implementation(name, torch_compile.TorchCompileAdapter(Found(module, name, options=options)))


def test_without_a_compiler_it_is_refused_in_one_sentence() -> None:
    config = torch._inductor.config

    with (
        config.patch({"cpp.cxx": ("no-such-compiler",)}),
        pytest.raises(LoadError, match=r"BatchNorm2d needs a C\+\+ compiler, .*: install g\+\+, or name one"),
    ):
        load(TARGET)


def test_a_module_that_is_run_as_it_is_is_not_taken_for_a_compiled_one() -> None:
    with (
        torch.compiler.set_stance("force_eager"),
        pytest.raises(LoadError, match=r"NotCompiled: torch\.compile runs the module as it is"),
    ):
        load(TARGET)


def test_a_module_that_makes_no_whole_graph_is_refused() -> None:
    with pytest.raises(LoadError, match=r"mine cannot be compiled as one graph here: .*graph"):
        implementation_of(Broken)


@compiling
def test_what_is_judged_is_what_is_compiled() -> None:
    implementation = implementation_of(OtherWhenCompiled)
    case = fit(probe_case(implementation.capabilities, dy=True), implementation)

    found = implementation.evaluate(case)

    exact = implementation_of(torch.nn.BatchNorm1d).evaluate(case)
    assert abs(found.y - exact.y - 1).max() < 1e-6
    assert abs(found.y - exact.y).min() > 0.5


@compiling
def test_beyond_the_limit_of_graphs_nothing_is_run_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    implementation = implementation_of(torch.nn.BatchNorm1d)
    case = fit(probe_case(implementation.capabilities, training=False), implementation)
    monkeypatch.setattr(torch_compile, "LIMIT", 1)

    with pytest.raises(ImplementationCrashed, match="FailOnRecompileLimitHit"):
        implementation.evaluate(case.changed(x=case.x[:, :2], **_two_channels(case)))


def _two_channels(case: Any) -> dict[str, Any]:
    return {name: getattr(case, name)[:2] for name in ("gamma", "beta", "running_mean", "running_var")}


@compiling
def test_numbers_that_are_compiled_in_are_fixed_and_what_is_not_offered_is_told() -> None:
    usual = implementation_of(torch.nn.BatchNorm1d).capabilities
    given = implementation_of(torch.nn.BatchNorm1d, eps=0.125, momentum=0.25).capabilities

    assert (usual.eps, usual.fixed_momentum, usual.compiles) == (1e-5, 0.1, True)
    assert (given.eps, given.fixed_momentum) == (0.125, 0.25)
    assert usual.why_not("forward_mode") == "torch.compile has no forward mode"
    assert usual.actions == ("copy", "reload", "move", "reset")


@compiling
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_compiled_layer_is_right_by_the_main_laws(dtype: str) -> None:
    report = bncheck.check(TARGET, profile="smoke", include=LAWS, dtypes=[dtype])

    verdicts = {law.law.id: law.status.value for law in report.targets[0].laws}
    assert len(verdicts) == 7
    assert set(verdicts.values()) == {"held"}, verdicts


@compiling
@pytest.mark.parametrize("action", ["copy", "reload", "reset", "move"])
def test_a_script_compiles_the_layer_and_what_takes_its_place(action: Action) -> None:
    implementation = implementation_of(torch.nn.BatchNorm1d, "torch_compile+torch.nn:BatchNorm1d")
    program = (Step("train"), Step(action), Step("train", 1), Step("eval"))
    case = fit(probe_case(implementation.capabilities, dy=True).changed(program=program), implementation)
    scene = Scene(spelling_of(implementation), implementation.capabilities, case)
    body = scene.evaluated()
    arrays = [f"{name} = {literal}" for name, literal in scene.needed(body).items()]
    found: dict[str, Any] = {"torch": torch, "copy": copy}

    exec("\n".join([*arrays, *body]), found)

    last = implementation.perform(case).observations[-1]
    assert len(case.program) == 4
    assert torch.equal(found["y"], torch.tensor(last.y))
    assert torch.equal(found["layer"].running_var, torch.tensor(last.state.var))
    assert "(layer.forward, fullgraph=True, dynamic=True)" in " ".join(body)
