"""The defaults of eps and momentum that libraries document, each for a class or function by its name."""

from __future__ import annotations

from dataclasses import replace

from bncheck.dialect import Dialect

# eps and momentum in the library's own terms, None where it documents no default.
DEFAULTS: dict[str, tuple[float | None, float | None]] = {
    **{f"torch.nn.modules.batchnorm.BatchNorm{rank}d": (1e-5, 0.1) for rank in (1, 2, 3)},
    "torch.nn.functional.batch_norm": (1e-5, 0.1),
    "flax.linen.normalization.BatchNorm": (1e-5, 0.99),
    "flax.nnx.nn.normalization.BatchNorm": (1e-5, 0.99),
    "haiku._src.batch_norm.BatchNorm": (1e-5, None),
    "equinox.nn._batch_norm.BatchNorm": (1e-5, 0.99),
    "mlx.nn.layers.normalization.BatchNorm": (1e-5, 0.1),
    "keras.src.layers.normalization.batch_normalization.BatchNormalization": (1e-3, 0.99),
    **{f"paddle.nn.layer.norm.BatchNorm{rank}D": (1e-5, 0.9) for rank in (1, 2, 3)},
    "tinygrad.nn.BatchNorm": (1e-5, 0.1),
}


def with_defaults(dialect: Dialect, thing: object) -> Dialect:
    """The dialect of a library's own class or function; what derives from it has defaults of its own."""
    eps, momentum = DEFAULTS.get(
        f"{getattr(thing, '__module__', None)}.{getattr(thing, '__qualname__', None)}", (None, None)
    )
    return replace(dialect, eps_default=eps, momentum_default=momentum)
