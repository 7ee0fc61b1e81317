"""Ten implementations that misbehave, one way each; otherwise they are sound."""

# As users write: no types.
# mypy: ignore-errors

import ctypes
import os
import sys

import numpy as np


class Sound:
    """Two-pass, centred, rank 2, float32; forward alone."""

    __bncheck__ = {"dtypes": ["float32"], "ranks": [2]}

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma, self.beta = np.ones(num_features, np.float32), np.zeros(num_features, np.float32)
        self.running_mean = np.zeros(num_features, np.float32)
        self.running_var = np.ones(num_features, np.float32)
        self.eps, self.momentum = np.float32(eps), momentum

    def misbehave(self, x):
        """Nothing here."""

    def forward(self, x, training=True):
        """x has shape (N, C); the misbehaviour needs a batch of three or more, so that loading succeeds."""
        mean, var = self.running_mean, self.running_var
        if training:
            mean, var, w = x.mean(axis=0), x.var(axis=0), np.float32(self.momentum)
            self.running_mean = (1 - w) * self.running_mean + w * mean
            self.running_var = (1 - w) * self.running_var + w * var * np.float32(len(x) / (len(x) - 1))
        y = self.gamma * ((x - mean) / np.sqrt(var + self.eps)) + self.beta
        if x.shape[1] == 1 and len(x) > 2:
            replaced = self.misbehave(x)
            return y if replaced is None else replaced
        return y


class Segfaults(Sound):
    def misbehave(self, x):
        ctypes.string_at(0)


class Exits(Sound):
    def misbehave(self, x):
        os._exit(3)


class LoopsForEver(Sound):
    def misbehave(self, x):
        while True:
            pass


class EatsMemory(Sound):
    def misbehave(self, x):
        hoard = []
        while True:
            hoard.append(np.ones(2**24, np.uint8))


class Recurses(Sound):
    def misbehave(self, x):
        return self.misbehave(x)


class ReturnsText(Sound):
    def misbehave(self, x):
        return "y"


class Prints(Sound):
    def misbehave(self, x):
        print("looking at", x.shape)
        os.write(1, b"straight to the file descriptor\n")
        sys.stdout.flush()


class Reseeds(Sound):
    def misbehave(self, x):
        np.random.seed(0)


class WritesIntoItsInput(Sound):
    def misbehave(self, x):
        x -= x.mean(axis=0)


class Guesses(Sound):
    def misbehave(self, x):
        return np.random.default_rng().normal(size=x.shape).astype(np.float32)
