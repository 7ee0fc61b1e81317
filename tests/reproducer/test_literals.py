"""Numbers in a script are the numbers of the case, to the bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bncheck.reference.formats import FORMATS, dtype_of
from bncheck.reproducer.frameworks import words_of
from bncheck.reproducer.literals import rounded_up

NAMES = {"np": np, "nan": np.nan, "inf": np.inf}


@given(
    dtype=st.sampled_from(("float16", "float32", "float64")),
    values=st.lists(st.floats() | st.sampled_from((0.0, -0.0, 1.0)), min_size=1, max_size=40),
    layout=st.sampled_from((None, "transposed", "step", "offset", "padded")),
)
def test_an_array_is_read_back_bit_for_bit(dtype: str, values: list[float], layout: None) -> None:
    assert dtype in FORMATS
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.array(values).astype(dtype_of(dtype)).reshape(-1, 1)
    array = np.where(np.isnan(array), array.dtype.type(np.nan), array)  # a literal has no payload
    again = eval(words_of("numpy", "cpu").literal(array, layout), dict(NAMES))
    assert again.dtype == array.dtype
    assert np.array_equal(again, array, equal_nan=True)
    assert np.array_equal(np.signbit(again), np.signbit(array))


@given(st.floats(min_value=0, max_value=1e300))
def test_what_is_allowed_is_never_rounded_down(allowed: float) -> None:
    assert allowed <= float(rounded_up(allowed)) <= allowed * 1.011 + 1e-300
