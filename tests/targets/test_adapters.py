"""Adapters by name, adapters that other distributions register, and the arrays that they place and fetch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bncheck.adapters.arrays import Arrays
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import arrays_of, framework_of
from bncheck.case import Case
from bncheck.errors import LoadError
from bncheck.loading import adapters, load
from bncheck.reference.formats import FORMATS, dtype_of

FRAMEWORKS = ("numpy", "torch", "jax")


def arrays(framework: str, device: str = "cpu") -> Arrays:
    pytest.importorskip(framework)
    return arrays_of(framework, Found(None, framework, device=device))


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, samples: Path) -> str:
    """An installed distribution that registers the adapter `mine`."""
    (tmp_path / "mine_adapter.py").write_text(
        (samples / "adapter.py").read_text(encoding="utf-8"), encoding="utf-8"
    )
    information = tmp_path / "mine-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n", encoding="utf-8"
    )
    (information / "entry_points.txt").write_text(
        "[bncheck.adapters]\nmine = mine_adapter:Mine\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "mine"


def test_a_registered_adapter_is_a_target_by_its_short_name(
    distribution: str, make_case: Callable[..., Case], differences: Callable[..., list[str]]
) -> None:
    case = make_case("eval")

    outcome = load(f"{distribution}?power=0.5").evaluate(case)

    assert differences(outcome, case, absent=("dx", "dgamma", "dbeta")) == []


def test_a_registered_adapter_is_listed(distribution: str) -> None:
    assert adapters()[distribution] == "registered as mine_adapter:Mine"


def test_a_registered_adapter_is_given_the_object_that_stands_after_the_plus(
    distribution: str, samples: Path
) -> None:
    implementation = load(f"{distribution}+{samples}/unlike.py:NUMBER", isolate=False)

    assert vars(implementation.adapter)["power"] == 5


def test_an_adapter_by_name_takes_what_would_be_recognised_otherwise(samples: Path) -> None:
    assert load(f"layer_class+{samples}/numpy_layers.py:Layer").adapter.name == "layer_class"


def test_an_adapter_instance_is_used_as_it_is(samples: Path) -> None:
    adapter = load(f"{samples}/adapter.py:Mine").adapter

    assert load(adapter).adapter is adapter


@pytest.mark.parametrize("dtype", sorted(FORMATS))
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_placed_is_fetched_bit_for_bit(framework: str, dtype: str) -> None:
    there = arrays(framework)
    bits = np.arange(2**16, dtype=np.uint16)
    given = bits.view(dtype_of(dtype)) if dtype.endswith("16") else bits.astype(dtype) / 3

    fetched = there.fetch(there.place(given))

    assert fetched.dtype == given.dtype
    assert fetched.tobytes() == given.tobytes()


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_placed_and_fetched_shares_no_memory(framework: str) -> None:
    there = arrays(framework)
    given = np.zeros(4096, np.float32)

    placed = there.place(given)
    given[:] = 1
    fetched = there.fetch(placed)
    fetched[:] = 2

    assert set(there.fetch(placed).tolist()) == {0.0}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_is_no_array_is_not_fetched(framework: str) -> None:
    there = arrays(framework)

    with pytest.raises(TypeError, match="was returned where"):
        there.fetch(None)


def test_a_layout_is_what_is_asked_for_and_not_how_the_array_lay_before() -> None:
    channels_last = np.zeros((2, 4, 5, 3), np.float32).transpose(0, 3, 1, 2)
    there = arrays("torch")

    assert there.place(channels_last).stride() == (60, 20, 5, 1)
    assert there.place(channels_last, "channels_last").stride() == (60, 1, 15, 3)


def test_what_the_code_refers_to_tells_the_framework_before_what_its_module_imports(samples: Path) -> None:
    torch = pytest.importorskip("torch")
    text = (samples / "torch_columns.py").read_text(encoding="utf-8")
    module: dict[str, object] = {"__name__": "notebook"}
    exec(compile(text + "\ndef with_numpy(x):\n    return np.sqrt(x)\n", "notebook", "exec"), module)

    def with_torch(x: object) -> object:
        return torch, x

    functions = (module["with_numpy"], module["with_numpy_root"], module["WithEvalAlone"], with_torch)
    assert [framework_of(Found(each, "f")) for each in functions] == ["numpy", "torch", "torch", "torch"]


def test_an_annotation_tells_the_framework() -> None:
    def norm(x: object) -> object:
        return x

    norm.__annotations__["x"] = "jax.Array"

    assert framework_of(Found(norm, "norm")) == "jax"


@pytest.mark.gpu
@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(
    "target", ["reference.torch", "reference.jax", "torch.nn:BatchNorm1d", "torch.nn.functional:batch_norm"]
)
def test_a_target_runs_on_a_cuda_device_beside_its_companion_on_the_cpu(
    target: str, mode: str, make_case: Callable[..., Case], differences: Callable[..., list[str]]
) -> None:
    try:
        implementation = load(f"{target}@cuda")
    except LoadError as error:
        pytest.skip(str(error))
    case = make_case(mode)

    assert implementation.device == "cuda"
    assert implementation.companion is not None
    assert differences(implementation.companion.evaluate(case), case) == []
    assert np.isfinite(implementation.evaluate(case).y.astype(np.float64)).all()
