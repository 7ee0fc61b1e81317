"""What a planted bug and a sound variant are: an adapter to judge, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bncheck.adapter import Adapter

Maker = Callable[[], Adapter]


@dataclass(frozen=True, slots=True)
class Bug:
    """A small variation of a sound implementation that is wrong.

    `id`: `family.detail`, the family one of those of causes.  `text`: what it does instead, one sentence.
    `bug_class`: the class of public reports that it belongs to.  `report`: the public report that it models,
    or that comes nearest to it.
    `make`: the adapter; frameworks are imported inside.  `dtypes`: of x, in which it is judged.  `port_of`: the id of
    the bug that it carries over to another framework, counted once.  `expected`: the verdict that kills it.
    """

    id: str
    text: str
    bug_class: str
    report: str
    make: Maker
    dtypes: tuple[str, ...] = ("float32",)
    port_of: str | None = None
    expected: Literal["violated", "unstable", "crashed"] = "violated"


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound implementation, which no law may reject.  `text`: in what it differs from the plain two-pass one.

    `slow`: it takes seconds to compile.
    """

    id: str
    text: str
    make: Maker
    dtypes: tuple[str, ...] = ("float32", "float64", "float16", "bfloat16")
    slow: bool = False
