"""A direction, along which a layer is differentiated further: of x, gamma and beta, or of their gradients."""

from __future__ import annotations

from typing import Any, NamedTuple


class Direction(NamedTuple):
    """`x`: shape of x.  `gamma`, `beta`: shape (C,), None where that direction is 0.

    NumPy arrays in a case, a framework's own where an adapter is asked.
    """

    x: Any
    gamma: Any | None = None
    beta: Any | None = None
