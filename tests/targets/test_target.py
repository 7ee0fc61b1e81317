"""Reading the text of a target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bncheck.errors import UsageError
from bncheck.target import Target, parse_target

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            ["a", "torch.nn", ":", "?", "@", "+", "&", "=", ".py", ".onnx", "cpu", "cuda:1", "/", " "]
        ),
        st.text(max_size=3),
    ),
    max_size=8,
).map("".join)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("torch.nn:BatchNorm2d@cuda", (None, "torch.nn", "BatchNorm2d", (), "cuda")),
        ("torch.nn:BatchNorm2d@cuda:1", (None, "torch.nn", "BatchNorm2d", (), "cuda:1")),
        ("flax.nnx:BatchNorm?use_fast_variance=false", (None, "flax.nnx", "BatchNorm", (("use_fast_variance", False),), None)),
        ("mylayer.py:MyBatchNorm", (None, "mylayer.py", "MyBatchNorm", (), None)),
        ("model.onnx", (None, "model.onnx", None, (), None)),
        ("reference.numpy@cpu", (None, "reference.numpy", None, (), "cpu")),
        ("onnxruntime+bn.onnx", ("onnxruntime", "bn.onnx", None, (), None)),
        ("function+a/b.py:f", ("function", "a/b.py", "f", (), None)),
        ("mine+package.module:A.B", ("mine", "package.module", "A.B", (), None)),
    ],
)  # fmt: skip
def test_a_target_is_read_into_its_parts(text: str, parts: tuple[object, ...]) -> None:
    target = parse_target(text)

    assert (target.adapter, target.locator, target.attribute, target.options, target.device) == parts


def test_values_are_python_literals_and_else_strings() -> None:
    target = parse_target("m:A?a=1e-3&b=true&c=none&d=(1, 2)&e=ema&f='7'&g=-2&h=")

    assert dict(target.options) == {
        "a": 1e-3, "b": True, "c": None, "d": (1, 2), "e": "ema", "f": "7", "g": -2, "h": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", ["a b/c+d.py", "runs@2/x?y=1.py", "C:\\layers\\bn.py", "old.py.d/new.py", "ü.py"]
)
def test_the_path_of_a_file_may_contain_anything(path: str) -> None:
    target = parse_target(f"{path}:Layer?eps=1.0@cpu")

    assert (target.locator, target.attribute, target.options, target.device) == (
        path,
        "Layer",
        (("eps", 1.0),),
        "cpu",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no module, no .py or .onnx file and no short name"),
        ("a/b:c", "'a/b' is no module"),
        ("m:A@tpu", "'tpu' is no device; valid are cpu, cuda and cuda:N"),
        ("m:A B", "'A B' is no name of an attribute"),
        ("m:A?eps", "'eps' is no key=value"),
        ("m:A?eps=1&eps=2", "'eps' is given twice"),
        ("a b+m:A", "'a b' is no name of an adapter"),
        ("f.py:A@", "'' is no device"),
    ],
)
def test_what_is_no_target_is_told_with_what_is_one(text: str, said: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_target(text)

    assert said in str(told.value)
    assert "[adapter+]LOCATOR[:attribute][?key=value&...][@device]" in str(told.value)


@given(PIECES)
def test_any_text_is_a_target_or_a_usage_error_of_one_line(text: str) -> None:
    read: Target | UsageError
    try:
        read = parse_target(text)
    except UsageError as error:
        read = error

    assert read.text == text if isinstance(read, Target) else len(str(read).splitlines()) == 1
