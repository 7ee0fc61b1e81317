"""The engine of a campaign: threads here, each of which waits for a process, or the workers of a dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from bncheck.errors import UsageError

# Until a scheduler has answered, in seconds.
PATIENCE = 20


@contextmanager
def engine(scheduler: str | None, workers: int) -> Iterator[Executor]:
    """That of the cluster, or where there is none so many threads.

    Raises UsageError where dask.distributed is not installed, and where no scheduler answers.
    """
    if scheduler is None:
        with ThreadPoolExecutor(workers) as pool:
            yield pool
        return
    try:
        distributed: Any = import_module("distributed")
    except ModuleNotFoundError:
        raise UsageError('--scheduler needs dask.distributed: pip install "bncheck[campaign]"') from None
    try:
        client = distributed.Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise UsageError(f"no scheduler answers at {scheduler!r}: {error}") from None
    with client:
        yield client.get_executor(pure=False)
