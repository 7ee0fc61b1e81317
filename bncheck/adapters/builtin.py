"""The adapters that come with bncheck: an explicit table, each imported when a target needs it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from bncheck.adapter import Adapter
from bncheck.adapters.found import Found
from bncheck.adapters.frameworks import missing_framework
from bncheck.errors import BncheckError, LoadError
from bncheck.evaluation import told

GROUP = "bncheck.adapters"

# These run an ONNX model, `onnxruntime+bn.onnx`, or by their short name one that they build.
FOR_MODELS: Mapping[str, tuple[str, str]] = {
    "onnxruntime": ("bncheck.adapters.onnx_model", "OnnxruntimeAdapter"),
    "onnx.reference": ("bncheck.adapters.onnx_model", "OnnxReferenceAdapter"),
    "openvino": ("bncheck.adapters.openvino_model", "OpenvinoAdapter"),
}

# A short name is a target by itself.
SHORT_NAMES: Mapping[str, tuple[str, str]] = {
    "reference.numpy": ("bncheck.adapters.references", "numpy_reference"),
    "reference.torch": ("bncheck.adapters.references", "torch_reference"),
    "reference.jax": ("bncheck.adapters.references", "jax_reference"),
    **FOR_MODELS,
}

# These take an object, by recognition or by name: `function+mylayer.py:norm`.
FOR_OBJECTS: Mapping[str, tuple[str, str]] = {
    "torch_module": ("bncheck.adapters.torch_module", "TorchModuleAdapter"),
    "torch_compile": ("bncheck.adapters.torch_compile", "TorchCompileAdapter"),
    "torch_native": ("bncheck.adapters.torch_ops", "TorchOpAdapter"),
    "function": ("bncheck.adapters.function", "FunctionAdapter"),
    "layer_class": ("bncheck.adapters.layer_class", "LayerAdapter"),
    "flax_nnx": ("bncheck.adapters.flax_nnx", "NnxAdapter"),
    "flax_linen": ("bncheck.adapters.flax_linen", "LinenAdapter"),
    "haiku": ("bncheck.adapters.dm_haiku", "HaikuAdapter"),
    "equinox": ("bncheck.adapters.equinox_layer", "EquinoxAdapter"),
    "mlx": ("bncheck.adapters.mlx_layer", "MlxAdapter"),
    "keras": ("bncheck.adapters.keras_backend", "keras_adapter"),
    "tensorflow_fused": ("bncheck.adapters.tensorflow_ops", "FusedAdapter"),
    "tensorflow_moments": ("bncheck.adapters.tensorflow_ops", "MomentsAdapter"),
    "paddle": ("bncheck.adapters.paddle_layer", "PaddleAdapter"),
    "tinygrad": ("bncheck.adapters.tinygrad_layer", "TinygradAdapter"),
}

# A class is recognised by what it derives from, told by name, so that no framework need be imported to look.
BY_BASE_CLASS: Mapping[str, str] = {
    "torch.nn.modules.module.Module": "torch_module",
    "flax.nnx.nn.normalization.BatchNorm": "flax_nnx",
    "flax.linen.normalization.BatchNorm": "flax_linen",
    "haiku._src.batch_norm.BatchNorm": "haiku",
    "equinox.nn._batch_norm.BatchNorm": "equinox",
    "mlx.nn.layers.normalization.BatchNorm": "mlx",
    "keras.src.layers.normalization.batch_normalization.BatchNormalization": "keras",
    **{f"paddle.nn.layer.norm.BatchNorm{rank}D": "paddle" for rank in (1, 2, 3)},
    "tinygrad.nn.BatchNorm": "tinygrad",
}

# Functions of libraries whose arguments are not bncheck's own in some way, told by name as well.
BY_FUNCTION: Mapping[str, str] = {
    "torch.native_batch_norm": "torch_native",
    "torch.batch_norm": "torch_native",
    "torch._ops.aten._native_batch_norm_legit": "torch_native",
    "tensorflow.python.ops.nn_impl.fused_batch_norm": "tensorflow_fused",
    "tensorflow.python.ops.nn_impl.batch_normalization": "tensorflow_moments",
}


def registered() -> dict[str, EntryPoint]:
    """The adapters that other distributions register, by their names."""
    return {each.name: each for each in entry_points(group=GROUP)}


def adapter_names() -> tuple[str, ...]:
    """Every name that `name+locator` or a short name may use."""
    return tuple(sorted({*SHORT_NAMES, *FOR_OBJECTS, *registered()}))


def built(name: str, found: Found) -> Adapter:
    """The built-in adapter `name` for what was found; LoadError where its framework is not installed."""
    module, attribute = {**SHORT_NAMES, **FOR_OBJECTS}[name]
    try:
        build = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise missing_framework(error, found.name) or error from error
    try:
        adapter = build(found)
    except BncheckError:
        raise
    except Exception as error:
        raise LoadError(f"{found.name} could not be made: {told(error)}") from error
    if not isinstance(adapter, Adapter):
        raise LoadError(f"{name} did not make an adapter of {found.name}")
    return adapter


def adapter_for_class(kind: type) -> str | None:
    """The name of the adapter that a base class of `kind` asks for."""
    bases = (f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__)
    return next((BY_BASE_CLASS[base] for base in bases if base in BY_BASE_CLASS), None)


def adapter_for_function(function: object) -> str | None:
    """The name of the adapter that a library's function asks for."""
    return BY_FUNCTION.get(f"{getattr(function, '__module__', None)}.{getattr(function, '__name__', None)}")
