"""Cases and outcomes as bytes between bncheck and a worker: a JSON header and raw arrays, nothing that can run."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from bncheck.adapter import State
from bncheck.case import CASE_ARRAYS, Case, Native
from bncheck.direction import Direction
from bncheck.errors import ImplementationCrashed
from bncheck.outcome import FURTHER, QUANTITIES, Outcome
from bncheck.performance import Observation, Performance
from bncheck.step import Step

_BFLOAT16 = ml_dtypes.bfloat16
_LENGTH = struct.Struct("<Q")
OUTCOME_ARRAYS = (*QUANTITIES, *FURTHER)
OBSERVED_ARRAYS = ("y", "dx", "dgamma", "dbeta")
# A message beyond this is no outcome of a case that bncheck draws.
LARGEST = 2**32


class WireError(Exception):
    """What came is no message of ours: something else wrote to the pipe, or it ended in the middle."""


def send(
    stream: BinaryIO, header: Mapping[str, Any], arrays: Mapping[str, Native | None] | None = None
) -> None:
    """Write one message and flush it."""
    present = {name: array for name, array in (arrays or {}).items() if array is not None}
    table = {name: [array.dtype.name, list(array.shape)] for name, array in present.items()}
    head = json.dumps({"header": header, "arrays": table}).encode()
    body = b"".join(np.ascontiguousarray(array).tobytes() for array in present.values())
    stream.write(_LENGTH.pack(len(head)) + _LENGTH.pack(len(body)) + head + body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], dict[str, Native]]:
    """Read one message; EOFError at the end of the stream, WireError for anything that is no message."""
    lengths = _read(stream, 2 * _LENGTH.size, first=True)
    head_length, body_length = struct.unpack("<QQ", lengths)
    if head_length + body_length > LARGEST:
        raise WireError(f"a message of {head_length + body_length} bytes")
    try:
        head = json.loads(_read(stream, head_length))
        return dict(head["header"]), _arrays(head["arrays"], _read(stream, body_length))
    except (ValueError, KeyError, TypeError) as error:
        raise WireError(f"{type(error).__name__}: {error}") from error


def _read(stream: BinaryIO, count: int, *, first: bool = False) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        if first and not data:
            raise EOFError
        raise WireError("the stream ended in the middle of a message")
    return data


def _arrays(table: Mapping[str, list[Any]], body: bytes) -> dict[str, Native]:
    found, start = {}, 0
    for name, (dtype_name, shape) in table.items():
        dtype = np.dtype(_BFLOAT16 if dtype_name == "bfloat16" else dtype_name)
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        found[name] = np.frombuffer(body[start : start + size], dtype=dtype).reshape(shape)
        start += size
    return found


def send_case(stream: BinaryIO, case: Case) -> None:
    """Ask for the evaluation of a case."""
    numbers = {"eps": case.eps, "momentum": case.momentum, "mode": case.mode, "batches": case.batches}
    header = {
        "do": "perform" if case.program else "evaluate",
        **numbers,
        "steps": case.steps,
        "layouts": dict(case.layouts),
        "replaces": case.replaces,
        "debiased": case.debiased,
        "backward": case.backward,
        "program": [[step.action, step.batch, step.value] for step in case.program],
    }
    arrays = {name: getattr(case, name) for name in CASE_ARRAYS}
    if case.direction is not None:
        arrays |= {f"direction.{name}": array for name, array in case.direction._asdict().items()}
    send(stream, header, arrays)


def case_of(header: Mapping[str, Any], arrays: Mapping[str, Native]) -> Case:
    """The case that was sent."""
    vectors = {name: arrays.get(name) for name in CASE_ARRAYS if name != "x"}
    along = arrays.get("direction.x")
    direction = Direction(along, arrays.get("direction.gamma"), arrays.get("direction.beta"))
    return Case(
        x=arrays["x"],
        eps=header["eps"],
        momentum=header["momentum"],
        mode=header["mode"],
        batches=header["batches"],
        steps=header["steps"],
        layouts=header["layouts"],
        program=tuple(Step(*step) for step in header["program"]),
        replaces=header["replaces"],
        debiased=header["debiased"],
        backward=header["backward"],
        direction=None if along is None else direction,
        **vectors,
    )


def send_outcome(stream: BinaryIO, outcome: Outcome) -> None:
    """Answer with an outcome."""
    arrays = {name: outcome.quantity(name) for name in OUTCOME_ARRAYS}
    _only_numbers(arrays)
    header = {"outcome": True, "batches": outcome.batches, "side_effects": list(outcome.side_effects)}
    send(stream, header, arrays)


def outcome_of(header: Mapping[str, Any], arrays: Mapping[str, Native]) -> Outcome:
    """The outcome that was sent."""
    return Outcome(
        y=arrays["y"],
        batches=header["batches"],
        side_effects=tuple(header["side_effects"]),
        **{name: arrays.get(name) for name in OUTCOME_ARRAYS if name != "y"},
    )


def send_performance(stream: BinaryIO, performance: Performance) -> None:
    """Answer with a performance: its arrays are named by the step that they belong to."""
    arrays: dict[str, Native | None] = {}
    states = {"made": performance.made, "start": performance.start}
    steps: list[dict[str, Any]] = []
    for number, observation in enumerate(performance.observations):
        states[f"{number}"] = observation.state
        if observation.left is not None:
            states[f"{number}.left"] = observation.left
        arrays |= {f"{number}.{name}": getattr(observation, name) for name in OBSERVED_ARRAYS}
        steps.append({"error": observation.error, "kept": observation.kept})
    for name, state in states.items():
        arrays |= {f"{name}.mean": state.mean, f"{name}.var": state.var}
    counts = {name: state.batches for name, state in states.items()}
    _only_numbers(arrays)
    send(stream, {"performance": True, "steps": steps, "counts": counts}, arrays)


def performance_of(header: Mapping[str, Any], arrays: Mapping[str, Native]) -> Performance:
    """The performance that was sent."""
    counts = header["counts"]

    def state(name: str) -> State:
        return State(arrays.get(f"{name}.mean"), arrays.get(f"{name}.var"), counts[name])

    observations = [
        Observation(
            state(f"{number}"),
            **{name: arrays.get(f"{number}.{name}") for name in OBSERVED_ARRAYS},
            error=step["error"],
            kept=step["kept"],
            left=state(f"{number}.left") if f"{number}.left" in counts else None,
        )
        for number, step in enumerate(header["steps"])
    ]
    return Performance(state("made"), state("start"), tuple(observations))


def _only_numbers(arrays: Mapping[str, Native | None]) -> None:
    for name, array in arrays.items():
        if array is not None and array.dtype.kind not in "biufcV":
            raise ImplementationCrashed(f"{name} has dtype {array.dtype}, which holds no numbers")
