"""Laws as the tests of a class: `class TestMyBatchNorm(BatchNormTests): target = MyBatchNorm`."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bncheck.baseline.reading import baseline_of
from bncheck.errors import UsageError
from bncheck.options import Options
from bncheck.pytest_support import Tested, parametrized


class BatchNormTests:
    """One test for each law, of the `target` that a subclass names: a string as on the command line, or an object.

    `dialect`: the conventions that are declared for it; `baseline`: a file of failures that are known; `include` and
    `exclude`: regular expressions searched in law ids; the others as in `bncheck.parametrize`.
    """

    target: ClassVar[Any]
    profile: ClassVar[str] = "ci"
    seed: ClassVar[int] = 0
    include: ClassVar[str | None] = None
    exclude: ClassVar[str | None] = None
    dtypes: ClassVar[tuple[str, ...]] = ()
    dialect: ClassVar[Mapping[str, str]] = {}
    baseline: ClassVar[str | PathLike[str] | None] = None

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """The laws, as pytest asks for them; what a subclass says wrongly is an error of its collection."""
        if "law" not in metafunc.fixturenames:
            return
        try:
            mark = parametrized([cls._target()], cls._options()).mark
        except UsageError as error:
            raise pytest.Collector.CollectError(f"{cls.__name__}: {error}") from None
        metafunc.parametrize(*mark.args, **mark.kwargs)

    def test_law(self, law: Tested, implementation: Any) -> None:
        """What the laws say of the target."""
        __tracebackhide__ = True
        law(implementation)

    @classmethod
    def _target(cls) -> Any:
        if not hasattr(cls, "target"):
            raise UsageError("it names no target; write target = ... in its body")
        return cls.target

    @classmethod
    def _options(cls) -> Options:
        baseline = None if cls.baseline is None else baseline_of(Path(cls.baseline))
        return Options(
            cls.profile,
            cls.seed,
            cls.include,
            cls.exclude,
            tuple(cls.dtypes),
            dialect=cls.dialect,
            baseline=baseline,
        )
