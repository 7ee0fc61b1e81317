"""What must stand in the environment before a library is imported, since it is read but once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

from bncheck.errors import LoadError

BACKENDS = ("torch", "jax", "tensorflow", "numpy")
_BACKEND = "KERAS_BACKEND"
_TENSORFLOW_LOG = "TF_CPP_MIN_LOG_LEVEL"
_FATAL = "3"


@contextmanager
def importing(locator: str, options: Mapping[str, object], name: str) -> Iterator[None]:
    """Around the import of the library of a target: its Keras backend, where one is named; TensorFlow silent.

    The variable for TensorFlow stays, for it also reads it later; the user's own comes before it.
    """
    library = locator.partition(".")[0]
    if library not in {"keras", "tensorflow"}:
        yield
        return
    os.environ.setdefault(_TENSORFLOW_LOG, _FATAL)
    with _silent(), _with_backend(library, options.get("backend"), name):
        yield


@contextmanager
def _silent() -> Iterator[None]:
    """Keep from the terminal what a library writes there while it loads, unless that fails.

    TensorFlow writes before it has read the variable, and not by way of sys.stderr.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    try:
        with TemporaryFile() as log:
            os.dup2(log.fileno(), 2)
            try:
                yield
            except BaseException:
                log.seek(0)
                os.write(terminal, log.read())
                raise
            finally:
                sys.stderr.flush()
                os.dup2(terminal, 2)
    finally:
        os.close(terminal)


@contextmanager
def _with_backend(library: str, backend: object, name: str) -> Iterator[None]:
    if library != "keras" or backend is None:
        yield
        return
    if backend not in BACKENDS:
        raise LoadError(f"{name}: backend is {backend!r}; valid are {', '.join(BACKENDS)}")
    _check_free(str(backend), name)
    before = os.environ.get(_BACKEND)
    os.environ[_BACKEND] = str(backend)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_BACKEND]
        else:
            os.environ[_BACKEND] = before


def _check_free(backend: str, name: str) -> None:
    """LoadError where Keras has another backend in this process already."""
    keras: Any = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != backend:
        raise LoadError(
            f"{name}: Keras runs on {keras.backend.backend()} in this process already, and a process has one backend; "
            "--isolate judges it in another process"
        )
