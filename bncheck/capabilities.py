"""What an implementation can be asked, and why it cannot be asked the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A declaration, by the adapter or from the signature and a probe.

    `ranks`: of x.  `dtypes`: names of the formats of x.  `mixed`: half-precision x with float32 parameters and
    statistics; `uniform`: half-precision x with parameters and statistics of its own dtype.  `train`, `eval`: modes.
    `gradient`, `eval_gradient`: dx, dgamma and dbeta in each.  `statistics`: running mean and variance can be read
    after a training step; `set_statistics`: they can be given.  `affine`: gamma and beta can be given; `plain`: they
    can be absent.  `momentum`: it can be chosen; `frozen`: as 0 too, where
    statistics stand still; `cumulative`: it can be None.  `zero_eps`: eps 0 in evaluation.
    `channels`, `eps`, `fixed_momentum`: fixed values of an instance, None where free.  `compiles`: each new shape costs
    a compilation, so that shapes come from a short list.  `second_device`: the same target also runs on the CPU beside
    the device that is judged.  `actions`: steps of a program that it offers besides passes: momentum, reset, copy,
    reload, move.  `counter`: it counts the batches.  `older_backward`: a backward pass may follow a later forward pass.
    `forward_mode`: the derivative of y along a direction; `second_order`: the derivatives of the gradients.
    `layouts`: its arrays can lie in memory in other ways than one element after the other.  `parameters`: gamma and
    beta can be read back; `memory`: where the arrays lie can be told; an adapter that offers these declares them.
    `train_bounds`, `eval_bounds`: a bound of y is derived in each mode, and of dx, dgamma and what follows; `double`:
    x of float64 is computed in float64; `small_weights`: a batch can weigh as little as one likes.  What a dialect rules
    out of these, and of `frozen`, no adapter has to tell.
    `reasons`: for an absent capability, why.
    """

    ranks: tuple[int, ...] = (2, 3, 4, 5)
    dtypes: tuple[str, ...] = ("float32", "float64")
    mixed: bool = True
    uniform: bool = True
    train: bool = True
    eval: bool = True
    gradient: bool = True
    eval_gradient: bool = True
    statistics: bool = True
    set_statistics: bool = True
    affine: bool = True
    plain: bool = False
    momentum: bool = True
    frozen: bool = True
    cumulative: bool = False
    zero_eps: bool = True
    channels: int | None = None
    eps: float | None = None
    fixed_momentum: float | None = None
    compiles: bool = False
    second_device: bool = False
    actions: tuple[str, ...] = ()
    counter: bool = False
    older_backward: bool = True
    layouts: bool = False
    parameters: bool = False
    memory: bool = False
    forward_mode: bool = False
    second_order: bool = False
    train_bounds: bool = True
    eval_bounds: bool = True
    double: bool = True
    small_weights: bool = True
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def other_shapes(self) -> bool:
        """Whether the same channels can be given under two shapes: rank 2 alone has one shape for them."""
        return any(rank > 2 for rank in self.ranks)

    @property
    def free_eps(self) -> bool:
        """Whether eps can be chosen."""
        return self.eps is None

    @property
    def other_channels(self) -> bool:
        """Whether it has two channels or more, so that a batch of one more cannot broadcast."""
        return self.channels is None or self.channels > 1

    @property
    def fewer_channels(self) -> bool:
        """Whether it can be asked about a part of the channels."""
        return self.channels is None and not self.compiles

    @property
    def some_train_bounds(self) -> bool:
        """Whether anything that training makes has a bound: what does not hang on y are the statistics and dbeta."""
        return self.train_bounds or self.statistics or (self.gradient and self.affine)

    @property
    def some_bounds(self) -> bool:
        """Whether y has a bound in one of the modes that there are."""
        return self.train_bounds or (self.eval_bounds and self.eval and self.set_statistics)

    @property
    def reset(self) -> bool:
        """Whether the statistics can be set to those of a new layer."""
        return "reset" in self.actions

    @property
    def copy(self) -> bool:
        """Whether a layer can be copied."""
        return "copy" in self.actions

    @property
    def reload(self) -> bool:
        """Whether a layer's state can be saved and loaded."""
        return "reload" in self.actions

    @property
    def move(self) -> bool:
        """Whether a layer can be moved to another dtype."""
        return "move" in self.actions

    def why_not(self, name: str) -> str | None:
        """The reason why capability `name` is absent, or None where it is there."""
        if name in {"zero_eps", "free_eps"} and self.eps is not None:
            return f"the instance's eps is fixed at {self.eps!r}"
        if getattr(self, name):
            return None
        return self.reasons.get(name, _SENTENCES.get(name) or f"the target does not offer {_WORDS[name]}")


_WORDS = {
    "train": "training mode",
    "eval": "evaluation mode",
    "gradient": "gradients in training",
    "eval_gradient": "gradients in evaluation",
    "statistics": "running statistics",
    "set_statistics": "setting the running statistics",
    "affine": "gamma and beta",
    "plain": "leaving gamma and beta out",
    "momentum": "a choice of momentum",
    "frozen": "a momentum of 0",
    "cumulative": "a cumulative average (momentum None)",
    "zero_eps": "eps 0 in evaluation",
    "reset": "resetting the running statistics",
    "copy": "copying a layer",
    "reload": "saving and loading a layer's state",
    "move": "moving a layer to another dtype",
    "counter": "a count of the batches",
    "mixed": "half-precision x with float32 parameters",
}
_SENTENCES = {
    "other_shapes": "its only rank is 2, where there is one shape for the same channels",
    "other_channels": "it has one channel, which broadcasts",
    "fewer_channels": "its number of channels is fixed, or each would be one more compilation",
    "layouts": "its adapter does not declare that it places arrays in layouts",
    "parameters": "its adapter does not declare that gamma and beta can be read back",
    "memory": "its adapter does not declare that it tells where arrays lie in memory",
    "forward_mode": "its adapter does not declare that it finds derivatives of y in forward mode",
    "second_order": "its adapter does not declare that it differentiates its gradients",
    **dict.fromkeys(
        ("train_bounds", "eval_bounds", "some_train_bounds", "some_bounds"),
        "no bound of y is derived for what its dialect says",
    ),
    "double": "its float64 is no float64",
    "small_weights": "each of its batches weighs much",
    "second_device": "it is judged on one device, and there is no second to compare with",
}
