"""How a cause is made of replaced parts of a layer, or of a planted bug."""

from __future__ import annotations

from collections.abc import Callable

from bncheck.causes.cause import Cause, Claims
from bncheck.planted.bug import Bug
from bncheck.planted.numpy_adapter import layer


def cause(
    name: str,
    text: str,
    complexity: int = 1,
    *,
    rounds_to: str | None = None,
    narrow: bool = False,
    claims: Claims = (),
    **parts: Callable[..., object] | None,
) -> Cause:
    """The cause of a layer with some parts replaced, `both` as for `layer`."""
    return Cause(name, text, layer(**parts), complexity, rounds_to, narrow, claims=claims)  # type: ignore[arg-type]  # parts alone are given


def of_bug(
    bug: Bug, *, complexity: int = 2, rounds_to: str | None = None, narrow: bool = False, claims: Claims = ()
) -> Cause:
    """The cause that a planted bug in NumPy is."""
    return Cause(bug.id, bug.text, bug.make, complexity, rounds_to, narrow, claims=claims)
