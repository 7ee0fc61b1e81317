"""Judging the columns of a matrix: each target by a `bncheck run` of its own, so that none can end the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock
from typing import TypeVar

import psutil

from bncheck.matrix.grid import Column, Finding, Matrix, key_of

Item = TypeVar("Item")
Result = TypeVar("Result")
Told = Callable[[str], None]
# Of what a process wrote before it ended, this much is told.
TAIL = 300
# A script is found by a few evaluations and one run of it.
SECONDS_A_SCRIPT = 180.0


@dataclass(slots=True)
class Processes:
    """Those that are running, so that an interruption ends them all; `seconds`: how long one may take."""

    seconds: float
    running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    stopped: Event = field(default_factory=Event)

    def run(self, words: Sequence[str], *, seconds: float | None = None) -> tuple[int | None, str]:
        """The exit code of `bncheck` with these words, None where it took too long, and what it wrote to standard error."""
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            with self._started(words, log) as process:
                try:
                    code = process.wait(self.seconds if seconds is None else seconds)
                except subprocess.TimeoutExpired:
                    code = None
            log.seek(0)
            return code, log.read()

    @contextmanager
    def _started(self, words: Sequence[str], log: object) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(  # noqa: S603  # this very interpreter, and words of ours
            [sys.executable, "-m", "bncheck", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,  # type: ignore[call-overload]  # an open file
            text=True,
            start_new_session=True,
            env={**os.environ, "NO_COLOR": "1"},
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


def column(target: str, words: Sequence[str], processes: Processes) -> Column:
    """One target, as `bncheck run` judges it with these further words."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bncheck-") as folder:
        code, log = processes.run(
            ["run", target, *words, "--workers", "1", "--report", "json", "--report-dir", folder]
        )
        seconds = time.perf_counter() - started
        try:
            (path,) = Path(folder).glob("*.json")
            report = json.loads(path.read_text(encoding="utf-8"))
            (content,) = report["targets"]
        except (OSError, ValueError, KeyError):
            return Column(target, error=_ending(code, log, processes), seconds=seconds)
    error = content["error"]
    return Column(target, content, None if error is None else error["message"], seconds)


def _ending(code: int | None, log: str, processes: Processes) -> str:
    """Why there is no report."""
    if processes.stopped.is_set():
        return "interrupted"
    if code is None:
        return f"no verdict within {processes.seconds:g} s; its process was ended"
    said = _last_line(log)
    return f"its run ended with exit code {code} and no report{f': {said}' if said else ''}"


def _last_line(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return lines[-1].removeprefix("bncheck: ")[-TAIL:] if lines else ""


def all_columns(
    targets: Sequence[str], words: Sequence[str], processes: Processes, *, workers: int, told: Told
) -> tuple[Column, ...]:
    """The columns in the order of the targets, `workers` of them at a time.

    What an interruption leaves unjudged says so; columns that are finished stay.
    """
    done: dict[str, Column] = {}
    try:
        for found in _each(lambda target: column(target, words, processes), targets, workers, processes):
            done[found.target] = found
            told(f"{found.target}: {found.told()} ({found.seconds:.0f} s)")
    except KeyboardInterrupt:
        told("interrupted")
    return tuple(done.get(target, Column(target, error="interrupted")) for target in targets)


def with_scripts(found: Matrix, folder: Path, processes: Processes, *, workers: int, told: Told) -> Matrix:
    """The matrix with a stand-alone script, in `folder`, for each finding that one can be written for."""
    scripts: dict[str, str] = {}
    without: dict[str, str] = {}

    def written(finding: Finding) -> tuple[Finding, Path | None, str]:
        return finding, *_script(finding, folder, processes)

    try:
        for finding, path, reason in _each(written, found.findings, workers, processes):
            told(f"script for {finding.law} of {finding.target}")
            if path is None:
                without[key_of(finding)] = reason
            else:
                scripts[key_of(finding)] = path.read_text(encoding="utf-8")
    except KeyboardInterrupt:
        told("interrupted")
    return replace(found, scripts=scripts, without_script=without)


def _script(finding: Finding, folder: Path, processes: Processes) -> tuple[Path | None, str]:
    if finding.case_id is None:
        return None, "its case was not saved"
    path = folder / f"{finding.case_id}.py"
    words = ["replay", finding.case_id, "--script", str(path)]
    code, log = processes.run(words, seconds=SECONDS_A_SCRIPT)
    if path.exists():
        return path, ""
    if code is None:
        return None, f"none was found within {SECONDS_A_SCRIPT:g} s"
    return None, _last_line(log)


def _each(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, processes: Processes
) -> Iterator[Result]:
    """The results as they come; an interruption ends what runs and starts nothing more."""
    with ThreadPoolExecutor(workers) as pool:
        futures: Mapping[Future[Result], Item] = {pool.submit(function, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield future.result()
        except BaseException:
            processes.stop()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
