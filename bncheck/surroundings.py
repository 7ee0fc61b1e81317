"""What an evaluation may not change: global random states, the working directory, warnings filters, threads, stdout.

Random states and the working directory are set back, so that an implementation leaves the user's own as they were.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import Any

import numpy as np


def _numpy_state() -> Any:
    # The generator behind np.random.rand and np.random.seed.
    name, key, *rest = np.random.get_state()  # noqa: NPY002  # the legacy state is what is watched
    return name, np.asarray(key, np.uint32).tobytes(), *rest


def _set_numpy_state(state: Any) -> None:
    name, key, *rest = state
    np.random.set_state((name, np.frombuffer(key, np.uint32), *rest))  # noqa: NPY002  # as above


def _torch_state() -> Any:
    torch = sys.modules.get("torch")
    return None if torch is None else bytes(torch.get_rng_state().numpy())


def _set_torch_state(state: Any) -> None:
    torch = sys.modules.get("torch")
    if torch is not None and state is not None:
        torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


STANDARD_OUTPUT, FILTERS, THREADS = "standard output", "the warnings filters", "the set of running threads"
# What loading a library or its first use changes as well, once.
ONCE = {FILTERS, THREADS}
OBSERVED: dict[str, Callable[[], Any]] = {
    "Python's random state": random.getstate,
    "NumPy's random state": _numpy_state,
    "torch's random state": _torch_state,
    "the working directory": os.getcwd,
    FILTERS: lambda: tuple(map(str, warnings.filters)),
    THREADS: lambda: frozenset(thread.ident for thread in threading.enumerate()),
}

RESTORED: dict[str, Callable[[Any], None]] = {
    "Python's random state": random.setstate,
    "NumPy's random state": _set_numpy_state,
    "torch's random state": _set_torch_state,
    "the working directory": os.chdir,
}


class Watch:
    """Filled when the block of `watched` ends: names of what changed in it."""

    def __init__(self) -> None:
        self.changed: tuple[str, ...] = ()


@contextmanager
def watched() -> Iterator[Watch]:
    """Observe a block, keep what it prints from the terminal, and set back what can be set back."""
    before = {name: observe() for name, observe in OBSERVED.items()}
    watch, printed = Watch(), StringIO()
    try:
        with redirect_stdout(printed):
            yield watch
    finally:
        after = {name: observe() for name, observe in OBSERVED.items()}
        changed = [name for name in OBSERVED if _differs(name, before[name], after[name])]
        watch.changed = (*changed, *((STANDARD_OUTPUT,) if printed.getvalue() else ()))
        for name in RESTORED.keys() & set(changed):
            RESTORED[name](before[name])


def _differs(name: str, before: Any, after: Any) -> bool:
    """Whether something changed; a thread that ends in the meantime was there before and is somebody else's."""
    return bool(after - before) if name == THREADS else bool(before != after)
