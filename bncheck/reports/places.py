"""Where a target stands: its file below the root of the repository, or its name."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from bncheck.errors import UsageError
from bncheck.target import Target, parse_target


def file_of(target: str) -> str | None:
    """The target's .py file, relative to the root where it lies below that, with forward slashes; None if it has none."""
    parsed = _parsed(target)
    if parsed is None or not parsed.locator.endswith(".py"):
        return None
    path = Path.cwd() / parsed.locator
    root = _root()
    # Of a path with .. in it only the file system knows where it leads.
    path = path.resolve() if ".." in path.parts else path
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def uri_of(file: str) -> str:
    """A relative reference, or a file URI for a path that is absolute (RFC 3986)."""
    return Path(file).as_uri() if Path(file).is_absolute() else quote(file)


def qualified_name(target: str) -> str:
    """`torch.nn.BatchNorm2d` of `torch.nn:BatchNorm2d?affine=false@cpu`; what is no target's name as it is."""
    parsed = _parsed(target)
    if parsed is None:
        return target
    return ".".join(filter(None, (parsed.locator, parsed.attribute)))


def _parsed(target: str) -> Target | None:
    """None for an object that was handed over, which goes by its repr."""
    try:
        return parse_target(target)
    except UsageError:
        return None


def _root() -> Path:
    """Where GitHub has checked the repository out, if that holds the working directory, else the working directory."""
    checkout, here = os.environ.get("GITHUB_WORKSPACE"), Path.cwd()
    return Path(checkout) if checkout and here.is_relative_to(checkout) else here
