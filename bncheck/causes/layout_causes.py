"""Causes in how arrays that are not contiguous are read by a backward pass alone."""

from __future__ import annotations

from dataclasses import replace

from bncheck.case import Native
from bncheck.causes.made import cause
from bncheck.planted.layout_bugs import from_pointer
from bncheck.planted.numpy_layer import Made, Saved, column


def _misread(made: Made, saved: Saved) -> Saved:
    """gamma from its first element on, the strides not looked at."""
    if made.gamma is None:
        return saved
    return replace(saved, gamma=column(from_pointer(made.gamma), saved.rows.dtype))


def _channels_lie_last(x: Native) -> bool:
    return x.shape[1] == 1 or x.strides[1] == x.itemsize or x.size == x.shape[0] * x.shape[1]


LAYOUT_CAUSES = (
    cause(
        "layout.backward_reads_gamma_as_if_contiguous",
        "The backward pass reads gamma from its first element on as if it were contiguous.",
        2,
        recalled=_misread,
    ),
    cause(
        "layout.backward_reads_gamma_as_if_contiguous_beside_channels_last",
        "Where the channels of x lie last in memory the backward pass reads gamma as if it were contiguous.",
        3,
        recalled=lambda made, saved: _misread(made, saved) if _channels_lie_last(saved.x) else saved,
    ),
)
