"""Layouts: how an array lies in memory, told by a name."""

from __future__ import annotations

from typing import Literal, get_args

Layout = Literal["contiguous", "channels_last", "transposed", "offset", "step", "padded", "expanded"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
