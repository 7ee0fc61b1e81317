"""Case files: exact to the bit, the same id everywhere, and one clear sentence for every kind of damage."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corridor.bits import fingerprint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bncheck.case import Case
from bncheck.case_file import SavedCase, find, save
from bncheck.errors import UsageError
from bncheck.reference.formats import FORMATS
from bncheck.regions import REPEATED

ANY_CASE = st.sampled_from(list(FORMATS)).flatmap(lambda dtype: REPEATED.cases(dtype, plans=None, largest=64))
SMALL = Case(
    x=np.array([[0.0], [1.0]], np.float32),
    dy=None,
    gamma=None,
    beta=None,
    running_mean=np.array([0.1], np.float32),
    running_var=np.array([np.nan], np.float32),
    eps=1e-5,
    momentum=None,
    mode="train",
    batches=3,
)


def saved(case: Case) -> SavedCase:
    return SavedCase("a.b:C", "forward.output", case.x.dtype.name, "violated", "y is wrong", case)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=ANY_CASE)
def test_a_case_comes_back_bit_for_bit(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("cases")
    path = save(saved(case), folder)
    assert fingerprint(find(str(path)).case) == fingerprint(case)
    assert find(path.stem, folder).id == path.stem


def test_nan_and_the_count_of_batches_come_back(tmp_path: Path) -> None:
    found = find(str(save(saved(SMALL), tmp_path))).case
    assert found.running_var is not None
    assert np.isnan(found.running_var).all()
    assert (found.batches, found.momentum, found.dy) == (3, None, None)


def test_the_id_depends_on_the_case_and_not_on_the_machine() -> None:
    assert saved(SMALL).id == saved(SMALL).id == "d37b7ee280"
    assert saved(SMALL.changed(eps=2e-5)).id != saved(SMALL).id


DAMAGES: dict[str, tuple[Any, str]] = {
    "another schema": ({"schema": 2}, "its schema is 2, expected 1"),
    "no law": ({"law": None}, "its law is None, expected a word"),
    "no case": ({"case": []}, "it holds no case"),
    "a shape that does not fit": (
        {"case": {"running_mean": {"dtype": "float32", "shape": [2], "values": ["0x0p+0"] * 2}}},
        "running_mean has shape (2,), expected (1,)",
    ),
    "a count that does not fit": (
        {"case": {"x": {"dtype": "float32", "shape": [2, 1], "values": ["0x0p+0"]}}},
        "x of shape (2, 1) has 1 values, expected 2",
    ),
    "a size that would exhaust memory": (
        {"case": {"x": {"dtype": "float32", "shape": [2**40, 2**20], "values": []}}},
        "is larger than the 1048576 numbers allowed",
    ),
    "a decimal number": (
        {"case": {"x": {"dtype": "float32", "shape": [2, 1], "values": [0.1, 0.2]}}},
        "x holds something that is no hexadecimal float",
    ),
    "a number that the dtype does not have": (
        {"case": {"x": {"dtype": "float16", "shape": [2, 1], "values": ["0x1.0001p+0", "0x0p+0"]}}},
        "x holds a number that float16 does not have",
    ),
    "an unknown dtype": (
        {"case": {"x": {"dtype": "int8", "shape": [2, 1], "values": ["0x0p+0"] * 2}}},
        "x is no array of float64",
    ),
    "NaN for eps": ({"case": {"eps": "nan"}}, "eps is nan, expected a finite number"),
    "an unknown mode": ({"case": {"mode": "test"}}, "its mode is 'test', expected 'train' or 'eval'"),
    "no steps": ({"case": {"steps": 0}}, "steps is 0, expected a whole number from 1"),
    "one statistic": ({"case": {"running_var": None}}, "it has only one of running_mean and running_var"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_in_one_sentence(name: str, tmp_path: Path) -> None:
    change, sentence = DAMAGES[name]
    path = save(saved(SMALL), tmp_path)
    content = json.loads(path.read_text())
    inner = change.get("case") if isinstance(change.get("case"), dict) else None
    content = {**content, **change, **({"case": {**content["case"], **inner}} if inner is not None else {})}
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError) as told:
        find(str(path))
    assert sentence in str(told.value)
    assert "\n" not in str(told.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.integers(0, 10**6), length=st.integers(0, 10**6), text=st.text(max_size=8))
def test_a_damaged_file_is_read_or_told_and_never_raises_anything_else(
    start: int, length: int, text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = save(saved(SMALL), tmp_path_factory.mktemp("damaged"))
    whole = path.read_text()
    start %= len(whole)
    path.write_text(whole[:start] + text + whole[start + length % 40 :], encoding="utf-8")
    with contextlib.suppress(UsageError):
        find(str(path))


def test_a_case_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no case '0123456789'"):
        find("0123456789", tmp_path)
