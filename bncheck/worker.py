"""The worker: `python -m bncheck.worker` loads one target and evaluates the cases that come on its standard input.

What the target prints never meets the messages: they keep the pipes for themselves, and file descriptors 0, 1 and 2 are
an empty file and a log.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from dataclasses import asdict, replace
from typing import Any, BinaryIO

from bncheck import wire
from bncheck.adapters.defaults import defaults_of
from bncheck.errors import BncheckError, DeviceLost, ImplementationCrashed
from bncheck.implementation import Implementation
from bncheck.loading import load
from bncheck.surroundings import STANDARD_OUTPUT


def main() -> None:
    """Serve one parent until its end of the pipe closes."""
    requests, answers = _pipes()
    end_with_parent()
    faulthandler.enable()
    header, _ = wire.receive(requests)
    sys.path[:] = header["path"]
    try:
        implementation = load(
            header["target"],
            device=header["device"],
            dialect=header["dialect"],
            ranks=tuple(header["ranks"]),
            dtypes=tuple(header["dtypes"]),
            isolate=False,
        )
    except BncheckError as error:
        wire.send(answers, {"error": type(error).__name__, "message": str(error)})
        return
    wire.send(answers, introduction(implementation))
    with contextlib.suppress(EOFError):
        while True:
            _serve(implementation, requests, answers)


def introduction(implementation: Implementation) -> dict[str, Any]:
    """What the parent must know of a target that it does not load itself."""
    return {
        "name": implementation.name,
        "adapter": implementation.adapter.name,
        "capabilities": asdict(implementation.adapter.capabilities),
        "dialect": asdict(implementation.dialect),
        "ranks": implementation.ranks,
        "versions": implementation.adapter.versions(),
        "defaults": defaults_of(implementation.adapter),
    }


def _serve(implementation: Implementation, requests: BinaryIO, answers: BinaryIO) -> None:
    """One case; EOFError where nothing more can be served."""
    case = wire.case_of(*wire.receive(requests))
    written = os.fstat(1).st_size
    try:
        if case.program:
            wire.send_performance(answers, implementation.perform(case))
            return
        outcome = implementation.evaluate(case)
        if os.fstat(1).st_size > written and STANDARD_OUTPUT not in outcome.side_effects:
            outcome = replace(outcome, side_effects=(*outcome.side_effects, STANDARD_OUTPUT))
        wire.send_outcome(answers, outcome)
    except DeviceLost as loss:
        wire.send(answers, {"lost": str(loss)})
        raise EOFError from loss
    except ImplementationCrashed as crash:
        wire.send(answers, {"crashed": str(crash)})


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """The parent's pipes under other numbers, and in their place what a target may read and write."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    return requests, answers


def end_with_parent() -> None:
    """On Linux, die when the parent does, even in an endless loop; elsewhere the parent's own clean-up must do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  # for Linux alone

        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


if __name__ == "__main__":
    main()
