"""From a target, or a Python object, to the implementation that is judged."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Mapping
from dataclasses import replace
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from bncheck.adapter import Adapter
from bncheck.adapters.builtin import FOR_MODELS, FOR_OBJECTS, SHORT_NAMES, adapter_names, built, registered
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import EXTRAS
from bncheck.adapters.importing import importing
from bncheck.adapters.probe import probe_case
from bncheck.adapters.recognition import from_factory, recognised
from bncheck.configuration import declared_for
from bncheck.dialect import Dialect
from bncheck.errors import ImplementationCrashed, LoadError, NotOffered, UsageError
from bncheck.evaluation import evaluate
from bncheck.implementation import Implementation
from bncheck.isolation import RemoteAdapter, Worker
from bncheck.locating import located
from bncheck.reference.formats import FORMATS
from bncheck.target import DEVICE, Target, parse_target

# MLX's sums over empty arrays may never return: docs/findings.md.  Keras has one backend in a process; TensorFlow writes
# on the terminal, and paddle cannot be imported after it.  tinygrad has one device in a process, and runs what a compiler
# made of its kernels.
_UNRESTRAINED = ("mlx", "keras", "tensorflow", "paddle", "tinygrad")
# Operators below the checks of their framework: these end the process on an empty batch, and write beyond what they are given.
_UNCHECKED = ("torch:native_batch_norm", "torch:ops.aten._native_batch_norm_legit")


def load(
    target: str | object,
    *,
    device: str | None = None,
    dialect: Mapping[str, str] = MappingProxyType({}),
    ranks: tuple[int, ...] = (),
    dtypes: tuple[str, ...] = (),
    isolate: bool | None = None,
) -> Implementation:
    """The implementation that `target` names, or that it is: a class, function, instance or adapter.

    `device` holds where the target itself names none.  `dialect`: conventions that the user declares, before those that
    the project's pyproject.toml declares for the target.
    `ranks`: the only ranks of x to judge, all that are offered where empty.  `dtypes`: formats of x that the user asks
    for, offered beyond float32 and float64 by what is recognised and declares none.  `isolate`: load and evaluate it in
    a process of its own; None leaves that to what it is: files and compiled extensions are isolated, and what runs on
    another device than the CPU, which one bad access to memory can take from its process.
    Raises UsageError for what is no target, device, convention or dtype, and LoadError, one sentence, for a target that cannot be had.
    """
    for key, value in dialect.items():
        Dialect().declared(key, value)
    if device is not None and not DEVICE.match(device):
        raise UsageError(f"{device!r} is no device; valid are cpu, cuda and cuda:N")
    for dtype in dtypes:
        if dtype not in FORMATS:
            raise UsageError(f"{dtype!r} is no dtype; valid are {', '.join(FORMATS)}")
    parsed = parse_target(target) if isinstance(target, str) else None
    if parsed is not None:
        dialect = {**declared_for(parsed), **dialect}
    place = (parsed.device if parsed is not None else None) or device or "cpu"
    if isolate and parsed is None:
        raise UsageError(
            f"{_name_of(target)} is an object of this process; only a target that is named can be isolated"
        )
    # The companion on the CPU is loaded as it would be alone.
    if parsed is not None and (isolate or (isolate is None and (place != "cpu" or needs_isolation(parsed)))):
        request = {"target": parsed.text, "dialect": dict(dialect), "ranks": ranks, "dtypes": dtypes}
        implementation = _isolated({**request, "device": place})
        if place == "cpu":
            return implementation
        alone = load(
            without_device(parsed), device="cpu", dialect=dialect, ranks=ranks, dtypes=dtypes, isolate=isolate
        )
        return replace(implementation, companion=alone)
    if parsed is None:
        found = Found(target, _name_of(target), device=place, declared=dialect)
    else:
        found = Found(None, parsed.text, options=dict(parsed.options), device=place, declared=dialect)
    found = replace(found, wanted_ranks=ranks, wanted_dtypes=dtypes)
    companion = None
    if place != "cpu" and not isinstance(target, Adapter):
        companion = _restricted(_implementation(parsed, replace(found, device="cpu")), ranks or found.ranks())
    implementation = _restricted(_implementation(parsed, found), ranks or found.ranks())
    return replace(implementation, companion=companion)


def needs_isolation(target: Target) -> bool:
    """Files, which are somebody's work in progress, and compiled extensions and operators, which can end the process."""
    if target.is_file or target.locator.partition(".")[0] in _UNRESTRAINED:
        return True
    if f"{target.locator}:{target.attribute}" in _UNCHECKED:
        return True
    with contextlib.suppress(ImportError, ValueError):
        spec = find_spec(target.locator.partition(".")[0])
        return spec is not None and str(spec.origin).endswith(tuple(EXTENSION_SUFFIXES))
    return False


def without_device(target: Target) -> str:
    """The target's text without its @device."""
    return target.text if target.device is None else target.text.removesuffix(f"@{target.device}")


def _isolated(request: Mapping[str, Any]) -> Implementation:
    worker = Worker(request)
    told = worker.start()
    adapter = RemoteAdapter(told)
    name, ranks = str(told["name"]), tuple(told["ranks"])
    return Implementation(name, adapter, str(request["device"]), adapter.dialect, ranks=ranks, worker=worker)


def _restricted(implementation: Implementation, ranks: tuple[int, ...]) -> Implementation:
    """Judged in these ranks alone; a function that takes any rank may be meant for one."""
    offered = implementation.capabilities.ranks
    if not ranks:
        return implementation
    if not set(ranks).intersection(offered):
        wanted, told = (", ".join(map(str, each)) for each in (ranks, offered))
        raise LoadError(f"{implementation.name} takes x of rank {told}; rank {wanted} was asked for")
    return replace(implementation, ranks=tuple(rank for rank in offered if rank in ranks))


def adapters() -> dict[str, str]:
    """Every adapter by name, and where it comes from or what it lacks."""
    told = {name: f"built in{_lacking(name)}" for name in (*SHORT_NAMES, *FOR_OBJECTS)}
    return told | {name: f"registered as {entry.value}" for name, entry in registered().items()}


def _lacking(name: str) -> str:
    needed = next((each for each in EXTRAS if each in name), None)
    if needed is None or find_spec(needed) is not None:
        return ""
    return f', but {needed} is not installed: pip install "bncheck[{EXTRAS[needed]}]"'


def _implementation(parsed: Target | None, found: Found) -> Implementation:
    """On the device of `found`, with the dialect that it is judged by where the user declares any of it."""
    adapter = recognised(found) if parsed is None else _named(parsed, found)
    if not type(adapter).__module__.startswith("bncheck."):
        _check_offers(adapter, found)
    declared = adapter.dialect
    for key, value in found.declared.items():
        declared = declared.declared(key, value)
    return Implementation(found.name, adapter, found.device, declared if found.declared else None)


def _check_offers(adapter: Adapter, found: Found) -> None:
    """LoadError where an adapter of the user's offers what it cannot do; whatever else it does is judged."""
    with contextlib.suppress(ImplementationCrashed):
        try:
            evaluate(adapter, probe_case(adapter.capabilities), device=found.device)
        except NotOffered as error:
            raise LoadError(
                f"{found.name} offers what it does not do: {error}; a method of {type(adapter).__name__} can do it "
                "(set_params, get_state, set_state), or its capabilities leave it out (affine, statistics, set_statistics)"
            ) from error


def _named(target: Target, found: Found) -> Adapter:
    """The adapter that a target names or that its object asks for."""
    others = registered()
    if target.adapter is None and target.attribute is None and not target.is_file:
        if target.locator in SHORT_NAMES:
            return built(target.locator, found)
        if target.locator in others:
            return from_factory(others[target.locator].load(), found)
        _check_short_name(target.locator)
    if target.locator.endswith(".onnx"):
        found, runner = replace(found, thing=target.locator), target.adapter or "onnxruntime"
        if runner in FOR_MODELS:
            return built(runner, found)
    if target.adapter is not None and target.adapter not in {*FOR_OBJECTS, *others}:
        raise LoadError(f"there is no adapter {target.adapter!r}; valid are {', '.join(adapter_names())}")
    if not target.locator.endswith(".onnx"):
        with importing(target.locator, found.options, found.name):
            found = replace(found, thing=located(target))
    if target.adapter is None:
        return recognised(found)
    if target.adapter in FOR_OBJECTS:
        return built(target.adapter, found)
    return from_factory(others[target.adapter].load(), found, found.thing)


def _check_short_name(locator: str) -> None:
    """Say what a misspelt short name may have meant; anything else is looked for as a module."""
    near = difflib.get_close_matches(locator, SHORT_NAMES, cutoff=0.8)
    if near:
        raise LoadError(f"there is no adapter {locator!r}; near it are {', '.join(near)}")


def _name_of(thing: object) -> str:
    """`module:qualname`, for an instance of its class."""
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{getattr(named, '__module__', '?')}:{getattr(named, '__qualname__', '?')}"
