"""An adapter whose device, NumPy by another name, answers nothing more once a batch of three values was seen."""

# As users write: no types, short names.
# mypy: ignore-errors

import numpy as np

from bncheck import Adapter, Capabilities


class Layer:
    def __init__(self, config):
        self.eps, self.momentum = config.eps, config.momentum
        self.gamma = self.beta = self.running_mean = self.running_var = None


class Fragile(Adapter):
    name = "fragile"
    capabilities = Capabilities(dtypes=("float32",), ranks=(2,), gradient=False, eval_gradient=False)
    lost = False

    def make(self, config):
        return Layer(config)

    def forward(self, handle, x, training):
        mean, var, weight = handle.running_mean, handle.running_var, np.float32(handle.momentum)
        if training:
            if len(x) == 3:
                self.lost = True
                self.answer()
            mean, var = x.mean(axis=0), x.var(axis=0)
            unbiased = var * np.float32(len(x) / (len(x) - 1))
            handle.running_mean = (1 - weight) * handle.running_mean + weight * mean
            handle.running_var = (1 - weight) * handle.running_var + weight * unbiased
        return (x - mean) / np.sqrt(var + np.float32(handle.eps)) * handle.gamma + handle.beta

    def place(self, array, layout="contiguous"):
        self.answer()
        return super().place(array, layout)

    def fetch(self, native):
        self.answer()
        return super().fetch(native)

    def answer(self):
        if self.lost:
            raise RuntimeError("illegal memory access")


adapter = Fragile()
