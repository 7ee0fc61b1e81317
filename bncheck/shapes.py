"""Shapes of cases: drawn freely, or from a short fixed ladder for implementations that compile for each shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a compiled function is specialised on: the shape of x, whether gamma and beta are there, and whether
    half-precision x comes with float32 parameters (`mixed`) or with its own dtype throughout.
    """

    shape: tuple[int, ...]
    affine: bool = True
    mixed: bool = True


# Ranks 2 to 5, batches of 2, C = 1 and C = W, a long channel, no affine once, half precision throughout now and then,
# and five pairs that hold the same channels under two ranks: 12 plans, whatever the seed.
LADDER = (
    Plan((2, 1)),
    Plan((2, 1, 1)),
    Plan((2, 3), mixed=False),
    Plan((2, 3, 1), mixed=False),
    Plan((4, 5), affine=False),
    Plan((2, 5, 2), affine=False),
    Plan((8, 2)),
    Plan((2, 2, 2, 1, 2)),
    Plan((2, 3, 2, 3), mixed=False),
    Plan((3, 3, 4), mixed=False),
    Plan((33, 3)),
    Plan((1024, 2)),
)

# Half precision with float32 parameters and statistics.
MIXED = tuple(plan for plan in LADDER if plan.mixed and prod(plan.shape) <= 64)
# One value a channel, and sizes beside a power of two.
SINGLES = (Plan((1, 3)), Plan((1, 3, 1)))
SIZES = (Plan((33, 3)), Plan((1, 3, 257)), Plan((2, 65)), Plan((1024, 2)))


def other_shape(shape: tuple[int, ...], ranks: tuple[int, ...], *, ladder: bool) -> tuple[int, ...] | None:
    """Another shape with the same channels and values a channel, of a rank that is offered; None if there is none."""
    channels, count = shape[1], prod(shape) // shape[1]
    if ladder:
        known = [
            plan.shape
            for plan in LADDER
            if plan.shape[1] == channels and prod(plan.shape) == count * channels
        ]
    else:
        flat, tall = (shape[0], channels, count // shape[0]), (count, channels, 1)
        known = [(count, channels), flat, (*flat, 1), (*flat, 1, 1), tall, (*tall, 1), (*tall, 1, 1)]
        known += [(1, channels, count), (1, channels, count, 1), (1, channels, count, 1, 1)]
    return next((other for other in known if other != shape and len(other) in ranks), None)


def fitted_shape(shape: tuple[int, ...], ranks: tuple[int, ...]) -> tuple[int, ...]:
    """The same channels under the nearest rank that is offered: trailing axes merged, or axes of length 1 added."""
    if len(shape) in ranks:
        return shape
    lower = [rank for rank in ranks if rank < len(shape)]
    count = prod(shape) // shape[1]
    if lower:
        rank = max(lower)
        return (count, shape[1]) if rank == 2 else (*shape[: rank - 1], prod(shape[rank - 1 :]))
    rank = min(ranks)
    if len(shape) == 2:
        part = next((divisor for divisor in range(2, count) if count % divisor == 0), count)
        shape = (part, shape[1], count // part if part else 1)
    return (*shape, *(1,) * (rank - len(shape)))


_KINDS = st.sampled_from(("small",) * 8 + ("square",) * 2 + ("medium",) * 3 + ("long",))
_MOSTLY = st.sampled_from((True,) * 9 + (False,))
_COIN = st.sampled_from((True, False))
_RANKS = st.integers(2, 5)
_UP_TO = {most: st.integers(1, most) for most in (2, 3, 4, 8)}
_FROM_TWO = {most: st.integers(2, most) for most in (3, 4, 8)}
_MEDIUM_COUNTS = st.integers(9, 300)
_MEDIUM_CHANNELS = st.sampled_from((1, 2, 3, 5, 8, 17))
_LONG_COUNTS = st.sampled_from((1024, 4096, 16384, 65536, 131072))
_AROUND = st.sampled_from((0, -1, 1))


@st.composite
def free_plans(draw: Draw, *, largest: int) -> Plan:
    """Any rank, N from 1, C from 1, from two values a channel to about `largest`."""
    return Plan(shape=_free_shape(draw, largest), affine=draw(_MOSTLY), mixed=draw(_COIN))


def _free_shape(draw: Draw, largest: int) -> tuple[int, ...]:
    """(N, C, ...): small ones most of the time, then C = W, then channels of some hundred values, then long ones."""
    kind, rank = draw(_KINDS), draw(_RANKS)
    if kind == "square":
        side = draw(_FROM_TWO[4])
        return (draw(_UP_TO[3]), side, *(side,) * (rank - 2)) if rank > 2 else (side, side)
    if kind == "small":
        spatial = [draw(_UP_TO[3]) for _ in range(rank - 2)]
        most = 8 if rank == 2 else 3
        batch = draw(_UP_TO[most] if any(size > 1 for size in spatial) else _FROM_TWO[most])
        return (batch, draw(_UP_TO[4]), *spatial)
    if kind == "medium":
        count, channels = draw(_MEDIUM_COUNTS), draw(_MEDIUM_CHANNELS)
    else:
        count, channels = min(draw(_LONG_COUNTS), largest) + draw(_AROUND), draw(_UP_TO[2])
    if rank == 2:
        return (count, channels)
    batch = draw(_UP_TO[4])
    return (batch, channels, max(count // batch, 2), *(1,) * (rank - 3))


@st.composite
def mixed_plans(draw: Draw, *, largest: int) -> Plan:
    """Free shapes for half-precision x with float32 parameters and statistics."""
    return Plan(shape=_free_shape(draw, largest), affine=draw(_MOSTLY))


@st.composite
def single_plans(draw: Draw) -> Plan:
    """One value a channel, under every rank."""
    shape = (1, draw(_UP_TO[4]), *(1,) * (draw(_RANKS) - 2))
    return Plan(shape, affine=draw(_MOSTLY), mixed=draw(_COIN))


_SIZE_KINDS = st.sampled_from(("few", "few", "image", "channels", "some", "some", "image", "many"))
_AROUND_POWERS = {
    kind: st.sampled_from([size + side for size in sizes for side in (-1, 0, 1)])
    for kind, sizes in {"few": (8, 16, 32), "some": (64, 128, 256), "many": (1024, 1024, 4096)}.items()
}
_HUGE = st.sampled_from((65535, 65536, 65537))
_MANY_CHANNELS = st.sampled_from([size + side for size in (8, 16, 32, 64, 128, 256) for side in (-1, 0, 1)])
# Odd, prime, and no multiple of a vector's width; one in a row is a multiple of 8.
_SIDES = st.sampled_from((3, 5, 7, 9, 11, 13, 17, 19, 23, 8, 31))
_RARELY = st.sampled_from((False,) * 7 + (True,))


@st.composite
def size_plans(draw: Draw, *, largest: int) -> Plan:
    """Sizes around the powers of two that kernels are tiled by: of the batch, of an image, of the channels."""
    return Plan(shape=_size_shape(draw, largest), mixed=draw(_COIN))


def _size_shape(draw: Draw, largest: int) -> tuple[int, ...]:
    kind = draw(_SIZE_KINDS)
    if kind == "channels":
        return (draw(_FROM_TWO[4]), draw(_MANY_CHANNELS), *(1,) * (draw(_RANKS) - 2))
    if kind == "image":
        return (draw(_UP_TO[2]), draw(_FROM_TWO[3]), draw(_SIDES), draw(_SIDES))
    count, channels = draw(_AROUND_POWERS[kind]), 2 if kind == "many" else draw(_FROM_TWO[4])
    if kind == "many" and largest >= 65537 and draw(_RARELY):
        count = draw(_HUGE)
    count = min(count, largest + 1)
    if draw(_COIN):
        return (count, channels)
    return (1, channels, count) if draw(_COIN) else (1, channels, 1, count)


def ladder_plans() -> st.SearchStrategy[Plan]:
    """The fixed ladder, the smallest plan first."""
    return st.sampled_from(LADDER)
