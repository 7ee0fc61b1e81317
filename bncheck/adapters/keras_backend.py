"""keras.layers.BatchNormalization on the backend of this process: a process has one."""

from __future__ import annotations

from dataclasses import replace

import keras

from bncheck.adapter import Adapter
from bncheck.adapters.found import Found
from bncheck.adapters.importing import BACKENDS
from bncheck.adapters.keras_eager import KerasAdapter
from bncheck.errors import LoadError


def keras_adapter(found: Found) -> Adapter:
    """The adapter for the backend that Keras runs on here."""
    backend = keras.backend.backend()
    if found.device != "cpu":
        raise LoadError(f"{found.name} is judged on cpu alone, not on {found.device!r}")
    if backend not in BACKENDS:
        raise LoadError(f"{found.name} runs on the backend {backend!r}; valid are {', '.join(BACKENDS)}")
    if found.options.get("backend", backend) != backend:
        raise LoadError(
            f"{found.name}: its module runs on the backend {backend!r}; set KERAS_BACKEND for a layer of your own"
        )
    left = {key: value for key, value in found.options.items() if key != "backend"}
    found = replace(found, options=left)
    if backend == "jax":
        from bncheck.adapters.keras_jax import KerasJaxAdapter  # noqa: PLC0415  # where JAX is the backend

        return KerasJaxAdapter(found)
    return KerasAdapter(found, backend)
