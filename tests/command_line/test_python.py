"""From Python: `bncheck.check` returns a report, `bncheck.parametrize` makes a test of every law."""

from __future__ import annotations

from pathlib import Path

import pytest

import bncheck
from bncheck.errors import UsageError

pytest_plugins = ["pytester"]
LAYERS = Path(__file__).parent / "samples" / "layers.py"

TEST_FILE = f"""
import bncheck

@bncheck.parametrize({str(LAYERS)!r} + ":NAME", profile="smoke", include="^statistics|devices")
def test_batchnorm(law, implementation):
    law(implementation)
"""


def test_check_takes_a_target_and_returns_a_report() -> None:
    report = bncheck.check("reference.numpy", profile="smoke", include="^forward")
    assert report.exit_code == 0
    assert report.summary["held"] == 5
    assert repr(report) == "<Report on reference.numpy: 5 held, 3 not applicable; exit 0>"


def test_check_takes_an_object() -> None:
    def normalise(x, eps):  # type: ignore[no-untyped-def]  # what users hand over has no types either
        return (x - x.mean(axis=0)) / (x.var(axis=0) + x.dtype.type(eps)) ** 0.5

    report = bncheck.check(normalise, profile="smoke", include=r"forward\.(output|moments)", ranks=[2])
    assert [str(law.status) for law in report.targets[0].laws] == ["held", "held"]


def test_check_does_not_raise_for_a_target_that_does_not_load() -> None:
    report = bncheck.check("nowhere.py:Layer", profile="smoke")
    assert (report.exit_code, report.targets[0].error) == (4, "there is no file nowhere.py")


@pytest.mark.parametrize("wrong", [{"profile": "huge"}, {"dtypes": ["int8"]}, {"include": "("}])
def test_check_raises_on_misuse_alone(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        bncheck.check("reference.numpy", **wrong)  # type: ignore[arg-type]  # the values are wrong on purpose


def test_two_lines_make_a_test_of_every_law(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE.replace("NAME", "Sound"))
    result = pytester.runpytest("-v", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, skipped=1)
    result.stdout.fnmatch_lines(["*test_batchnorm[[]statistics.variance] PASSED*"])


def test_a_law_that_fails_prints_the_finding_and_not_our_traceback(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TEST_FILE.replace("NAME", "Wrong"))
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=3, skipped=1)
    result.stdout.fnmatch_lines(
        ["*running_var[[]0] is 0.125, expected 0.25*", "*Reproduce with: bncheck run *"]
    )
    result.stdout.no_fnmatch_line("*pytest_support.py*")


def test_importing_the_package_offers_what_an_adapter_needs() -> None:
    for name in ("Adapter", "Capabilities", "Config", "Dialect", "Gradients", "State", "__version__"):
        assert getattr(bncheck, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = bncheck.nonsense
