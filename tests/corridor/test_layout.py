"""A layout moves the numbers of an array and changes none of them; what two arrays have in common is told by the byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bncheck.adapters.arrays import Arrays
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import arrays_of
from bncheck.layout import LAYOUTS, Footprint, Layout, arranged, footprint_of, is_moved, laid_out, meetings
from bncheck.reference.formats import dtype_of

DTYPES = ("float64", "float32", "float16", "bfloat16")
SHAPES = ((2, 3, 4, 5), (3, 2), (4,), (1, 1, 2), (0, 3, 2))
# In elements, of an array of shape (2, 3, 4, 5).
STRIDES: dict[Layout, tuple[int, ...]] = {
    "contiguous": (60, 20, 5, 1),
    "channels_last": (60, 1, 15, 3),
    "transposed": (1, 2, 6, 24),
    "offset": (60, 20, 5, 1),
    "step": (120, 40, 10, 2),
    "padded": (120, 40, 10, 1),
    "expanded": (60, 20, 5, 1),
}


def numbers(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype_of(dtype))


def framework(name: str) -> Arrays:
    if name != "numpy":
        pytest.importorskip(name)
    return arrays_of(name, Found(None, name))


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_values_are_those_given(layout: Layout, dtype: str, name: str) -> None:
    there = framework(name)
    for shape in SHAPES:
        given = numbers(shape, dtype)
        fetched = there.fetch(there.place(given, layout))
        assert (fetched.dtype, fetched.shape) == (given.dtype, given.shape)
        assert fetched.tobytes() == given.tobytes()


@pytest.mark.parametrize("name", ["numpy", "torch"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_strides_are_those_named(layout: Layout, dtype: str, name: str) -> None:
    there = framework(name)
    found = there.footprint(there.place(numbers((2, 3, 4, 5), dtype), layout))
    assert found is not None
    assert tuple(stride // found.width for stride in found.strides) == STRIDES[layout]


@pytest.mark.parametrize("layout", ["offset", "step", "padded"])
def test_around_the_values_stands_nan(layout: Layout) -> None:
    placed = laid_out(np.ones((2, 3)), layout)
    buffer = placed.base
    assert isinstance(buffer, np.ndarray)
    assert np.isnan(buffer).sum() == buffer.size - 6


def test_a_torch_tensor_at_an_offset_has_a_storage_offset() -> None:
    assert framework("torch").place(np.ones((2, 3)), "offset").storage_offset() == 5


@pytest.mark.parametrize("layout", LAYOUTS)
def test_as_many_elements_in_a_row_as_the_array_has_are_inside_the_buffer(layout: Layout) -> None:
    for array in (numbers((2, 3, 4), "float32"), np.ones((2, 3)), np.ones(5)):
        found = arranged(array, layout)
        assert found.offset + array.size <= found.size


def test_an_expanded_array_has_one_element_along_what_is_constant() -> None:
    rows = np.broadcast_to(np.arange(3.0), (4, 3))
    assert laid_out(rows, "expanded").strides == (0, 8)
    assert laid_out(np.ones((4, 3)), "expanded").strides == (0, 0)


def test_zeros_of_two_signs_are_not_constant() -> None:
    assert not is_moved(np.array([0.0, -0.0]), "expanded")


def test_what_makes_no_difference_is_known() -> None:
    assert not is_moved(np.ones((4, 3)), "channels_last")
    assert not is_moved(np.ones(4), "transposed")
    assert not is_moved(np.ones((1, 4)), "transposed")
    assert is_moved(np.ones((4, 3, 2)), "channels_last")
    assert is_moved(np.ones(4), "expanded")


TABLE = np.zeros((4, 6))
MEETING: dict[str, tuple[NDArray[Any], NDArray[Any], bool]] = {
    "itself": (TABLE, TABLE, True),
    "a row of it": (TABLE, TABLE[2], True),
    "a view read backwards": (TABLE[::-1], TABLE[:1], True),
    "half of a number of another format": (TABLE[:, 1], TABLE.view(np.float32)[:, 3], True),
    "interleaved columns": (TABLE[:, 0], TABLE[:, 1], False),
    "neighbouring rows": (TABLE[:2], TABLE[2:], False),
    "nothing": (TABLE[:0], TABLE, False),
    "a copy": (TABLE, TABLE.copy(), False),
}


@pytest.mark.parametrize("name", MEETING)
def test_two_arrays_meet_where_they_share_a_byte(name: str) -> None:
    one, other, expected = MEETING[name]
    assert footprint_of(one).meets(footprint_of(other)) == expected
    assert footprint_of(other).meets(footprint_of(one)) == expected
    assert np.shares_memory(one, other) == expected


def test_of_several_arrays_all_pairs_that_meet_are_found() -> None:
    other = np.zeros(3)
    named = {"all": TABLE, "first": TABLE[0], "other": other, "second": TABLE[1], "last": other[2:]}
    found = meetings({name: footprint_of(array) for name, array in named.items()})
    assert found == [("all", "first"), ("all", "second"), ("other", "last")]


def test_the_same_address_on_another_device_is_another_place() -> None:
    here = footprint_of(TABLE)
    there: Callable[..., Footprint] = here._replace
    assert not here.meets(there(device="cuda:0"))
