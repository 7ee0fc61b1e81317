"""torch modules as users write them, and one instance."""

# As users write: no types, short names.
# mypy: ignore-errors

import torch
from torch import nn


class Textbook(nn.Module):
    """The layer of a well-known book: eps and momentum inside, momentum the weight of the old statistics."""

    def __init__(self, num_features, num_dims):
        super().__init__()
        shape = (1, num_features) if num_dims == 2 else (1, num_features, 1, 1)
        self.gamma = nn.Parameter(torch.ones(shape))
        self.beta = nn.Parameter(torch.zeros(shape))
        self.moving_mean = torch.zeros(shape)
        self.moving_var = torch.ones(shape)

    def forward(self, X):
        if not torch.is_grad_enabled():
            X_hat = (X - self.moving_mean) / torch.sqrt(self.moving_var + 1e-5)
        else:
            axes = (0,) if X.dim() == 2 else (0, 2, 3)
            mean = X.mean(dim=axes, keepdim=True)
            var = ((X - mean) ** 2).mean(dim=axes, keepdim=True)
            X_hat = (X - mean) / torch.sqrt(var + 1e-5)
            self.moving_mean = 0.9 * self.moving_mean + 0.1 * mean
            self.moving_var = 0.9 * self.moving_var + 0.1 * var
        return self.gamma * X_hat + self.beta


class Renamed(nn.BatchNorm2d):
    pass


def make_layer(channels: int, eps: float = 1e-5, momentum: float = 0.1) -> nn.Module:
    return nn.BatchNorm1d(channels, eps=eps, momentum=momentum)


instance = nn.BatchNorm1d(3, eps=0.25, momentum=0.5)
without_statistics = nn.BatchNorm2d(3, track_running_stats=False)
