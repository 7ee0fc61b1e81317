"""Scripts for models of ONNX, run by onnxruntime, by the reference of onnx itself and by OpenVINO."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reproducer.targets import case, elsewhere, floats, reproducer

from bncheck.case import Case
from bncheck.errors import UsageError
from bncheck.evaluation import evaluate
from bncheck.fitting import fit
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.performing import perform
from bncheck.reproducer.scene import Scene
from bncheck.reproducer.spelling import Making, Spelling, spelling_of
from bncheck.step import ACTIONS, Action, Step

onnx: Any = pytest.importorskip("onnx")
RUNTIMES = Path(__file__).resolve().parent / "samples" / "odd_runtimes.py"
TARGETS = (
    "onnx.reference?opset=14",
    "onnx.reference?opset=15",
    "onnxruntime?opset=14",
    "onnxruntime?opset=15",
    "openvino?opset=9",
    "openvino?opset=15",
)
# What a new layer, another momentum and the statistics of the batches before make of the next batch.
PROGRAM = (
    Step("train"),
    Step("momentum", value=0.75),
    Step("forward"),
    Step("other", 2),
    Step("eval"),
    Step("train", 1),
)
IMAGES = floats([[[1.0, 2.0]], [[0.5, -1.0]]], [[[3.0, -2.0]], [[0.0, 4.0]]])


def there(target: str) -> None:
    """Skip where the library of a target is missing."""
    name = target.partition("?")[0].partition("+")[0]
    if find_spec(name.partition(".")[0]) is None:
        pytest.skip(f"{name} is not installed")


def written_out(implementation: Implementation, of: Case) -> dict[str, Any]:
    """The names that the lines of a case leave behind."""
    scene = Scene(spelling_of(implementation), implementation.capabilities, of)
    lines = [*scene.evaluated(), *(f"left_{role} = {scene.held(role)}" for role in ("gamma", "running_mean"))]
    lines += [f"left_running_var = {scene.held('running_var')}"]
    arrays = [f"{name} = {literal}" for name, literal in scene.needed(lines).items()]
    words = scene.spelling
    text = [*words.words.imports, *words.naming.imports, "import contextlib, ml_dtypes", *arrays, *lines]
    names: dict[str, Any] = {}
    exec("\n".join(text), names)  # our own lines
    return names


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("target", TARGETS)
def test_the_lines_of_a_case_compute_what_the_adapter_computes(target: str, mode: str) -> None:
    there(target)
    implementation = load(target, isolate=False)
    of = fit(case(x=IMAGES, dy=None, mode=mode), implementation)

    names = written_out(implementation, of)

    expected = evaluate(implementation.adapter, of, device="cpu")
    for name, left in (
        ("y", "y"),
        ("running_mean", "left_running_mean"),
        ("running_var", "left_running_var"),
    ):
        quantity = expected.quantity(name)
        assert quantity is not None
        assert names[left].tobytes() == quantity.tobytes()
    assert names["left_gamma"].tolist() == [2.0, 0.5]


@pytest.mark.parametrize("target", TARGETS)
def test_the_lines_of_a_program_compute_what_the_adapter_computes(target: str) -> None:
    there(target)
    implementation = load(target, isolate=False)
    of = fit(case(program=PROGRAM), implementation)
    assert of.program == PROGRAM

    names = written_out(implementation, of)

    last = perform(implementation.adapter, of, device="cpu").observations[-1]
    assert last.y is not None
    assert last.state.mean is not None
    assert names["y"].tobytes() == last.y.tobytes()
    assert names["left_running_mean"].tobytes() == last.state.mean.tobytes()


def test_half_precision_goes_with_statistics_in_single_precision() -> None:
    implementation = load("onnx.reference?opset=15", dtypes=("float16",), isolate=False)
    x = case().x.astype(np.float16)

    names = written_out(implementation, case(x=x, dy=None))

    inputs = {each.name: each.type.tensor_type.elem_type for each in names["train_model"].graph.input}
    kinds = onnx.TensorProto
    assert inputs == {"X": kinds.FLOAT16} | dict.fromkeys(("scale", "B", "mean", "var"), kinds.FLOAT)
    assert names["y"].dtype == np.float16


def test_what_a_case_does_not_give_is_as_in_a_new_layer() -> None:
    implementation = load("onnx.reference?opset=15", isolate=False)
    spelling = spelling_of(implementation)

    (first, *_) = spelling.made(Making(case(running_mean=None, running_var=None), 0.25))

    assert first == (
        "layer = dict(scale=gamma, B=beta, mean=np.zeros(2, np.float32), var=np.ones(2, np.float32))"
    )


def written(folder: Path, *, training: bool) -> str:
    """A model as an exporter writes it, gamma and all the rest constants in it."""
    names = ["x", "weight", "bias", "mean", "var"]
    outputs = ["y", "next_mean", "next_var"] if training else ["y"]
    mode = {"training_mode": 1} if training else {}
    node = onnx.helper.make_node(
        "BatchNormalization", names, outputs, epsilon=0.5, momentum=0.75, name="norm", **mode
    )
    kind = onnx.TensorProto.FLOAT
    given = [onnx.helper.make_tensor_value_info("x", kind, ["N", 2])]
    made = [onnx.helper.make_tensor_value_info(name, kind, None) for name in outputs]
    constants = [onnx.numpy_helper.from_array(np.ones(2, np.float32), name) for name in names[1:]]
    graph = onnx.helper.make_graph([node], "exported", given, made, constants)
    path = folder / "model.onnx"
    opset = [onnx.helper.make_opsetid("", 15)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return str(path)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("runner", ["onnx.reference", "onnxruntime", "openvino"])
def test_the_node_of_a_file_lends_its_attributes(runner: str, training: bool, tmp_path: Path) -> None:  # noqa: FBT001
    there(runner)
    implementation = load(f"{runner}+{written(tmp_path, training=training)}", isolate=False)
    of = fit(case(dy=None, mode="train" if training else "eval"), implementation)

    names = written_out(implementation, of)

    assert names["node"].name == "norm"
    expected = evaluate(implementation.adapter, of, device="cpu")
    for name, left in (("y", "y"), ("running_var", "left_running_var")):
        quantity = expected.quantity(name)
        assert quantity is not None
        assert names[left].tobytes() == quantity.tobytes()


PROGRAMS = {"dy": None, "program": (Step("train"), Step("eval"), Step("train"), Step("eval"))}


@pytest.mark.parametrize(
    ("session", "law", "changed", "line"),
    [
        ("OneMore", "forward.output", {}, "float(y["),
        ("OneMore", "evaluation.output", {"mode": "eval"}, "float(y["),
        ("MeanMovesOn", "statistics.mean", {}, 'float(layer["mean"]['),
        (
            "TwoBugsFromTheSecondOn",
            "program.output",
            PROGRAMS,
            'layer["mean"] = running_mean_before.copy()',
        ),
        ("WritesIntoItsMean", "evaluation.statistics", {"mode": "eval"}, 'layer["mean"]'),
    ],
)
def test_a_planted_bug_is_shown_and_onnxruntime_itself_has_none(
    session: str, law: str, changed: dict[str, Any], line: str, tmp_path: Path
) -> None:
    there("onnxruntime")
    made = reproducer(f"{RUNTIMES}:{session}", law, case(**changed)).text()
    done = elsewhere(made, tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert line in made
    assert len([each for each in made.splitlines() if not each.startswith("#")]) <= 34
    sound = made.replace("import odd_sessions", "import onnxruntime")
    sound = sound.replace(f"odd_sessions.{session}(", "onnxruntime.InferenceSession(")
    done = elsewhere(sound, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_reference_evaluator_finds_no_training_outputs_of_older_operator_sets(tmp_path: Path) -> None:
    """A finding on onnx itself."""
    made = reproducer("onnx.reference?opset=9", "forward.output", case(dy=None)).text()
    done = elsewhere(made, tmp_path)
    assert done.returncode == 1
    assert "it raises RuntimeError: Unable to find output name 'new_mean'" in done.stdout
    newer = made.replace('["": 9]', '["": 14]').replace("momentum=0.75", "momentum=0.75, training_mode=1")
    newer = newer.replace(", float[] saved_mean, float[] saved_var", "").replace(
        ", saved_mean, saved_var", ""
    )
    assert elsewhere(newer, tmp_path).returncode == 0


@pytest.mark.parametrize("before", ["forward", "other"])
def test_openvino_refuses_good_batches_after_a_bad_one(before: Action, tmp_path: Path) -> None:
    """A finding on OpenVINO: what refuses a batch refuses batches of a shape that it has met from then on, be it by another layer."""
    there("openvino")
    steps = Step(before), Step("wrong"), Step("forward")
    damaged = case(dy=None, program=steps)
    made = reproducer("openvino?opset=15", "program.rest", damaged).text()
    done = elsewhere(made, tmp_path)
    assert done.returncode == 1
    assert "it raises RuntimeError: " in done.stdout
    bad = "    with contextlib.suppress(Exception):"
    lines = made.splitlines()
    place = lines.index(bad)
    without = "\n".join([*lines[:place], *lines[place + 2 :], ""])
    assert elsewhere(without, tmp_path).returncode == 0


def test_statistics_that_fade_with_an_empty_batch_are_shown(tmp_path: Path) -> None:
    """OpenVINO takes no value for a 0, and ONNX leaves open what the mean over nothing is."""
    there("openvino")
    empty = case(dy=None).changed(x=floats([0.0, 1.0])[:0])
    done = elsewhere(reproducer("openvino?opset=15", "contract.empty_batch", empty).text(), tmp_path)
    assert done.returncode == 1


@pytest.mark.parametrize("program", [(), tuple(Step(each, value=0.5) for each in ACTIONS)])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_no_case_asks_for_what_a_model_does_not_offer(mode: str, program: tuple[Step, ...]) -> None:
    implementation = load("onnx.reference?opset=15", isolate=False)
    spelling: Spelling = spelling_of(implementation)
    of = fit(case(mode=mode, program=program), implementation)
    assert of.dy is not None
    assert not implementation.capabilities.counter
    making, scene = Making(of, 0.25), Scene(spelling, implementation.capabilities, of)
    # Otherwise this raises one of the errors below.
    assert any(line.strip().startswith("y") for line in scene.evaluated())
    with pytest.raises(UsageError, match="no gradients in training"):
        spelling.both(making, "x", "dy", training=True)
    with pytest.raises(UsageError, match="no backward pass that could come later"):
        spelling.opened(making, "x", 0)
    with pytest.raises(UsageError, match="no backward pass"):
        spelling.closed(making, "dy", 0)
    with pytest.raises(UsageError, match="counts no batches"):
        spelling.count()
