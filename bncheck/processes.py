"""Processes: tasks on a state that each process makes for itself, so that what holds functions need not travel."""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any, TypeVar

from bncheck.errors import DefectError

State = TypeVar("State")
Result = TypeVar("Result")
_STATES: list[Any] = []


def results(
    tasks: Sequence[Callable[[State], Result]], prepare: Callable[[], State], *, workers: int
) -> Iterator[Result]:
    """The result of each task as it comes, in no order that means anything; with one worker, in this process.

    Tasks and `prepare` travel to processes that start afresh: they are functions of modules, and plain values.
    """
    if workers == 1:
        state = prepare()
        with one_thread(), _settled():
            yield from (task(state) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_prepare, initargs=(prepare,)) as pool:
        futures = [pool.submit(_run, task) for task in tasks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool:
            raise DefectError("a process of the self-test ended before its task was done") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepare(prepare: Callable[[], object]) -> None:
    _STATES[:] = [prepare()]
    gc.freeze()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _run(task: Callable[[Any], Result]) -> Result:
    return task(_STATES[0])


@contextmanager
def _settled() -> Iterator[None]:
    """What is loaded stays: the garbage collector, which would look through it again and again, passes it by."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def one_thread() -> Iterator[None]:
    """Where torch is loaded it computes on one thread, so that its sums are the same in every process."""
    torch = sys.modules.get("torch")
    threads = 1 if torch is None else torch.get_num_threads()
    try:
        if torch is not None:
            torch.set_num_threads(1)
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(threads)
