"""bncheck: says whether a Batch Normalization implementation is right, and where, why and how it is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    import pytest

    from bncheck.adapter import Adapter as Adapter
    from bncheck.adapter import Config as Config
    from bncheck.adapter import Gradients as Gradients
    from bncheck.adapter import Second as Second
    from bncheck.adapter import State as State
    from bncheck.baseline.entry import Baseline
    from bncheck.capabilities import Capabilities as Capabilities
    from bncheck.dialect import Dialect as Dialect
    from bncheck.direction import Direction as Direction
    from bncheck.report import Report as Report
    from bncheck.testing import BatchNormTests as BatchNormTests

__all__ = [
    "Adapter",
    "BatchNormTests",
    "Capabilities",
    "Config",
    "Dialect",
    "Direction",
    "Gradients",
    "Report",
    "Second",
    "State",
    "__version__",
    "check",
    "parametrize",
]

_HOMES = {
    "Adapter": "adapter",
    "Config": "adapter",
    "Gradients": "adapter",
    "Second": "adapter",
    "State": "adapter",
    "Capabilities": "capabilities",
    "Dialect": "dialect",
    "Direction": "direction",
    "Report": "report",
    "BatchNormTests": "testing",
}


def check(
    target: Any,
    *,
    profile: str = "ci",
    seed: int = 0,
    include: str | None = None,
    exclude: str | None = None,
    dtypes: Sequence[str] = (),
    ranks: Sequence[int] = (),
    device: str | None = None,
    dialect: Mapping[str, str] | None = None,
    isolate: bool | None = None,
    baseline: str | PathLike[str] | None = None,
) -> Report:
    """Judge one target, a string as on the command line or an object, and return the report.

    Raises UsageError on misuse and nothing else about the target: what does not load, and what is violated, is in
    the report, whose `exit_code` is 0 where all laws hold.  `baseline`: a file of failures that are known.
    """
    from bncheck.checking import run
    from bncheck.options import Options
    from bncheck.properties.catalogue import CATALOGUE

    options = Options(
        profile,
        seed,
        include,
        exclude,
        tuple(dtypes),
        device,
        dialect or {},
        tuple(ranks),
        isolate,
        baseline=_baseline(baseline),
    )
    return run([target], CATALOGUE, options)


def parametrize(
    *targets: Any,
    profile: str = "ci",
    seed: int = 0,
    include: str | None = None,
    exclude: str | None = None,
    dtypes: Sequence[str] = (),
    ranks: Sequence[int] = (),
    device: str | None = None,
    dialect: Mapping[str, str] | None = None,
    isolate: bool | None = None,
    baseline: str | PathLike[str] | None = None,
) -> pytest.MarkDecorator:
    """Decorate a test with parameters `law` and `implementation`: one test for each law and target.

    The test calls `law(implementation)`, which raises AssertionError with the finding where the law fails; it is an
    expected failure where the file `baseline` knows it.
    """
    from bncheck.options import Options
    from bncheck.pytest_support import parametrized

    options = Options(
        profile,
        seed,
        include,
        exclude,
        tuple(dtypes),
        device,
        dialect or {},
        tuple(ranks),
        isolate,
        baseline=_baseline(baseline),
    )
    return parametrized(targets, options)


def _baseline(path: str | PathLike[str] | None) -> Baseline | None:
    from pathlib import Path

    from bncheck.baseline.reading import baseline_of

    return None if path is None else baseline_of(Path(path))


def __getattr__(name: str) -> Any:
    """The public classes, imported when they are first asked for, so that `import bncheck` stays light."""
    from importlib import import_module

    if name == "__version__":
        from bncheck.environment import version

        return version()
    if name not in _HOMES:
        raise AttributeError(f"module 'bncheck' has no attribute {name!r}")
    return getattr(import_module(f"bncheck.{_HOMES[name]}"), name)
