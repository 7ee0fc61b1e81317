"""Layers as they stand in a course's notebook: written with torch, and NumPy where it slipped in."""

# As users write: no types, short names.
# mypy: ignore-errors

import numpy as np
import torch


def with_numpy_root(input_tensor, eps):
    N, M = input_tensor.shape
    normed_tensor = torch.zeros((N, M))
    for i in range(M):
        E = input_tensor[:, i].sum() / N
        sigma2 = ((input_tensor[:, i] - E) ** 2).sum() / N
        normed_tensor[:, i] = (input_tensor[:, i] - E) / np.sqrt(sigma2 + eps)
    return normed_tensor


def with_parameters(input_tensor, weight, bias, eps):
    N, M = input_tensor.shape
    normed_tensor = torch.zeros((N, M), dtype=input_tensor.dtype)
    for i in range(M):
        E = input_tensor[:, i].sum() / N
        sigma2 = ((input_tensor[:, i] - E) ** 2).sum() / N
        normed_tensor[:, i] = (input_tensor[:, i] - E) / torch.sqrt(sigma2 + eps)
    return normed_tensor * weight + bias


class WithEvalAlone:
    def __init__(self, weight, bias, eps, momentum):
        self.weight = weight
        self.bias = bias
        self.eps = eps
        self.momentum = momentum
        self.input_size = len(weight)
        self.running_mean = torch.zeros(self.input_size)
        self.running_var = torch.ones(self.input_size)
        self.flag = 0

    def __call__(self, input_tensor):
        mean, var = self.running_mean, self.running_var
        if self.flag == 0:
            mean = torch.mean(input_tensor, 0)
            var = torch.var(input_tensor, 0, unbiased=False)
            unbiased = torch.var(input_tensor, 0, unbiased=True)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * unbiased
        return (input_tensor - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias

    def eval(self):
        self.flag = 1
