"""A target that cannot be loaded is told in one clear sentence."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from bncheck.errors import LoadError, UsageError
from bncheck.loading import adapters, load


def sentence(target: object, **options: str) -> str:
    """What loading says, which must be one line."""
    with pytest.raises(LoadError) as told:
        load(target, device=options.get("device"))
    assert len(str(told.value).splitlines()) == 1
    return str(told.value)


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_a_module_that_is_not_there_is_named() -> None:
    assert sentence("no_such_package.layers:Norm").startswith(
        "there is no module 'no_such_package'; looked in"
    )


def test_a_file_that_is_not_there_is_named() -> None:
    assert sentence("absent.py:Norm") == "there is no file absent.py"


def test_a_missing_attribute_is_told_with_near_ones(samples: Path) -> None:
    said = sentence(f"{samples}/numpy_layers.py:forwards")

    assert said.endswith("numpy_layers.py has no attribute 'forwards'; near it are forward")


def test_a_target_without_attribute_is_told_what_there_is(samples: Path) -> None:
    said = sentence(f"{samples}/numpy_layers.py")

    assert "names no attribute" in said
    assert "defines forward, evaluate, Layer, WithDictionary" in said


def test_a_misspelt_short_name_is_told_with_near_ones() -> None:
    assert sentence("reference.nunpy") == "there is no adapter 'reference.nunpy'; near it are reference.numpy"


def test_an_adapter_that_is_not_registered_is_told_with_those_that_are(samples: Path) -> None:
    said = sentence(f"flux+{samples.name}.layers:Norm")

    assert said.startswith("there is no adapter 'flux'; valid are equinox, flax_linen, flax_nnx, function")


def test_an_onnx_file_that_is_not_there_is_said_to_be_missing() -> None:
    pytest.importorskip("onnxruntime")

    assert "there is no file bn.onnx" in sentence("bn.onnx")


def test_an_exception_on_import_is_told_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, "broken.py", "import json\n\njson.loads('nonsense')\n")

    assert sentence(f"{path}:f") == (
        f"importing {path} raised JSONDecodeError: Expecting value: line 1 column 1 (char 0) (broken.py:3)"
    )


def test_a_script_that_exits_on_import_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "leaving.py", "import sys\n\nsys.exit('usage: leaving.py MODEL')\n")

    assert (
        sentence(f"{path}:f") == f"importing {path} raised SystemExit: usage: leaving.py MODEL (leaving.py:3)"
    )


def test_a_file_that_does_not_parse_is_told_with_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, "unfinished.py", "x = 1\ndef f(x:\n")

    said = sentence(f"{path}:f")

    assert "raised SyntaxError: " in said
    assert said.endswith("(unfinished.py:2)")


def test_a_package_that_a_file_lacks_is_told_as_what_importing_raised(tmp_path: Path) -> None:
    path = written(tmp_path, "lacking.py", "import no_such_package\n")

    assert "raised ModuleNotFoundError: No module named 'no_such_package' (lacking.py:1)" in sentence(
        f"{path}:f"
    )


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_framework_that_is_not_installed_is_told_with_its_extra(framework: str, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        f"sys.modules[{framework!r}] = None\n"
        "from bncheck.errors import LoadError\n"
        "from bncheck.loading import load\n"
        "try:\n    load(sys.argv[1], isolate=False)\n"
        "except LoadError as error:\n    print(error)\n"
    )
    user_file = written(tmp_path, "user.py", f"import {framework}\n")
    for target in (f"reference.{framework}", f"{framework}.nn:relu", f"{user_file}:f"):
        run = subprocess.run(
            [sys.executable, "-c", program, target], capture_output=True, text=True, check=True
        )

        assert run.stdout.strip() == (
            f'{target} needs {framework}, which is not installed here: pip install "bncheck[{framework}]"'
        )


def test_torch_without_a_cuda_device_is_told() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")

    assert sentence("torch.nn:BatchNorm1d@cuda").startswith(
        "torch sees no CUDA device here; 'cuda' needs one"
    )


def test_jax_without_a_cuda_device_is_told() -> None:
    jax = pytest.importorskip("jax")
    if jax.default_backend() != "cpu":
        pytest.skip("there is a CUDA device here")

    assert sentence("reference.jax@cuda").startswith("jax sees no CUDA device here; 'cuda' needs one")


def test_numpy_has_no_cuda_device() -> None:
    assert sentence("reference.numpy", device="cuda") == "NumPy has no device 'cuda'; it runs on cpu alone"


@pytest.mark.parametrize(("attribute", "kind"), [("NUMBER", "int"), ("SETTINGS", "dict")])
def test_what_looks_like_nothing_known_is_told_with_what_is_understood(
    samples: Path, attribute: str, kind: str
) -> None:
    said = sentence(f"{samples}/unlike.py:{attribute}")

    assert (
        f"unlike.py:{attribute} is a {kind}; bncheck understands a torch.nn.Module, a function of x" in said
    )


def test_a_function_of_unknown_arguments_is_told_with_the_usual_names(samples: Path) -> None:
    said = sentence(f"{samples}/unlike.py:unknown")

    assert "is a function of (alpha, omega), which has no argument of the usual names: x, X, input" in said


def test_a_built_in_function_without_a_signature_is_told() -> None:
    assert "whose signature Python cannot read" in sentence(max)


def test_a_class_without_a_forward_is_told(samples: Path) -> None:
    assert "has neither __call__ nor forward(x)" in sentence(f"{samples}/unlike.py:Empty")


def test_a_constructor_argument_of_no_usual_name_is_asked_for(samples: Path) -> None:
    assert "needs the argument 'favourite'" in sentence(f"{samples}/unlike.py:Demanding")


def test_an_unknown_constructor_argument_is_told_with_the_valid_ones(samples: Path) -> None:
    said = sentence(f"{samples}/numpy_layers.py:Layer?colour=3")

    assert said.endswith("Layer?colour=3 has no argument 'colour'; valid are dim, epsilon, momentum")


def test_an_unknown_argument_of_an_adapter_is_told_with_the_valid_ones(samples: Path) -> None:
    assert sentence(f"{samples}/adapter.py:Mine?colour=3").endswith(
        "has no argument 'colour'; valid are power"
    )


def test_an_instance_takes_no_arguments(samples: Path) -> None:
    said = sentence(f"{samples}/numpy_layers.py:instance?epsilon=1.0")

    assert said.endswith("is an instance, so epsilon cannot be given; name its class instead")


def test_a_function_that_always_raises_is_told_with_the_exception(samples: Path) -> None:
    said = sentence(f"{samples}/unlike.py:unsound")

    assert (
        "cannot be evaluated on any rank; the first attempt gave ArithmeticError: always, as for ndarray (unlike"
        in said
    )


def test_a_convention_that_is_not_known_is_a_usage_error(samples: Path) -> None:
    with pytest.raises(UsageError, match="'inertia' is no convention of a dialect"):
        load(f"{samples}/numpy_layers.py:forward", dialect={"inertia": "old"})


def test_a_device_that_is_not_known_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'tpu' is no device; valid are cpu, cuda and cuda:N"):
        load("reference.numpy", device="tpu")


def test_a_wrong_declaration_of_the_object_is_told() -> None:
    def norm(x: object) -> object:
        return x

    norm.__bncheck__ = {"dtypes": ["float31"]}  # type: ignore[attr-defined]  # what users set on a function

    assert sentence(norm).endswith("valid are float64, float32, float16, bfloat16")


def test_every_adapter_is_listed_with_what_it_lacks() -> None:
    told = adapters()

    assert told["reference.numpy"] == "built in"
    assert ("not installed" in told["reference.torch"]) == (importlib.util.find_spec("torch") is None)
