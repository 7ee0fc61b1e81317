"""Planted bugs in torch: modules composed of its operations, of which one method is replaced."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch.utils.checkpoint import checkpoint

from bncheck.planted.torch_layer import BatchNorm, Moments, along, beside


class Swapped(BatchNorm):
    """momentum.swapped."""

    def weight_of_batch(self) -> float:
        """That of the old statistics."""
        return 1 - super().weight_of_batch()


class Biased(BatchNorm):
    """running_var.biased."""

    def tracked(self, variance: torch.Tensor, _x: torch.Tensor) -> torch.Tensor:
        """As it is."""
        return variance


class Unbiased(BatchNorm):
    """variance.unbiased: torch.var is unbiased unless told otherwise."""

    def moments(self, values: torch.Tensor) -> Moments:
        """Both by torch."""
        return values.mean(along(values)), values.var(along(values))

    def tracked(self, variance: torch.Tensor, _x: torch.Tensor) -> torch.Tensor:
        """Unbiased already."""
        return variance


class EpsOutside(BatchNorm):
    """eps.outside_the_root."""

    def inverse(self, variance: torch.Tensor) -> torch.Tensor:
        """1 / (sqrt(var) + eps)."""
        return 1 / (torch.sqrt(variance) + self.eps)


class OnePass(BatchNorm):
    """numerics.one_pass."""

    def moments(self, values: torch.Tensor) -> Moments:
        """mean(x^2) - mean(x)^2."""
        mean = values.mean(along(values))
        return mean, ((values * values).mean(along(values)) - mean * mean).clamp(min=0)


class BatchInEvaluation(BatchNorm):
    """mode.batch_statistics_in_evaluation."""

    def given(self, values: torch.Tensor) -> Moments:
        """Those of the batch."""
        return self.moments(values)


class Detached(BatchNorm):
    """gradient_dx.constant_statistics."""

    def moments(self, values: torch.Tensor) -> Moments:
        """Without their history."""
        mean, variance = super().moments(values)
        return mean.detach(), variance.detach()


class VarianceDetached(BatchNorm):
    """gradient_dx.without_the_variance_term."""

    def moments(self, values: torch.Tensor) -> Moments:
        """The variance without its history."""
        mean, variance = super().moments(values)
        return mean, variance.detach()


class UpdateInCopy(BatchNorm):
    """layout.statistics_updated_in_a_copy."""

    def track(self, mean: torch.Tensor, variance: torch.Tensor, _x: torch.Tensor) -> None:
        """Into what contiguous() gives."""
        assert self.running_mean is not None and self.running_var is not None
        w = self.weight_of_batch()
        with torch.no_grad():
            for held, new in ((self.running_mean, mean), (self.running_var, variance)):
                row = held.contiguous()
                row.copy_((1 - w) * row.to(new.dtype) + w * new)
            self.count()


class InPlace(BatchNorm):
    """aliasing.output_in_place_of_x."""

    def output(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Written over x."""
        return x.copy_(y) if not torch.is_grad_enabled() else self._over(y, x)

    @staticmethod
    def _over(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        x.data.copy_(y.detach())
        return y.to(x.dtype)


class Recomputed(BatchNorm):
    """state.updated_again_in_backward: the forward pass is computed again for the backward pass."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """By a checkpoint."""
        if not (self.training and torch.is_grad_enabled()) or x.numel() <= self.num_features:
            return super().forward(x)
        return torch.as_tensor(checkpoint(super().forward, x, use_reentrant=False))


class TracksWithGradients(BatchNorm):
    """mode.tracks_with_gradients_alone."""

    def track(self, mean: torch.Tensor, variance: torch.Tensor, x: torch.Tensor) -> None:
        """Where gradients are recorded."""
        if torch.is_grad_enabled():
            super().track(mean, variance, x)


class EpsNotHandedOn(BatchNorm):
    """eps.not_handed_on: the functional form is called with its own default."""

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """By torch's function."""
        if self.training:
            return self.scaled(F.batch_norm(values, None, None, training=True))
        return self.scaled(F.batch_norm(values, mean, variance))


class InstanceNorm(BatchNorm):
    """axes.instance_norm: each sample of an image by its own statistics."""

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """By torch's function, where it takes the shape."""
        if not self.training or values.dim() == 2 or values[0, 0].numel() < 2:
            return super().normalised(values, mean, variance)
        return self.scaled(F.instance_norm(values, eps=self.eps))


class GraphInStatistics(BatchNorm):
    """state.graph_in_the_statistics: the running statistics keep the history of every batch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The moving average is differentiated with the rest."""
        if not self.training or x.numel() == 0:
            return super().forward(x)
        self.check(x)
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        mean, variance = self.moments(values)
        assert self.running_mean is not None and self.running_var is not None
        w, kept = self.weight_of_batch(), self.running_mean.dtype
        self.running_mean = ((1 - w) * self.running_mean.to(mean.dtype) + w * mean).to(kept)
        self.running_var = ((1 - w) * self.running_var.to(mean.dtype) + w * self.tracked(variance, x)).to(
            kept
        )
        self.count()
        return self.output(self.normalised(values, mean, variance), x)


class NoBuffers(BatchNorm):
    """state.statistics_are_no_buffers: plain attributes are neither saved nor moved."""

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, *, affine: bool = True
    ) -> None:
        super().__init__(num_features, eps, momentum, affine)
        mean, var = self.running_mean, self.running_var
        del self.running_mean, self.running_var
        self.running_mean, self.running_var = mean, var


class LoadForgetsCounter(BatchNorm):
    """state.load_forgets_the_counter."""

    def load_state_dict(
        self,
        state_dict: Mapping[str, torch.Tensor],
        strict: bool = True,  # noqa: ARG002, FBT002 - as torch declares it
        assign: bool = False,  # noqa: FBT002
    ) -> object:
        """All but the count, without a word."""
        rest = {name: value for name, value in state_dict.items() if name != "num_batches_tracked"}
        return super().load_state_dict(rest, strict=False, assign=assign)


class WeightDetached(BatchNorm):
    """gradient_dgamma.detached: gamma enters without its history."""

    def scaled(self, xhat: torch.Tensor) -> torch.Tensor:
        """By data."""
        if not self.affine:
            return xhat
        return beside(self.weight.data.to(xhat.dtype), xhat) * xhat + beside(self.bias.to(xhat.dtype), xhat)


class Autocast(BatchNorm):
    """dtype.autocast: everything in bfloat16, as inside an autocast that knows no exception."""

    def normalised(self, values: torch.Tensor, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """xhat rounded to bfloat16."""
        xhat = (values - beside(mean, values)) * beside(self.inverse(variance), values)
        return self.scaled(xhat.bfloat16().to(values.dtype))


class DefaultDtype(BatchNorm):
    """dtype.statistics_in_the_default_dtype: torch.zeros is float32 whatever x is."""

    def track(self, mean: torch.Tensor, variance: torch.Tensor, x: torch.Tensor) -> None:
        """Through new tensors of the default dtype."""
        rows = torch.zeros(2, len(mean))
        rows[0], rows[1] = mean, variance
        super().track(rows[0], rows[1], x)


class CumulativeBeforeCounting(BatchNorm):
    """momentum.cumulative_before_counting: the first batch is the zeroth."""

    def weight_of_batch(self) -> float:
        """One over the batches seen before, at least one."""
        assert self.num_batches_tracked is not None
        return 1 / max(int(self.num_batches_tracked), 1) if self.momentum is None else self.momentum


class DrawsNumbers(BatchNorm):
    """determinism.draws_from_the_global_generator: noise too small to matter moves torch's random state."""

    def output(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Noise times zero."""
        return (y + 0 * torch.rand(())).to(x.dtype)


class ViewOfInput(BatchNorm):
    """crash.view_of_a_strided_input: view wants what reshape does not."""

    def moments(self, values: torch.Tensor) -> Moments:
        """Over (N, C, -1)."""
        return super().moments(values.view(values.shape[0], values.shape[1], -1))


class LastStatistics(BatchNorm):
    """state.evaluation_of_the_last_batch: evaluation takes the statistics that the last training batch left."""

    last: Moments | None = None

    def moments(self, values: torch.Tensor) -> Moments:
        """Kept."""
        mean, variance = super().moments(values)
        self.last = mean.detach(), variance.detach()
        return mean, variance

    def given(self, values: torch.Tensor) -> Moments:
        """Those kept, if there are any."""
        return super().given(values) if self.last is None else self.last


class InferenceMode(BatchNorm):
    """mode.tracks_with_gradients_of_x_alone: without a graph to x nothing is tracked."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x tells whether this is training for real."""
        self.differentiated = x.requires_grad
        return super().forward(x)

    def track(self, mean: torch.Tensor, variance: torch.Tensor, x: torch.Tensor) -> None:
        """Only then."""
        if self.differentiated:
            super().track(mean, variance, x)
