"""Layers that go column by column, or keep their own mode: written with torch, and NumPy where it slipped in."""

# As users write: no types, short names.
# mypy: ignore-errors

import numpy as np
import torch


def with_numpy_root(input_tensor, eps):
    rows, columns = input_tensor.shape
    result = torch.zeros(rows, columns)
    for column in range(columns):
        values = input_tensor[:, column]
        centred = values - values.mean()
        result[:, column] = centred / np.sqrt((centred**2).mean() + eps)
    return result


def with_parameters(input_tensor, weight, bias, eps):
    rows, columns = input_tensor.shape
    result = torch.empty(rows, columns, dtype=input_tensor.dtype)
    for column in range(columns):
        values = input_tensor[:, column]
        centred = values - values.mean()
        result[:, column] = centred / torch.sqrt((centred**2).mean() + eps)
    return weight * result + bias


class WithEvalAlone:
    def __init__(self, weight, bias, eps, momentum):
        self.weight, self.bias = weight, bias
        self.eps, self.momentum = eps, momentum
        self.running_mean, self.running_var = torch.zeros(len(weight)), torch.ones(len(weight))
        self.learning = True

    def __call__(self, input_tensor):
        mean, var = self.running_mean, self.running_var
        if self.learning:
            var, mean = torch.var_mean(input_tensor, 0, correction=0)
            unbiased = torch.var(input_tensor, 0, correction=1)
            self.running_mean = torch.lerp(self.running_mean, mean, self.momentum)
            self.running_var = torch.lerp(self.running_var, unbiased, self.momentum)
        return self.weight * (input_tensor - mean) / torch.sqrt(var + self.eps) + self.bias

    def eval(self):
        self.learning = False
