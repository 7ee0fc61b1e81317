"""A torch layer that reads where nothing lies, once a batch of three values a channel comes."""

# As users write: no types, short names.
# mypy: ignore-errors

import torch


class Illegal(torch.nn.BatchNorm2d):
    def forward(self, x):
        if x.numel() == 3 * x.shape[1]:
            x = x[torch.tensor([len(x)], device=x.device)]
        return super().forward(x)
