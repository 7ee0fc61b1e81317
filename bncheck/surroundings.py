"""What an evaluation may not change: global random states, the working directory, warnings filters, threads, stdout.

Random states and the working directory are set back, so that an implementation leaves the user's own as they were.
"""

from __future__ import annotations

import ctypes
import os
import random
import sys
import threading
import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

import numpy as np

# Of a Mersenne Twister: 624 words of 32 bits, then the place of the next one.
_TWISTER_BYTES = 625 * 4


@dataclass(frozen=True, slots=True)
class _NumpyState:
    """`state`: as NumPy takes it back; `key`: what is equal where the states are."""

    key: Hashable
    state: Any = field(compare=False)


# The last state of a Mersenne Twister that was copied out, by its bits.
_COPIED: dict[bytes, _NumpyState] = {}


def _numpy_state() -> _NumpyState:
    """The state of the generator behind np.random.rand and np.random.seed.

    It takes long to copy out; while its bits are those of the last copy, that is still true.
    """
    bits = _twister_bits()
    if bits is not None and bits in _COPIED:
        return _COPIED[bits]
    state = np.random.get_state(legacy=False)  # noqa: NPY002  # the legacy state is what is watched
    key = str(state) if bits is None else (bits, state["has_gauss"], state["gauss"])
    found = _NumpyState(key, state)
    _COPIED.clear()
    # A normal number that is kept for the next call is drawn without a change of the bits.
    if bits is not None and not state["has_gauss"]:
        _COPIED[bits] = found
    return found


def _twister_bits() -> bytes | None:
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined]  # public since NumPy 1.24
    if not isinstance(generator, np.random.MT19937):
        return None
    return ctypes.string_at(generator.ctypes.state_address, _TWISTER_BYTES)


def _set_numpy_state(found: _NumpyState) -> None:
    np.random.set_state(found.state)  # noqa: NPY002  # as above


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
    FILTERS: lambda: tuple(warnings.filters),
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
