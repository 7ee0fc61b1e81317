"""Scripts for layers of Keras on each of its backends: on a planted bug, on the sound layer, and of a finding it has."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from reproducer.keras_scripts import names
from reproducer.targets import case, elsewhere, saved

from bncheck.case_file import save
from bncheck.reproducer.keras_layers import KerasLayer

# Not imported here: a process has one backend, and TensorFlow and paddle come in one order alone.
pytestmark = pytest.mark.skipif(find_spec("keras") is None, reason="keras is not installed")

TESTS = Path(__file__).resolve().parents[1]
LAYER = "keras.layers:BatchNormalization"
BACKENDS = ("numpy", "torch", "jax", "tensorflow")
Shown = tuple[str, int | str, int | str]


@cache
def made(backend: str) -> tuple[dict[str, Shown], str]:
    """By what it shows: a script, how it ends on the bug, and how on the sound layer; and what went wrong in writing them."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-m", "reproducer.keras_scripts", backend, str(file)]
        environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(TESTS)}
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment)
        return (
            (json.loads(file.read_text(encoding="utf-8")), "") if done.returncode == 0 else ({}, done.stderr)
        )


def scripts(backend: str) -> dict[str, Shown]:
    """The first of them; skips without the backend."""
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    found, error = made(backend)
    assert not error, error
    return found


@pytest.mark.parametrize(
    ("backend", "name"), [(backend, name) for backend in BACKENDS for name in names(backend)]
)
def test_a_script_exits_1_on_the_bug_and_0_on_the_sound_layer(backend: str, name: str) -> None:
    text, bug, sound = scripts(backend)[name]

    assert (bug, sound) == (1, 0), text
    assert "it raises" not in text
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_backend_is_chosen_before_keras_is_imported(backend: str) -> None:
    text, *_ = scripts(backend)["y in training"]

    lines = text.splitlines()
    assert lines.index(f'os.environ["KERAS_BACKEND"] = "{backend}"') < lines.index("import keras")
    assert "bncheck" not in text


# What a line of a script shows, and where.
SPELLED = {
    (
        "numpy",
        "y of images",
    ): "y = keras.ops.moveaxis(layer(keras.ops.moveaxis(x, 1, -1), training=True), -1, 1)",
    ("numpy", "y without gamma and beta"): "center=False, scale=False, epsilon=0.5, momentum=0.75)",
    ("numpy", "y in bfloat16"): 'dtype="mixed_bfloat16")',
    ("numpy", "y in evaluation"): "y = layer(x, training=False)",
    (
        "numpy",
        "the output of a changed layer",
    ): "left1, layer = layer, copy.deepcopy(layer)\nlayer.momentum = 0.5\n",
    ("numpy", "the output of a new layer"): "layer.set_weights(left1.get_weights())",
    ("numpy", "the statistics"): "float(layer.moving_mean.value[",
    ("torch", "y of strided arrays"): "layer.gamma.value.data = gamma",
    ("torch", "the gradients of halves"): "leaves1 = [x_1.clone().requires_grad_(), ",
    ("torch", "tangent"): "torch.autograd.forward_ad.unpack_dual",
    ("jax", "dx"): "layer.stateless_call(parameters, layer.non_trainable_variables, x, training=True)",
    ("jax", "y in float64"): 'jax.config.update("jax_enable_x64", True)',
    ("jax", "the gradients of halves"): "pull1",
    ("tensorflow", "dx"): "with tf.GradientTape() as tape:",
    (
        "tensorflow",
        "tangent along gamma and beta",
    ): "ForwardAccumulator([x, gamma, beta], [v, v_gamma, v_beta])",
}


@pytest.mark.parametrize(("place", "words"), SPELLED.items(), ids=["-".join(place) for place in SPELLED])
def test_a_script_says_it_as_a_user_would(place: tuple[str, str], words: str) -> None:
    backend, name = place

    text, *_ = scripts(backend)[name]

    assert words in text


@pytest.mark.parametrize("name", ["the output of a changed layer", "the output of a new layer"])
def test_a_program_is_given_the_statistics_that_a_number_follows_from(name: str) -> None:
    text, *_ = scripts("numpy")[name]

    assert "layer.moving_mean.assign(running_mean_before)" in text


def test_a_finding_that_keras_has_is_shown_by_the_command(tmp_path: Path) -> None:
    """The layer computes float64 in float32."""
    wide = {name: getattr(case(), name).astype(np.float64) for name in ("x", "gamma", "beta")}
    statistics = {"running_mean": np.zeros(2), "running_var": np.ones(2)}
    given = saved(f"{LAYER}?backend=numpy", "forward.output", case(**wide, **statistics, dy=None))
    file = save(given, tmp_path)

    command = [sys.executable, "-m", "bncheck", "replay", str(file), "--script", "bug.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    assert done.returncode == 1, done.stderr
    text = (tmp_path / "bug.py").read_text(encoding="utf-8")
    assert elsewhere(text, tmp_path).returncode == 1
    assert elsewhere(_expecting_what_it_gives(text), tmp_path).returncode == 0
    assert len(text.splitlines()) <= 40


def _expecting_what_it_gives(text: str) -> str:
    """The same script of a release whose number is right."""
    return re.sub(
        r"actual, expected, allowed = (float\(y\[[\d, ]+\]\)), \S+, ",
        r"actual, expected, allowed = \1, \1, ",
        text,
    )


def test_keras_counts_no_batches() -> None:
    assert KerasLayer.count(KerasLayer.__new__(KerasLayer)) == "None"
