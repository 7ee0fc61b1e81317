"""What the planted layers name of their adapters, without anything that judges them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from bncheck.reference.formats import at_least_float32, dtype_of, format_of

__all__ = ["at_least_float32", "dtype_of", "format_of"]

Native = Any
RANKS = (2, 3, 4, 5)


class Gradients(NamedTuple):
    """Of x, gamma and beta."""

    dx: Any
    dgamma: Any
    dbeta: Any


class Second(NamedTuple):
    """To dy, x and gamma."""

    dy: Any
    x: Any
    gamma: Any


Pullback = Callable[[Native], Gradients]


class Direction(NamedTuple):
    """Of x, gamma and beta."""

    x: Any
    gamma: Any = None
    beta: Any = None


class State(NamedTuple):
    """The running statistics and the count of batches."""

    mean: Any
    var: Any
    batches: int | None = None


@dataclass(frozen=True)
class Config:
    """What a layer is made for."""

    shape: tuple[int, ...]
    eps: float
    momentum: float | None
    affine: bool
    dtype: np.dtype[Any]
    parameter_dtype: np.dtype[Any]
    device: str = "cpu"

    @property
    def channels(self) -> int:
        return self.shape[1]


@dataclass(frozen=True)
class Dialect:
    """Conventions that a planted layer declares."""

    momentum: str = "new"
    running_variance: str = "unbiased"
    variance: str = "stable"
    single: str = "any"
    empty: str = "any"


@dataclass(frozen=True)
class Capabilities:
    """What a planted layer declares; nobody reads it here."""

    ranks: tuple[int, ...] = RANKS
    dtypes: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    plain: bool = True
    cumulative: bool = False
    compiles: bool = False
    counter: bool = False
    layouts: bool = False
    parameters: bool = False
    memory: bool = False
    forward_mode: bool = False
    second_order: bool = False
    set_statistics: bool = True
    zero_eps: bool = True
    reasons: object = None


class Adapter:
    """Nothing."""


class ArraysAdapter(Adapter):
    """Nothing."""


class TorchModuleAdapter(Adapter):
    """Nothing."""


Found = completed = None


class JaxArrays:
    """Nothing but a dialect."""

    dialect = Dialect()

    def __init__(self, device: str) -> None:
        self.device = device


def unchangeable(_arrays: JaxArrays) -> None:
    """Nothing to say."""
