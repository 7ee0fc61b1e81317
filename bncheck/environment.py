"""What a run ran on: versions of everything that can change a number, and the devices that are there."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec

from bncheck.errors import BncheckError

ALWAYS = ("hypothesis", "numpy", "ml_dtypes", "click", "rich")
FRAMEWORKS = {"torch": "torch", "jax": "jax"}


def version() -> str:
    """bncheck's own version; a checkout that was never installed says so."""
    return installed_version("bncheck") or "0+checkout"


def environment() -> dict[str, str]:
    """Name to version, and the platform; frameworks only where they are installed, and without importing them."""
    found = {"bncheck": version(), "python": platform.python_version(), "platform": platform.platform()}
    for name in (*ALWAYS, *FRAMEWORKS):
        installed = installed_version(name)
        if installed is not None:
            found[name] = installed
    return found


@cache
def installed_version(distribution: str) -> str | None:
    """The version of an installed distribution, None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def devices() -> dict[str, str]:
    """Framework to what it can run on, one sentence each; imports the frameworks that are installed."""
    told = {}
    for framework, extra in FRAMEWORKS.items():
        if find_spec(framework) is None:
            told[framework] = f'not installed; pip install "bncheck[{extra}]" brings it'
            continue
        try:
            told[framework] = _PROBES[framework]()
        except (ImportError, RuntimeError, OSError, BncheckError) as error:
            told[framework] = f"installed, but importing it failed: {type(error).__name__}: {error}"
    return told


def _torch_devices() -> str:
    torch = import_module("torch")
    if not torch.cuda.is_available():
        return "cpu; no CUDA device"
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return f"cpu, cuda ({', '.join(names)})"


def _jax_devices() -> str:
    jax = import_module("jax")
    kinds = sorted({f"{device.platform} ({device.device_kind})" for device in jax.devices()} - {"cpu (cpu)"})
    return ", ".join(["cpu", *kinds]) if kinds else "cpu; no GPU"


_PROBES: dict[str, Callable[[], str]] = {"torch": _torch_devices, "jax": _jax_devices}


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
