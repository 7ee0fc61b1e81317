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

# Of a Mersenne Twister: 624 words of 32 bits, and the place of the next one.
_TWISTER_BYTES = 625 * 4


@dataclass(frozen=True, slots=True)
class _State:
    """`state`: as the generator takes it back; `key`: what is equal where the states are."""

    key: Hashable
    state: Any = field(compare=False)


# The last state of each Mersenne Twister that was copied out, by what it was known by: it takes long to copy out, and
# while that is the same, the copy is still true.
_COPIED: dict[str, _State] = {}


def _python_state() -> _State:
    """The state of the generator behind random.random and random.seed."""
    if not _PYTHON_BITS_ARE_READ:
        state = random.getstate()
        return _State(state, state)
    # A normal number that is kept for the next call is drawn without a change of the bits.
    key = _python_bits(), random._inst.gauss_next  # type: ignore[attr-defined]  # noqa: SLF001  # it has no public name
    if "Python" not in _COPIED or _COPIED["Python"].key != key:
        _COPIED["Python"] = _State(key, random.getstate())
    return _COPIED["Python"]


def _python_bits() -> bytes:
    """Where CPython keeps them: the place of the next word and the words, behind the head of the object."""
    generator = random._inst  # noqa: SLF001  # the object has no public name
    return ctypes.string_at(id(generator) + object.__basicsize__, _TWISTER_BYTES)


def _python_bits_are_read() -> bool:
    """Whether this interpreter keeps them there: held against what it says of its state."""
    if sys.implementation.name != "cpython" or not hasattr(random, "_inst"):
        return False
    if random._inst.__sizeof__() < object.__basicsize__ + _TWISTER_BYTES:  # noqa: SLF001  # as above
        return False
    *words, place = random.getstate()[1]
    return _python_bits() == np.array([place, *words], np.uint32).tobytes()


_PYTHON_BITS_ARE_READ = _python_bits_are_read()


def _numpy_state() -> _State:
    """The state of the generator behind np.random.rand and np.random.seed."""
    bits = _twister_bits()
    if "NumPy" in _COPIED and _COPIED["NumPy"].key == bits:
        return _COPIED["NumPy"]
    state = np.random.get_state(legacy=False)  # noqa: NPY002  # the legacy state is what is watched
    if bits is None or state["has_gauss"]:
        # A normal number that is kept for the next call is drawn without a change of the bits.
        return _State(str(state), state)
    _COPIED["NumPy"] = _State(bits, state)
    return _COPIED["NumPy"]


def _twister_bits() -> bytes | None:
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined]  # public since NumPy 1.24
    if not isinstance(generator, np.random.MT19937):
        return None
    return ctypes.string_at(generator.ctypes.state_address, _TWISTER_BYTES)


def _set_numpy_state(found: _State) -> None:
    np.random.set_state(found.state)  # noqa: NPY002  # as above


def _set_python_state(found: _State) -> None:
    random.setstate(found.state)


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
    "Python's random state": _python_state,
    "NumPy's random state": _numpy_state,
    "torch's random state": _torch_state,
    "the working directory": os.getcwd,
    FILTERS: lambda: tuple(warnings.filters),
    THREADS: lambda: frozenset(thread.ident for thread in threading.enumerate()),
}

RESTORED: dict[str, Callable[[Any], None]] = {
    "Python's random state": _set_python_state,
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
