"""Layers that scripts have to cope with: with two bugs at once, or with much to say."""

# As users write: no types.
# mypy: ignore-errors

import os
import sys
from pathlib import Path

import numpy as np


class Sound:
    """Two-pass, centred, rank 2, float32; forward alone."""

    __bncheck__ = {"dtypes": ["float32"], "ranks": [2]}

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features, np.float32), np.zeros(num_features, np.float32)
        self.running_mean = np.zeros(num_features, np.float32)
        self.running_var = np.ones(num_features, np.float32)
        self.eps, self.momentum = np.float32(eps), momentum

    def forward(self, x, training=True):
        """x has shape (N, C)."""
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var, w = x.mean(axis=0), x.var(axis=0), np.float32(self.momentum)
            self.running_mean = (1 - w) * self.running_mean + w * mean
            self.running_var = (1 - w) * self.running_var + w * var * np.float32(len(x) / (len(x) - 1))
        return self.gamma * ((x - mean) / np.sqrt(var + self.eps)) + self.beta


class MeanMovesOn(Sound):
    """Each training step adds 1 to the running mean."""

    def forward(self, x, training=True):
        """As Sound, but for that."""
        y = super().forward(x, training)
        if training:
            self.running_mean = self.running_mean + np.float32(1)
        return y


class TwoBugs(MeanMovesOn):
    """Besides, evaluation is off by 1."""

    def forward(self, x, training=True):
        """As MeanMovesOn, but for that."""
        return super().forward(x, training) + np.float32(0 if training else 1)


class TwoBugsFromTheSecondOn(MeanMovesOn):
    """Besides, every evaluation but the first is off by 1."""

    evaluated = False

    def forward(self, x, training=True):
        """As MeanMovesOn, but for that."""
        off = np.float32(self.evaluated and not training)
        self.evaluated = self.evaluated or not training
        return super().forward(x, training) + off


class Forgetful(Sound):
    """It ignores beta."""

    def forward(self, x, training=True):
        """As Sound, but for that."""
        return super().forward(x, training) - self.beta


class Talks(Forgetful):
    """Besides, it prints five lines at each call, and what is no text."""

    def forward(self, x, training=True):
        """As Forgetful, but for that."""
        print("a call\n" * 5, flush=True)
        os.write(sys.__stdout__.fileno(), b"\xff\x00\n")
        return super().forward(x, training)


class NegatesZero(Sound):
    """Evaluation turns a running mean of 0 into -0."""

    def forward(self, x, training=True):
        """As Sound, but for that."""
        y = super().forward(x, training)
        if not training:
            self.running_mean = np.where(self.running_mean == 0, np.float32(-0.0), self.running_mean)
        return y


class KeepsItsFirstMean(Sound):
    """Where a batch has the shape of an earlier one, the running mean that was given then is what it goes on from."""

    known = {}

    def forward(self, x, training=True):
        """As Sound, but for that."""
        if training:
            self.running_mean = self.known.setdefault(x.shape, self.running_mean)
        return super().forward(x, training)


class DiesInEveryFifthProcess(Sound):
    """Of the processes that show it a batch of three, as a file counts them, every fifth ends."""

    shown = False

    def forward(self, x, training=True):
        """As Sound, but for that."""
        if len(x) == 3 and not self.shown:
            type(self).shown = True
            with Path(os.environ["ODD_COUNTER"]).open("ab") as file:
                file.write(b".")
                file.flush()
                if file.tell() % 5 == 0:
                    os._exit(3)
        return super().forward(x, training)


class ReadsWhatLiesThere(Sound):
    """In evaluation a strided running variance is read as the one that lay in memory last."""

    lay_there = None

    def forward(self, x, training=True):
        """As Sound, but for that."""
        own, last = self.running_var, type(self).lay_there
        if training or own.flags.c_contiguous or last is None or last.shape != own.shape:
            type(self).lay_there = np.array(own)
            return super().forward(x, training)
        self.running_var = last
        y = super().forward(x, training)
        self.running_var = own
        return y
