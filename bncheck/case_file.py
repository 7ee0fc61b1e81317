"""Case files: a finding as one small JSON file of data, exact to the bit, validated when it is read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np

from bncheck.case import Case, Mode, Native
from bncheck.environment import environment
from bncheck.errors import UsageError
from bncheck.layout import LAYOUTS, Layout
from bncheck.reference.formats import FORMATS, dtype_of
from bncheck.step import ACTIONS, Step

SCHEMA = 1
FOLDER = Path(".bncheck") / "cases"
# A file beyond this holds no case that a run of bncheck has saved.
LARGEST_FILE, LARGEST_ARRAY, LONGEST_PROGRAM = 64 * 2**20, 2**20, 100
# The laws of one value a channel, and of none.
DEGENERATE = "contract."
# What a finding's id does not hang on.
_BESIDE = ("environment", "message", "cause")
_CAUSE = re.compile(r"[a-z_]+\.[a-z0-9_]+( \+ [a-z_]+\.[a-z0-9_]+)?")
_FLAGS = ("replaces", "debiased", "backward")
_ARRAYS = ("x", "dy", "gamma", "beta", "running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class SavedCase:
    """What a file says: the target and how it was asked for, the law, the verdict and its words, and the very case.

    `cause`: the id of the likeliest one, None where none was named.
    """

    target: str
    law: str
    dtype: str
    status: str
    message: str
    case: Case
    device: str | None = None
    dialect: Mapping[str, str] = field(default_factory=dict)
    cause: str | None = None

    @property
    def id(self) -> str:
        """Ten hexadecimal digits of what it holds; the same finding has the same id on every machine."""
        plain = {key: value for key, value in self.as_json().items() if key not in _BESIDE}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:10]

    def was_found_under(self, device: str | None, dialect: Mapping[str, str]) -> bool:
        """Whether it was found on this device, the CPU where none is named, under these conventions."""
        return (self.device or "cpu") == (device or "cpu") and dict(self.dialect) == dict(dialect)

    def as_json(self) -> dict[str, Any]:
        """Plain data; numbers of arrays are hexadecimal floats."""
        case = self.case
        arrays = {name: getattr(case, name) for name in _ARRAYS}
        return {
            "schema": SCHEMA,
            "target": self.target,
            "law": self.law,
            "dtype": self.dtype,
            "status": self.status,
            "message": self.message,
            "device": self.device,
            "dialect": dict(self.dialect),
            **({} if self.cause is None else {"cause": self.cause}),
            "case": {
                "mode": case.mode,
                "eps": case.eps.hex(),
                "momentum": None if case.momentum is None else float(case.momentum).hex(),
                "batches": case.batches,
                "steps": case.steps,
                **({"layouts": dict(case.layouts)} if case.layouts else {}),
                **{name: True for name in _FLAGS if getattr(case, name)},
                **({"program": [_step_out(step) for step in case.program]} if case.program else {}),
                **{name: None if array is None else _array_out(array) for name, array in arrays.items()},
            },
            "environment": environment(),
        }


def save(saved: SavedCase, folder: Path = FOLDER) -> Path:
    """Write the case under its id, whole or not at all; a file that is there already says the same and is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{saved.id}.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(saved.as_json(), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def folder_for_cases(folder: Path = FOLDER) -> Path | None:
    """The folder that findings are saved in, made when there is one; None where it could not be made or written to."""
    there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), None)
    return folder if there is not None and there.is_dir() and os.access(there, os.W_OK) else None


def find(name: str, folder: Path = FOLDER) -> SavedCase:
    """The case of a file's path, or of an id under `folder`; raises UsageError with one sentence for all that is wrong."""
    path = next((each for each in (Path(name), folder / f"{name}.json") if _is_file(each)), None)
    if path is None:
        raise UsageError(
            f"there is no case {name[:80]!r}: neither a file of that name nor one under {folder}"
        )
    return read(path)


def read(path: Path) -> SavedCase:
    """The case of a file; raises UsageError with one sentence for all that is wrong."""
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise UsageError(f"{path} has {size} bytes; a case file has at most {LARGEST_FILE}")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON file: {error}") from None
    try:
        return _saved_of(content)
    except _Damage as damage:
        raise UsageError(f"{path} is no case that can be replayed: {damage}") from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for a file, or with a zero byte in it
        return False


class _Damage(Exception):
    """What is wrong with the content of a case file."""


def _saved_of(content: Any) -> SavedCase:
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        schema = content.get("schema") if isinstance(content, dict) else None
        raise _Damage(f"its schema is {schema!r}, expected {SCHEMA}")
    words = {key: _word(content, key) for key in ("target", "law", "dtype", "status", "message")}
    if words["dtype"] not in FORMATS:
        raise _Damage(f"its dtype is {words['dtype']!r}, expected one of {', '.join(FORMATS)}")
    dialect, device = content.get("dialect", {}), content.get("device")
    if not isinstance(dialect, dict) or not all(isinstance(each, str) for each in dialect.values()):
        raise _Damage("its dialect is no table of words")
    if device is not None and not isinstance(device, str):
        raise _Damage(f"its device is {device!r}, expected a word")
    cause = content.get("cause")
    if cause is not None and not is_cause(cause):
        raise _Damage(f"its cause is {cause!r}, expected a word such as eps.missing")
    case = _case_of(content.get("case"))
    if case.count < 2 and not words["law"].startswith(DEGENERATE):
        raise _Damage(f"x has fewer than two values a channel, which only a law of {DEGENERATE}* is about")
    return SavedCase(**words, case=case, device=device, dialect=dialect, cause=cause)


def is_cause(told: Any) -> bool:
    """Whether something read is the id of a cause, or of two together."""
    return isinstance(told, str) and _CAUSE.fullmatch(told) is not None


def _word(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key)
    if not isinstance(value, str):
        raise _Damage(f"its {key} is {value!r}, expected a word")
    return value


def _case_of(told: Any) -> Case:
    if not isinstance(told, dict):
        raise _Damage("it holds no case")
    arrays = {name: _array_in(name, told.get(name)) for name in _ARRAYS}
    x = arrays["x"]
    if x is None or x.ndim not in (2, 3, 4, 5) or x.shape[1] == 0:
        raise _Damage("x is missing, not of rank 2 to 5, or has no channel")
    for name, array in arrays.items():
        expected = x.shape if name in ("x", "dy") else (x.shape[1],)
        if array is not None and array.shape != expected:
            raise _Damage(f"{name} has shape {array.shape}, expected {expected}")
    if (arrays["gamma"] is None) != (arrays["beta"] is None):
        raise _Damage("it has only one of gamma and beta")
    if (arrays["running_mean"] is None) != (arrays["running_var"] is None):
        raise _Damage("it has only one of running_mean and running_var")
    momentum = None if told.get("momentum") is None else _number("momentum", told["momentum"])
    if momentum is not None and momentum > 1:
        raise _Damage(f"momentum is {momentum!r}, expected a number from 0 to 1")
    return Case(
        x=x,
        dy=arrays["dy"],
        gamma=arrays["gamma"],
        beta=arrays["beta"],
        running_mean=arrays["running_mean"],
        running_var=arrays["running_var"],
        eps=_number("eps", told.get("eps")),
        momentum=momentum,
        mode=_mode(told.get("mode")),
        batches=_count("batches", told.get("batches"), least=0),
        steps=_count("steps", told.get("steps"), least=1),
        layouts=_layouts(told.get("layouts", {})),
        program=_program(told.get("program", [])),
        replaces=told.get("replaces") is True,
        debiased=told.get("debiased") is True,
        backward=told.get("backward") is True,
    )


def _layouts(told: Any) -> dict[str, Layout]:
    if not isinstance(told, dict) or not all(name in _ARRAYS for name in told):
        raise _Damage(f"its layouts are {told!r}, expected a table with names of {', '.join(_ARRAYS)}")
    for layout in told.values():
        if layout not in LAYOUTS:
            raise _Damage(f"{layout!r} is no layout, expected one of {', '.join(LAYOUTS)}")
    return dict(told)


def _step_out(step: Step) -> list[Any]:
    return [step.action, step.batch, None if step.value is None else float(step.value).hex()]


def _program(told: Any) -> tuple[Step, ...]:
    if not isinstance(told, list) or len(told) > LONGEST_PROGRAM:
        raise _Damage(f"its program is no list of at most {LONGEST_PROGRAM} steps")
    return tuple(_step(each) for each in told)


def _step(told: Any) -> Step:
    if not isinstance(told, list) or len(told) != 3 or told[0] not in ACTIONS:
        raise _Damage(f"{told!r} is no step: expected one of {', '.join(ACTIONS)}, a batch and a value")
    value = None if told[2] is None else _number("the momentum of a step", told[2])
    if value is not None and value > 1:
        raise _Damage(f"the momentum of a step is {value!r}, expected a number from 0 to 1")
    return Step(told[0], _count("the batch of a step", told[1], least=0), value)


def _mode(told: Any) -> Mode:
    if told == "train":
        return "train"
    if told == "eval":
        return "eval"
    raise _Damage(f"its mode is {told!r}, expected 'train' or 'eval'")


def _count(name: str, told: Any, *, least: int) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or not least <= told <= 10_000:
        raise _Damage(f"{name} is {told!r}, expected a whole number from {least} to 10000")
    return told


def _number(name: str, told: Any) -> float:
    try:
        value = float.fromhex(told)
    except (TypeError, ValueError, OverflowError):
        raise _Damage(f"{name} is {told!r}, expected a hexadecimal float such as 0x1.8p+0") from None
    if not isfinite(value) or value < 0:
        raise _Damage(f"{name} is {value!r}, expected a finite number that is not negative")
    return value


def _array_out(array: Native) -> dict[str, Any]:
    values = array.astype(np.float64).reshape(-1).tolist()
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "values": [value.hex() for value in values],
    }


def _array_in(name: str, told: Any) -> Native | None:
    """An array from its dtype, shape and values, NaN and infinities among them."""
    if told is None:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("dtype"), str):
        raise _Damage(f"{name} is no array with a dtype, a shape and values")
    if told["dtype"] not in FORMATS:
        raise _Damage(f"{name} is no array of {', '.join(FORMATS)}")
    shape, values = told.get("shape"), told.get("values")
    if not isinstance(shape, list) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise _Damage(f"{name} has the shape {shape!r}, expected a list of whole numbers")
    if prod(shape) > LARGEST_ARRAY:
        raise _Damage(f"{name} of shape {tuple(shape)} is larger than the {LARGEST_ARRAY} numbers allowed")
    if not isinstance(values, list) or len(values) != prod(shape):
        count = len(values) if isinstance(values, list) else "no"
        raise _Damage(f"{name} of shape {tuple(shape)} has {count} values, expected {prod(shape)}")
    try:
        numbers = np.array([float.fromhex(value) for value in values], np.float64)
    except (TypeError, ValueError, OverflowError):
        raise _Damage(f"{name} holds something that is no hexadecimal float such as 0x1.8p+0") from None
    with np.errstate(over="ignore"):
        rounded = numbers.astype(dtype_of(told["dtype"]))
    if not np.array_equal(rounded.astype(np.float64), numbers, equal_nan=True):
        raise _Damage(f"{name} holds a number that {told['dtype']} does not have")
    return rounded.reshape(shape)
