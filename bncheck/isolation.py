"""Isolation: a target in a process of its own, with a limit on time and memory, started again when it dies."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import psutil

from bncheck import wire
from bncheck.adapter import Adapter
from bncheck.capabilities import Capabilities
from bncheck.case import Case, Native
from bncheck.dialect import Dialect
from bncheck.errors import (
    DIED,
    ENDED,
    DefectError,
    DeviceLost,
    ImplementationCrashed,
    ImplementationDied,
    ImplementationTimedOut,
    ImplementationTooLarge,
    LoadError,
    UsageError,
)
from bncheck.outcome import Outcome
from bncheck.performance import Performance

Message = tuple[dict[str, Any], dict[str, Native]]


SECONDS, MEGABYTES = 10.0, 2048.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`seconds`: for one evaluation; `compiling`: for one of a target that compiles; `loading`: until it is loaded.
    `megabytes`: resident memory above that of the loaded target.
    """

    seconds: float = field(default_factory=lambda: SECONDS)
    compiling: float = 120.0
    loading: float = 120.0
    megabytes: float = field(default_factory=lambda: MEGABYTES)


class RemoteAdapter(Adapter):
    """What is known here of an adapter that lives in a worker."""

    def __init__(self, introduction: Mapping[str, Any]) -> None:
        self.name = introduction["adapter"]  # type: ignore[misc]  # a class's constant elsewhere, a worker's word here
        self.capabilities = _capabilities(introduction["capabilities"])
        self.dialect = Dialect(**introduction["dialect"])
        self.known_versions = dict(introduction["versions"])
        self.known_defaults = dict(introduction["defaults"])

    def versions(self) -> dict[str, str]:
        """As the worker told them."""
        return self.known_versions


def _capabilities(told: Mapping[str, Any]) -> Capabilities:
    changed: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in told.items()
    }
    return Capabilities(**changed)


@dataclass(slots=True, weakref_slot=True, eq=False)
class Worker:
    """One target in one process at a time.  `request` says what to load, as `worker.main` reads it."""

    request: Mapping[str, Any]
    limits: Limits = field(default_factory=Limits)
    compiles: bool = False
    process: subprocess.Popen[bytes] | None = None
    messages: queue.Queue[Message | Exception] = field(default_factory=queue.Queue)
    log: IO[bytes] | None = None
    resident: int = 0
    finalizer: weakref.finalize[..., Worker] | None = None

    def start(self) -> dict[str, Any]:
        """A new process with the target loaded; its introduction.  Raises LoadError or UsageError as `load` does."""
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        # Without -P the user's own queue.py would be imported for the library's.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bncheck.worker"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(_search_path())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,
        )
        self.finalizer = weakref.finalize(self, end, self.process, self.log)
        self.messages = queue.Queue()
        reader = threading.Thread(target=_read, args=(self.process.stdout, self.messages), daemon=True)
        reader.start()
        try:
            wire.send(cast("BinaryIO", self.process.stdin), {**self.request, "path": sys.path})
            header, _ = self._answer(self.limits.loading)
        except (ImplementationCrashed, BrokenPipeError) as error:
            raise LoadError(f"loading {self.request['target']} ended its process: {error}") from None
        if "error" in header:
            raise _ERRORS.get(header["error"], DefectError)(header["message"])
        self.compiles = header["capabilities"]["compiles"]
        self.resident = self._resident()
        return header

    def evaluate(self, case: Case) -> Outcome:
        """The outcome of a case, in the process that is there or in a new one."""
        return wire.outcome_of(*self._asked(case))

    def perform(self, case: Case) -> Performance:
        """What a layer shows while it goes through the program of a case."""
        return wire.performance_of(*self._asked(case))

    def _asked(self, case: Case) -> Message:
        """The answer of the process that is there, or of a new one."""
        if self.process is None:
            try:
                self.start()
            except (LoadError, UsageError) as error:
                raise ImplementationDied(
                    f"it could not be loaded again after its process had ended: {error}"
                ) from None
        process = self.process
        assert process is not None
        try:
            wire.send_case(cast("BinaryIO", process.stdin), case)
        except BrokenPipeError:
            raise self._died() from None
        header, arrays = self._answer(self.limits.compiling if self.compiles else self.limits.seconds)
        if "lost" in header:
            self.close()
            raise DeviceLost(header["lost"])
        if "crashed" in header:
            raise ImplementationCrashed(header["crashed"])
        return header, arrays

    def close(self) -> None:
        """End the process; its number may belong to another one from now on."""
        if self.finalizer is not None:
            self.finalizer()
        self.finalizer = self.process = self.log = None

    def _answer(self, seconds: float) -> Message:
        """The next message; the process is ended where it takes too long or too much memory."""
        deadline = time.monotonic() + seconds
        wait = 0.02
        while True:
            try:
                message = self.messages.get(timeout=wait)
            except queue.Empty:
                wait = 0.05
                self._watch(deadline, seconds)
                continue
            if isinstance(message, EOFError):
                raise self._died()
            if isinstance(message, Exception):
                self.close()
                raise ImplementationDied(f"its process wrote where only bncheck writes: {message}")
            return message

    def _watch(self, deadline: float, seconds: float) -> None:
        if time.monotonic() > deadline:
            self.close()
            raise ImplementationTimedOut(f"no answer within {seconds:g} s; {ENDED}")
        grown = (self._resident() - self.resident) / 2**20
        if self.resident and grown > self.limits.megabytes:
            self.close()
            raise ImplementationTooLarge(
                f"its resident memory grew by {grown:.0f} MB, more than the {self.limits.megabytes:g} MB allowed; "
                + ENDED
            )

    def _resident(self) -> int:
        try:
            return 0 if self.process is None else int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _died(self) -> ImplementationDied:
        """How the process ended, and the last thing that it wrote on standard error."""
        assert self.process is not None
        assert self.log is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)  # it may have closed its pipes and go on
        kill(self.process)
        code = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        fatal = next((line for line in lines if line.startswith("Fatal Python error")), None)
        self.close()
        return ImplementationDied(f"{DIED}: {_ending(code)}" + (f" ({fatal})" if fatal else ""))


_ERRORS: dict[str, type[Exception]] = {"LoadError": LoadError, "UsageError": UsageError}


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"signal {-code}"


def _read(stream: BinaryIO, messages: queue.Queue[Message | Exception]) -> None:
    """Read messages until the stream ends or makes no sense."""
    while True:
        try:
            messages.put(wire.receive(stream))
        except (EOFError, wire.WireError, OSError, ValueError) as error:
            messages.put(error if isinstance(error, EOFError | wire.WireError) else EOFError())
            return


def _search_path() -> list[str]:
    """Where the worker finds bncheck itself, also in a checkout that is not installed."""
    home = str(Path(__file__).resolve().parents[1])
    return [home, *filter(None, [os.environ.get("PYTHONPATH")])]


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that has not been waited for, with all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end(process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
    """End a process, unless it has ended and been waited for, and leave nothing behind."""
    if process.returncode is None:
        kill(process)
        process.wait()
    for stream in (process.stdin, process.stdout, log):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
