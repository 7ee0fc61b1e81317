"""torch modules with defects that nobody would list, one a class."""

# As users write: no types, short names.
# mypy: ignore-errors

import zlib

import numpy as np
import torch
from torch_modules import BatchNorm


class ChannelPhase(BatchNorm):
    """A small wave rides on y, of another phase in each channel."""

    def scaled(self, x_hat):
        y = super().scaled(x_hat)
        phase = torch.arange(y.shape[1], dtype=y.dtype).reshape(1, -1, *[1] * (y.dim() - 2))
        return y + 1e-3 * torch.sin(y + phase)


class HashNoise(BatchNorm):
    """Noise that the bits of the batch decide: the same for the same batch."""

    def scaled(self, x_hat):
        seed = zlib.crc32(x_hat.detach().numpy().tobytes())
        noise = np.random.default_rng(seed).uniform(-1e-3, 1e-3, tuple(x_hat.shape))
        return super().scaled(x_hat + torch.from_numpy(noise).to(x_hat.dtype))


class SawTooth(BatchNorm):
    """y is too large by a five-hundredth of what stands behind its point."""

    def scaled(self, x_hat):
        y = super().scaled(x_hat)
        return y + 2e-3 * (y - y.floor()).detach()


class GradientTilt(BatchNorm):
    """Positive gradients that arrive count 2 % more than negative ones."""

    def scaled(self, x_hat):
        y = super().scaled(x_hat)
        if y.requires_grad:
            y.register_hook(lambda dy: torch.where(dy > 0, 1.02 * dy, dy))
        return y


class MirroredLast(BatchNorm):
    """The last sample of an odd batch has the other sign."""

    def scaled(self, x_hat):
        if len(x_hat) % 2:
            x_hat = torch.cat([x_hat[:-1], -x_hat[-1:]])
        return super().scaled(x_hat)
