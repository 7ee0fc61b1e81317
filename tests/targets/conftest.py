"""Cases whose every step is exact in any binary format, so that their outcomes can be told by hand and compared in bits.

Each channel holds its mean plus and minus 3; with eps 7 the inverse deviation of a batch is 1/4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bncheck.case import Case, Mode
from bncheck.outcome import QUANTITIES, Outcome
from bncheck.reference.formats import dtype_of

Numbers = NDArray[np.float64]

MEAN = np.array([1.0, -2.0, 0.0])
SIGN = np.array([1.0, -1.0, 1.0])
GAMMA = np.array([1.0, 2.0, -0.5])
BETA = np.array([0.0, 1.0, -3.0])
RUNNING_MEAN = np.array([2.0, -1.0, 4.0])
RUNNING_VAR = np.array([9.0, 57.0, 9.0])
DY = np.array([[8.0, 8.0, 8.0], [0.0, 0.0, 0.0]])
INVERSE_IN_EVALUATION = np.array([1 / 4, 1 / 8, 1 / 4])


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of user files."""
    return Path(__file__).parent / "samples"


@pytest.fixture(scope="session")
def make_case() -> Callable[..., Case]:
    """A case of the numbers above."""

    def make(
        mode: Mode = "train",
        *,
        rank: int = 2,
        dtype: str = "float32",
        parameters: str | None = None,
        affine: bool = True,
        statistics: bool = True,
        **changes: Any,
    ) -> Case:
        given, row = dtype_of(dtype), dtype_of(parameters or dtype)
        x = np.stack([MEAN + 3 * SIGN, MEAN - 3 * SIGN])
        case = Case(
            x=_of_rank(x, rank).astype(given),
            dy=_of_rank(DY, rank).astype(given),
            gamma=GAMMA.astype(row) if affine else None,
            beta=BETA.astype(row) if affine else None,
            running_mean=RUNNING_MEAN.astype(row) if statistics else None,
            running_var=RUNNING_VAR.astype(row) if statistics else None,
            eps=7.0,
            momentum=0.5,
            mode=mode,
        )
        return case.changed(**changes)

    return make


@pytest.fixture(scope="session")
def differences() -> Callable[..., list[str]]:
    """The quantities of an outcome that are not, bit for bit, what was worked out; absent ones must be absent."""

    def told(
        outcome: Outcome,
        case: Case,
        *,
        absent: tuple[str, ...] = (),
        changed: Mapping[str, Numbers] = MappingProxyType({}),
    ) -> list[str]:
        expected = {**_exact(case), **changed}
        wrong = [f"{name} is there" for name in absent if outcome.quantity(name) is not None]
        for name in (each for each in QUANTITIES if each not in absent):
            actual = outcome.quantity(name)
            if actual is None or not np.array_equal(actual.astype(np.float64), expected[name]):
                wrong.append(f"{name} is {actual!r}, expected {expected[name]!r}")
        return wrong

    return told


def _exact(case: Case) -> dict[str, Numbers]:
    """What one evaluation of such a case gives, worked out by hand for two values in a channel."""
    gamma, beta = (GAMMA, BETA) if case.affine else (np.ones(3), np.zeros(3))
    if case.training:
        centred, inverse = np.stack([3 * SIGN, -3 * SIGN]), np.full(3, 1 / 4)
        # dy - mean(dy) - xhat mean(dy xhat), the normalised values being 3/4 and -3/4
        through = np.stack([np.full(3, 8 - 4 - 9 / 4), np.full(3, 0 - 4 + 9 / 4)])
        running = (RUNNING_MEAN + MEAN) / 2, (RUNNING_VAR + 18) / 2
    else:
        x = np.stack([MEAN + 3 * SIGN, MEAN - 3 * SIGN])
        centred, inverse, through = x - RUNNING_MEAN, INVERSE_IN_EVALUATION, DY
        running = RUNNING_MEAN, RUNNING_VAR
    rank = case.x.ndim
    return {
        "y": _of_rank(gamma * centred * inverse + beta, rank),
        "running_mean": running[0],
        "running_var": running[1],
        "dx": _of_rank(gamma * inverse * through, rank),
        "dgamma": 8 * centred[0] * inverse,
        "dbeta": np.full(3, 8.0),
    }


def _of_rank(values: Numbers, rank: int) -> Numbers:
    """(2, C) as itself, or as (1, C, 2, 1, ...) for a higher rank."""
    return values if rank == 2 else values.T.reshape(1, 3, 2, *(1,) * (rank - 3))
