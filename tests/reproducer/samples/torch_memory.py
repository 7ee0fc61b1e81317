"""A torch module with two bugs: the running mean moves on in training, and evaluation is off from the second on."""

# As users write: no types.
# mypy: ignore-errors

from torch import nn


class Remembers(nn.BatchNorm1d):
    """It counts its evaluations."""

    evaluated = 0

    def forward(self, x):
        """As torch.nn.BatchNorm1d, but for that."""
        y = super().forward(x)
        if self.training:
            self.running_mean += 1
            return y
        self.evaluated += 1
        return y + (self.evaluated > 1)
