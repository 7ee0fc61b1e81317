"""Layers that a crew judges."""

from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import torch


class Biased(torch.nn.BatchNorm1d):
    """Keeps the biased variance."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert self.running_var is not None
        before = self.running_var.clone()
        y = super().forward(x)
        m = x.numel() // x.shape[1]
        if self.training and m:
            assert self.num_batches_tracked is not None
            weight = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
            with torch.no_grad():
                self.running_var -= (self.running_var - (1 - weight) * before) / m
        return y


class Slow(torch.nn.BatchNorm1d):
    """Right, and takes its time.  A process that has judged it for a while leaves a file that says so."""

    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.05)
        Slow.calls += 1
        if Slow.calls == 100:
            Path(f"judging-{os.getpid()}").touch()
        return super().forward(x)


class EndsOthers(torch.nn.BatchNorm1d):
    """Ends every process but the first."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if multiprocessing.parent_process() is not None and x.dtype == torch.float32 and len(x) > 2:
            os._exit(7)
        return super().forward(x)
