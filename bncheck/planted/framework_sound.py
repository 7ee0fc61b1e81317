"""Sound variants in torch and JAX, and the references, by name: a framework is loaded when one is made."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from bncheck.adapter import Adapter
from bncheck.adapters.found import Found
from bncheck.planted.bug import Sound
from bncheck.planted.makers import in_jax, in_torch


def _reference(framework: str) -> Adapter:
    adapters = import_module("bncheck.adapters.references")
    adapter: Adapter = getattr(adapters, f"{framework}_reference")(Found(None, f"reference.{framework}"))
    return adapter


FRAMEWORK_SOUND = (
    Sound("reference.numpy", "The reference in NumPy.", partial(_reference, "numpy")),
    Sound("reference.torch", "The reference in torch.", partial(_reference, "torch")),
    Sound("reference.jax", "The reference in JAX.", partial(_reference, "jax")),
    Sound("torch.composed", "Composed of torch's operations.", in_torch("BatchNorm", "torch_layer")),
    Sound("torch.by_hand", "A backward pass by hand.", in_torch("ByHand", "torch_layer")),
    Sound("torch.folded", "The output is one product and one sum.", in_torch("Folded", "torch_sound")),
    Sound("torch.channels_last", "Channels last inside.", in_torch("ChannelsLast", "torch_sound")),
    Sound("torch.var_mean", "Mean and variance by torch.", in_torch("VarMean", "torch_sound")),
    Sound("torch.lerp", "The statistics move by torch.lerp.", in_torch("Lerp", "torch_sound")),
    Sound("torch.double", "Everything in float64, rounded at the end.", in_torch("Double", "torch_sound")),
    Sound(
        "torch.checkpointed",
        "The affine part is computed again for the backward pass.",
        in_torch("Checkpointed", "torch_sound"),
    ),
    Sound(
        "torch.compiled",
        "Compiled by torch.",
        in_torch("Compiled", "torch_sound"),
        dtypes=("float32",),
        slow=True,
    ),
    Sound("jax.functional", "A compiled function.", in_jax("functional", "jax_sound")),
    Sound(
        "jax.folded",
        "A compiled function whose output is one product and one sum.",
        in_jax("folded", "jax_sound"),
    ),
)
