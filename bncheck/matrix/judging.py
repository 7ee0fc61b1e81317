"""Judging the columns of a matrix: each target by a `bncheck run` of its own, so that none can end the others."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bncheck.matrix.grid import Column, Finding, Group, Matrix, key_of
from bncheck.runs import Processes, last_line, report_in, why_none

Item = TypeVar("Item")
Result = TypeVar("Result")
Told = Callable[[str], None]
# A script is found by a few evaluations and one run of it.
SECONDS_A_SCRIPT = 180.0
# Findings of a group that are alike: a script of one stands for all.
TRIED = 3


def column(target: str, words: Sequence[str], processes: Processes) -> Column:
    """One target, as `bncheck run` judges it with these further words."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bncheck-") as folder:
        code, log = processes.run(
            ["run", target, *words, "--workers", "1", "--report", "json", "--report-dir", folder]
        )
        seconds = time.perf_counter() - started
        report = report_in(Path(folder))
    if report is None:
        return Column(target, error=why_none(code, log, processes), seconds=seconds)
    (content,) = report["targets"]
    error = content["error"]
    return Column(target, content, None if error is None else error["message"], seconds)


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
    """The matrix with a stand-alone script, in `folder`, for each group of findings that one can be written for."""
    scripts: dict[str, str] = {}
    without: dict[str, str] = {}

    def written(group: Group) -> list[tuple[Finding, Path | None, str]]:
        tried = []
        for finding in group.findings[:TRIED]:
            tried.append((finding, *_script(finding, folder, processes)))
            if tried[-1][1] is not None:
                break
        return tried

    try:
        for tried in _each(written, found.groups, workers, processes):
            for finding, path, reason in tried:
                told(f"{'no ' if path is None else ''}script for {finding.law} of {finding.target}")
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
    return None, last_line(log)


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
