"""Which framework an object belongs to, and the arrays of that framework."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import cast, get_type_hints

from bncheck.adapters.arrays import Arrays
from bncheck.adapters.found import FRAMEWORKS, Found
from bncheck.errors import LoadError

_ARRAYS: Mapping[str, tuple[str, str]] = {
    "numpy": ("bncheck.adapters.numpy_arrays", "NumpyArrays"),
    "torch": ("bncheck.adapters.torch_arrays", "TorchArrays"),
    "jax": ("bncheck.adapters.jax_arrays", "JaxArrays"),
    "tensorflow": ("bncheck.adapters.tensorflow_arrays", "TensorflowArrays"),
}
# Module to the extra that brings it.
EXTRAS: Mapping[str, str] = {
    "torch": "torch",
    "jax": "jax",
    "jaxlib": "jax",
    "flax": "flax",
    "haiku": "haiku",
    "equinox": "equinox",
    "mlx": "mlx",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "keras": "keras",
    "tensorflow": "tensorflow",
    "paddle": "paddle",
    "openvino": "openvino",
    "tinygrad": "tinygrad",
}
_ANNOTATIONS: Mapping[str, str] = {
    "torch": r"\btorch\b|\bTensor\b",
    "jax": r"\b(jax|jaxlib|jnp)\b",
    "numpy": r"\b(numpy|np)\b|\bNDArray\b",
}
_ROOTS: Mapping[str, str] = {
    "torch": "torch",
    "jax": "jax",
    "jaxlib": "jax",
    "flax": "jax",
    "equinox": "jax",
    "numpy": "numpy",
}


def arrays_of(framework: str, found: Found) -> Arrays:
    """The arrays of a framework on the device of what was found; LoadError where either is not there."""
    module, attribute = _ARRAYS[framework]
    try:
        made = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise missing_framework(error, found.name) or error from error
    return cast("Arrays", made(found.device))


def missing_framework(error: ModuleNotFoundError, name: str) -> LoadError | None:
    """What to say where the module that was not found is a framework's, else None."""
    root = (error.name or "").split(".")[0]
    if root not in EXTRAS:
        return None
    extra = EXTRAS[root]
    return LoadError(f'{name} needs {root}, which is not installed here: pip install "bncheck[{extra}]"')


def framework_of(found: Found) -> str:
    """By declaration, else by annotations, else by what its code refers to, else by its module's globals; else NumPy."""
    functions = list(_functions(found.thing))
    spoken = (
        found.framework()
        or next((named for each in functions if (named := _by_annotation(each))), None)
        or _first(root for each in functions for root in _referred(each, set()))
        or _first(root for each in functions for root in map(_root, each.__globals__.values()))
    )
    return spoken or "numpy"


def _functions(target: object) -> Iterator[FunctionType]:
    """The Python functions that an object consists of: itself unwrapped, or those of its class."""
    inner = target
    while isinstance(inner, partial | MethodType) or hasattr(inner, "__wrapped__"):
        inner = (
            inner.func
            if isinstance(inner, partial)
            else getattr(inner, "__func__", None) or inner.__wrapped__
        )
    if isinstance(inner, FunctionType):
        yield inner
        return
    kind = target if isinstance(target, type) else type(target)
    for base in kind.__mro__[:-1]:
        yield from (member for member in vars(base).values() if isinstance(member, FunctionType))


def _by_annotation(function: FunctionType) -> str | None:
    try:
        hints: Mapping[str, object] = get_type_hints(function)
    except Exception:  # noqa: BLE001 - an annotation is any code at all; what cannot be resolved is read as text
        hints = function.__annotations__
    told = " ".join(hint if isinstance(hint, str) else f"{hint!r}" for hint in hints.values())
    return next((framework for framework in FRAMEWORKS if re.search(_ANNOTATIONS[framework], told)), None)


def _referred(function: FunctionType, seen: set[CodeType]) -> Iterator[str | None]:
    """The frameworks of what a function closes over and names, and of the functions of its module that it calls."""
    yield from (_root(cell.cell_contents) for cell in function.__closure__ or () if _is_filled(cell))
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        if code in seen:
            continue
        seen.add(code)
        pending += [each for each in code.co_consts if isinstance(each, CodeType)]
        for name in code.co_names:
            value = function.__globals__.get(name)
            yield _root(value)
            called = inspect.unwrap(value) if callable(value) else value
            if isinstance(called, FunctionType) and called.__globals__ is function.__globals__:
                pending.append(called.__code__)


def _is_filled(cell: CellType) -> bool:
    """Whether a closed-over variable has a value yet."""
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _root(value: object) -> str | None:
    """The framework that a module, or what is defined in one, belongs to."""
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return _ROOTS.get(name.split(".")[0]) if isinstance(name, str) else None


def _first(found: Iterator[str | None]) -> str | None:
    """The first of torch, jax, numpy that was found: torch and JAX code uses NumPy too, hardly the other way round."""
    there = set(found)
    return next((framework for framework in FRAMEWORKS if framework in there), None)
