"""Each law of eps, momentum, gamma, beta and dy, run alone, kills its bugs and holds for sound layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from mutants.layers import LayerAdapter, Made, sound, total

from bncheck import Config


class HalfGamma(LayerAdapter):
    """A layer without gamma and beta keeps a hidden gamma of a half."""

    def make(self, config: Config) -> Made:
        made = super().make(config)
        if not config.affine:
            half = np.full(config.channels, 0.5).astype(config.parameter_dtype)
            made.gamma, made.beta = half, np.zeros_like(half)
        return made


class NoUpdateWithoutAffine(LayerAdapter):
    """A layer without gamma and beta does not track statistics either."""

    def _track(self, handle: Made, mean: np.ndarray, variance: np.ndarray, count: int) -> None:
        if handle.config.affine:
            super()._track(handle, mean, variance, count)


def _layer(**parts: Callable[..., object]) -> LayerAdapter:
    return LayerAdapter(replace(sound(), **parts))  # type: ignore[arg-type]  # parts by their names


def _dx_without_eps(dy: np.ndarray, xc: np.ndarray, r: np.ndarray, g: np.ndarray) -> np.ndarray:
    """The projection by the variance alone: mean(xc^2) in place of 1 / r^2."""
    square = np.maximum(total(xc * xc) / xc.shape[1], np.finfo(xc.dtype).tiny)
    return np.asarray(g * r * (dy - total(dy) / dy.shape[1] - xc / square * (total(dy * xc) / dy.shape[1])))


KILLED: dict[str, list[LayerAdapter]] = {
    "parameters.eps": [
        _layer(inverse=lambda variance, eps: 1 / np.sqrt(variance + variance.dtype.type(1e-5))),
        _layer(inverse=lambda variance, eps: 1 / (np.sqrt(variance) + eps)),
        _layer(train_dx=_dx_without_eps),
    ],
    "parameters.momentum": [
        _layer(blend=lambda old, new, w: old.dtype.type(0.9) * old + old.dtype.type(0.1) * new),
        _layer(blend=lambda old, new, w: w * old + (1 - w) * new),
        # a momentum of 0 is taken for none, and the default steps in
        _layer(blend=lambda old, new, w: old + (w or old.dtype.type(0.1)) * (new - old)),
    ],
    "parameters.affine_off": [HalfGamma(sound()), NoUpdateWithoutAffine(sound())],
    "parameters.linearity": [
        # gamma by its magnitude, and eps added: inplace_abn
        _layer(affine=lambda x, mean, r, g, b: (np.abs(g) + 1e-5) * ((x - mean) * r) + b),
        _layer(affine=lambda x, mean, r, g, b: g * ((x - mean) * r + b)),
        # an upstream gradient that is clipped
        _layer(dbeta=lambda dy: total(np.clip(dy, -1, 1))),
        _layer(train_dx=lambda dy, xc, r, g: r * (dy - total(dy) / dy.shape[1])),
    ],
}
