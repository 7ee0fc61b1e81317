"""A case as plain data: numbers of arrays as hexadecimal floats, everything looked at when it is read."""

from __future__ import annotations

from math import isfinite, prod
from typing import Any

import numpy as np

from bncheck.case import CASE_ARRAYS, Case, Mode, Native
from bncheck.layout import LAYOUTS, Layout
from bncheck.reference.formats import FORMATS, dtype_of
from bncheck.step import ACTIONS, Step

LARGEST_ARRAY, LONGEST_PROGRAM = 2**20, 100
_FLAGS = ("replaces", "debiased", "backward")


class Damage(Exception):
    """What is wrong with plain data that should be a case."""


def case_out(case: Case) -> dict[str, Any]:
    """The plain data of a case."""
    arrays = {name: getattr(case, name) for name in CASE_ARRAYS}
    return {
        "mode": case.mode,
        "eps": case.eps.hex(),
        "momentum": None if case.momentum is None else float(case.momentum).hex(),
        "batches": case.batches,
        "steps": case.steps,
        **({"layouts": dict(case.layouts)} if case.layouts else {}),
        **{name: True for name in _FLAGS if getattr(case, name)},
        **({"program": [_step_out(step) for step in case.program]} if case.program else {}),
        **{name: None if array is None else _array_out(array) for name, array in arrays.items()},
    }


def case_in(told: Any) -> Case:
    """The case of plain data; raises Damage."""
    if not isinstance(told, dict):
        raise Damage("it holds no case")
    arrays = {name: _array_in(name, told.get(name)) for name in CASE_ARRAYS}
    x = arrays["x"]
    if x is None or x.ndim not in (2, 3, 4, 5) or x.shape[1] == 0:
        raise Damage("x is missing, not of rank 2 to 5, or has no channel")
    for name, array in arrays.items():
        expected = x.shape if name in ("x", "dy") else (x.shape[1],)
        if array is not None and array.shape != expected:
            raise Damage(f"{name} has shape {array.shape}, expected {expected}")
    if (arrays["gamma"] is None) != (arrays["beta"] is None):
        raise Damage("it has only one of gamma and beta")
    if (arrays["running_mean"] is None) != (arrays["running_var"] is None):
        raise Damage("it has only one of running_mean and running_var")
    momentum = None if told.get("momentum") is None else _number("momentum", told["momentum"])
    if momentum is not None and momentum > 1:
        raise Damage(f"momentum is {momentum!r}, expected a number from 0 to 1")
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
    if not isinstance(told, dict) or not all(name in CASE_ARRAYS for name in told):
        raise Damage(f"its layouts are {told!r}, expected a table with names of {', '.join(CASE_ARRAYS)}")
    for layout in told.values():
        if layout not in LAYOUTS:
            raise Damage(f"{layout!r} is no layout, expected one of {', '.join(LAYOUTS)}")
    return dict(told)


def _step_out(step: Step) -> list[Any]:
    return [step.action, step.batch, None if step.value is None else float(step.value).hex()]


def _program(told: Any) -> tuple[Step, ...]:
    if not isinstance(told, list) or len(told) > LONGEST_PROGRAM:
        raise Damage(f"its program is no list of at most {LONGEST_PROGRAM} steps")
    return tuple(_step(each) for each in told)


def _step(told: Any) -> Step:
    if not isinstance(told, list) or len(told) != 3 or told[0] not in ACTIONS:
        raise Damage(f"{told!r} is no step: expected one of {', '.join(ACTIONS)}, a batch and a value")
    value = None if told[2] is None else _number("the momentum of a step", told[2])
    if value is not None and value > 1:
        raise Damage(f"the momentum of a step is {value!r}, expected a number from 0 to 1")
    return Step(told[0], _count("the batch of a step", told[1], least=0), value)


def _mode(told: Any) -> Mode:
    if told == "train":
        return "train"
    if told == "eval":
        return "eval"
    raise Damage(f"its mode is {told!r}, expected 'train' or 'eval'")


def _count(name: str, told: Any, *, least: int) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or not least <= told <= 10_000:
        raise Damage(f"{name} is {told!r}, expected a whole number from {least} to 10000")
    return told


def _number(name: str, told: Any) -> float:
    try:
        value = float.fromhex(told)
    except (TypeError, ValueError, OverflowError):
        raise Damage(f"{name} is {told!r}, expected a hexadecimal float such as 0x1.8p+0") from None
    if not isfinite(value) or value < 0:
        raise Damage(f"{name} is {value!r}, expected a finite number that is not negative")
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
        raise Damage(f"{name} is no array with a dtype, a shape and values")
    if told["dtype"] not in FORMATS:
        raise Damage(f"{name} is no array of {', '.join(FORMATS)}")
    shape, values = told.get("shape"), told.get("values")
    if not isinstance(shape, list) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise Damage(f"{name} has the shape {shape!r}, expected a list of whole numbers")
    if prod(shape) > LARGEST_ARRAY:
        raise Damage(f"{name} of shape {tuple(shape)} is larger than the {LARGEST_ARRAY} numbers allowed")
    if not isinstance(values, list) or len(values) != prod(shape):
        count = len(values) if isinstance(values, list) else "no"
        raise Damage(f"{name} of shape {tuple(shape)} has {count} values, expected {prod(shape)}")
    try:
        numbers = np.array([float.fromhex(value) for value in values], np.float64)
    except (TypeError, ValueError, OverflowError):
        raise Damage(f"{name} holds something that is no hexadecimal float such as 0x1.8p+0") from None
    with np.errstate(over="ignore"):
        rounded = numbers.astype(dtype_of(told["dtype"]))
    if not np.array_equal(rounded.astype(np.float64), numbers, equal_nan=True):
        raise Damage(f"{name} holds a number that {told['dtype']} does not have")
    return rounded.reshape(shape)
