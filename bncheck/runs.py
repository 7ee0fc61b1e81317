"""Runs: `bncheck` itself in processes of their own, each with a limit on its time, all ended when they are to stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock
from typing import Any

import psutil

# Of what a process wrote before it ended, this much is told.
TAIL = 300


@dataclass(slots=True)
class Processes:
    """Those that are running, so that an interruption ends them all; `seconds`: how long one may take."""

    seconds: float
    running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    stopped: Event = field(default_factory=Event)

    def run(
        self,
        words: Sequence[str],
        *,
        seconds: float | None = None,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> tuple[int | None, str]:
        """The exit code of `bncheck` with these words, None where it took too long, and what it wrote to standard error.

        In this folder and with this environment, where they are given.
        """
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            with self._started(words, log, folder, environment) as process:
                try:
                    code = process.wait(self.seconds if seconds is None else seconds)
                except subprocess.TimeoutExpired:
                    code = None
            log.seek(0)
            return code, log.read()

    @contextmanager
    def _started(
        self, words: Sequence[str], log: object, folder: Path | None, environment: Mapping[str, str] | None
    ) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(  # noqa: S603  # this very interpreter, and words of ours
            [sys.executable, "-m", "bncheck", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,  # type: ignore[call-overload]  # an open file
            text=True,
            start_new_session=True,
            cwd=folder,
            env=_quiet(os.environ if environment is None else environment),
        )
        with self.lock:
            self.running[process.pid] = process
        try:
            if self.stopped.is_set():
                end(process)
            yield process
        finally:
            end(process)
            with self.lock:
                del self.running[process.pid]

    def stop(self) -> None:
        """End what runs; what is started from now on ends at once."""
        self.stopped.set()
        with self.lock:
            for process in self.running.values():
                end(process)


def _quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """Without colour, and without what makes a run tell of itself on the page of a CI job, which is that of all of them."""
    kept = {key: value for key, value in environment.items() if not key.startswith("GITHUB_")}
    return {**kept, "NO_COLOR": "1"}


def end(process: subprocess.Popen[str]) -> None:
    """The process and all that it started, where it has not ended by itself."""
    if process.poll() is not None:
        return
    family = []
    try:
        parent = psutil.Process(process.pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        pass
    for each in family:
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def report_in(folder: Path) -> dict[str, Any] | None:
    """The one JSON report that a run has written, None where there is none."""
    try:
        (path,) = folder.glob("*.json")
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def why_none(code: int | None, log: str, processes: Processes) -> str:
    """Why a run has left no report."""
    if processes.stopped.is_set():
        return "interrupted"
    if code is None:
        return f"no verdict within {processes.seconds:g} s; its process was ended"
    said = last_line(log)
    return f"its run ended with exit code {code} and no report{f': {said}' if said else ''}"


def last_line(log: str) -> str:
    """The last line that says something, without our name before it."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1].removeprefix("bncheck: ")[-TAIL:] if lines else ""
