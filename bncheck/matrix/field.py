"""The implementations of the field: what `bncheck matrix` judges where no target is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec

from bncheck.adapters.frameworks import EXTRAS


@dataclass(frozen=True, slots=True)
class Known:
    """A target, and the modules without which it cannot be judged."""

    target: str
    needs: tuple[str, ...] = ()

    def missing(self) -> tuple[str, ...]:
        """Those of the modules that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)


FIELD = (
    Known("reference.numpy"),
    Known("reference.torch", ("torch",)),
    Known("reference.jax", ("jax",)),
    Known("torch.nn:BatchNorm1d", ("torch",)),
    Known("torch.nn:BatchNorm2d", ("torch",)),
    Known("torch.nn:BatchNorm3d", ("torch",)),
    Known("torch.nn:BatchNorm2d?affine=false", ("torch",)),
    Known("torch.nn.functional:batch_norm", ("torch",)),
    Known("torch:native_batch_norm", ("torch",)),
    # Minutes where torch.compile has kept nothing of an earlier run.
    Known("torch_compile+torch.nn:BatchNorm2d", ("torch",)),
    Known("flax.nnx:BatchNorm", ("flax",)),
    Known("flax.nnx:BatchNorm?use_fast_variance=false", ("flax",)),
    Known("flax.linen:BatchNorm", ("flax",)),
    Known("flax.linen:BatchNorm?use_fast_variance=false", ("flax",)),
    Known("haiku:BatchNorm", ("haiku",)),
    Known("equinox.nn:BatchNorm?mode=ema", ("equinox",)),
    Known("equinox.nn:BatchNorm?mode=batch", ("equinox",)),
    Known("mlx.nn:BatchNorm", ("mlx",)),
    Known("tinygrad.nn:BatchNorm", ("tinygrad",)),
    Known("onnxruntime?opset=9", ("onnx", "onnxruntime")),
    Known("onnxruntime?opset=14", ("onnx", "onnxruntime")),
    Known("onnxruntime?opset=15", ("onnx", "onnxruntime")),
    Known("onnx.reference?opset=9", ("onnx",)),
    Known("onnx.reference?opset=14", ("onnx",)),
    Known("onnx.reference?opset=15", ("onnx",)),
    Known("openvino?opset=15", ("onnx", "openvino")),
    Known("keras.layers:BatchNormalization?backend=numpy", ("keras",)),
    Known("keras.layers:BatchNormalization?backend=torch", ("keras", "torch")),
    Known("keras.layers:BatchNormalization?backend=jax", ("keras", "jax")),
    Known("keras.layers:BatchNormalization?backend=tensorflow", ("keras", "tensorflow")),
    Known("tensorflow.compat.v1.nn:fused_batch_norm", ("tensorflow",)),
    Known("tensorflow.nn:batch_normalization", ("tensorflow",)),
    Known("paddle.nn:BatchNorm1D", ("paddle",)),
    Known("paddle.nn:BatchNorm2D", ("paddle",)),
    Known("paddle.nn:BatchNorm3D", ("paddle",)),
)


def installed(known: Iterable[Known]) -> tuple[str, ...]:
    """The targets whose modules are all there."""
    return tuple(each.target for each in known if not each.missing())


def absent(known: Iterable[Known]) -> dict[str, str]:
    """The targets that cannot be judged here, each with the command that brings what it needs."""
    return {each.target: _command(each.missing()) for each in known if each.missing()}


def _command(missing: tuple[str, ...]) -> str:
    return f'pip install "bncheck[{",".join(sorted({EXTRAS[name] for name in missing}))}]"'
